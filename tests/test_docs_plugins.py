"""Every built-in provider and extension is explained to owners, in both languages, as its code has it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest
from test_docs import ROOT, blocks, read, rows

from imageserver import Extension, ImageProvider
from imageserver.plugin_sources import BUILT_IN, built_in_sources
from imageserver.plugins import Plugins, load_plugins

ELSEWHERE = {"atelier", "folder", "yandexart"}  # explained in configuration.md and a guide of their own
HEADS = {"docs/": ("setting", "message"), "docs/ru/": ("настройка", "сообщение")}


@pytest.fixture(scope="module")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Plugins:
    import asyncio

    return asyncio.run(load_plugins(tmp_path_factory.mktemp("no-plugins")))


def sources(code: str) -> str:
    """Every text in the code of a built-in plugin, with what formatting puts in left open."""
    (module,) = [one.name for one in built_in_sources(BUILT_IN, "") if one.name == code]
    place = ROOT / "imageserver/default_plugins"
    files = sorted((place / module).rglob("*.py")) or [place / f"{module}.py"]
    files += sorted((ROOT / "imageserver/calls").glob("*.py"))
    files += [ROOT / "imageserver/providers.py", ROOT / "imageserver/plugin_context.py", ROOT / "imageserver/checks.py"]
    texts = []
    for file in files:
        nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        texts += [one.value for one in nodes if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    return "\n".join(texts)


def written(value: object) -> str:
    """A default as the tables have it."""
    if value == ():
        return "`[]`"
    if value is attrs.NOTHING or value is None:
        return "–"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, float | Decimal):
        return f"`{value:g}`"
    needs_quotes = isinstance(value, str) and (value != value.strip() or value.isdigit())
    return f'`"{value}"`' if needs_quotes else f"`{value}`"


def check_settings(document: str, head: str, kind: type[Any], *, in_english: bool) -> None:
    said = rows(read(document), head)
    fields = attrs.fields(kind)
    assert [row[0].strip("`") for row in said] == [field.name for field in fields], document
    for row, field in zip(said, fields, strict=True):
        assert row[1] == written(field.default), (document, field.name)
        assert row[2], (document, field.name)
        if in_english:
            assert row[2] == field.metadata["doc"], (document, field.name)


def pages(plugins: Plugins) -> dict[str, type[ImageProvider]]:
    return {code: kind for code, kind in plugins.providers.items() if code not in ELSEWHERE}


def test_every_provider_has_its_pages(plugins: Plugins) -> None:
    """A page in each language for every built-in provider, and none for one that is not there."""
    for folder in HEADS:
        there = {path.stem for path in (ROOT / folder / "providers").glob("*.md")}
        assert there - ELSEWHERE == set(pages(plugins)), folder


@pytest.mark.parametrize("folder", HEADS)
def test_every_setting_of_a_provider_has_its_row(plugins: Plugins, folder: str) -> None:
    """The tables of settings are the classes, in their order, with their defaults and, in English, their sentences."""
    in_english = folder == "docs/"
    for code, kind in pages(plugins).items():
        assert kind.settings_class is not None
        check_settings(f"{folder}providers/{code}.md", HEADS[folder][0], kind.settings_class, in_english=in_english)


@pytest.mark.parametrize("folder", HEADS)
def test_the_messages_are_the_providers(plugins: Plugins, folder: str) -> None:
    """Every message that a page explains is in some text of the provider or of the calls that it makes."""
    for code in pages(plugins):
        texts = sources(code)
        table = rows(read(f"{folder}providers/{code}.md"), HEADS[folder][1])
        assert len(table) >= 3, code
        for row in table:
            for message in re.findall(r"`([^`]+)`", row[0]):
                for part in filter(None, (part.strip(' .:;,()"') for part in re.split(r"…|\d+", message))):
                    assert part in texts, (folder, code, part)


def test_both_languages_show_the_same_blocks(plugins: Plugins) -> None:
    """What is to be typed does not depend on the language."""
    for page in [*(f"providers/{code}.md" for code in pages(plugins)), "extensions.md"]:
        assert blocks(read(f"docs/{page}")) == blocks(read(f"docs/ru/{page}")), page
        assert blocks(read(f"docs/{page}")), page


@pytest.mark.parametrize("folder", HEADS)
def test_every_extension_has_its_part(plugins: Plugins, folder: str) -> None:
    """Every built-in extension has a heading in extensions.md, and its settings a table below it."""
    text = read(f"{folder}extensions.md")
    parts = {part.partition("`)")[0].rpartition("(`")[2]: part for part in text.split("\n## ")[1:]}
    assert set(parts) == set(plugins.extensions)
    for code, kind in plugins.extensions.items():
        assert issubclass(kind, Extension)
        said = rows(parts[code], HEADS[folder][0]) if kind.settings_class else []
        fields = attrs.fields(kind.settings_class) if kind.settings_class else ()
        assert [row[0].strip("`") for row in said] == [field.name for field in fields]
        for row, field in zip(said, fields, strict=True):
            assert row[1] == written(field.default), (code, field.name)
            if folder == "docs/":
                assert row[2] == field.metadata["doc"], (code, field.name)


@pytest.mark.parametrize(("document", "head"), [("README.md", "provider"), ("README.ru.md", "провайдер")])
def test_the_readme_says_what_each_provider_needs(plugins: Plugins, document: str, head: str) -> None:
    """One row for every built-in provider: account, price, waiting, hardware."""
    table = rows(read(document), head)
    codes = [re.findall(r"`([a-z]+)`", row[0])[0] for row in table]
    assert sorted(codes) == sorted(plugins.providers)
    assert all(len(row) == 5 and all(row) for row in table)


@pytest.mark.timeout(600)  # a hang limit: it runs a whole contract
def test_the_example_of_a_tested_provider_passes(tmp_path: Path) -> None:
    """The provider for a web service in plugin-hooks.md passes the test that stands below it, with bare pytest."""
    document = read("docs/plugin-hooks.md")
    provider = next(block for block in blocks(document, "python") if "class Sunny" in block)
    (test,) = blocks(document, "py")
    (tmp_path / "sunny.py").write_text(provider, encoding="utf-8")
    (tmp_path / "test_sunny.py").write_text(test, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--basetemp={tmp_path / 'temporary'}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    assert int(re.findall(r"(\d+) passed", done.stdout)[0]) > 50
