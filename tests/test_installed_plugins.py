"""Plugins that come as installed packages: found by their entry point, on the same terms as dropped files."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from imageserver.config import reader
from imageserver.plugins import PluginRecord, Plugins, PluginStatus, load_plugins
from imageserver.registry import select_providers

PROVIDER = """
from attrs import frozen
from imageserver import ImageProvider, hookimpl

@frozen(kw_only=True)
class Settings:
    colour: str = "red"

class Packed(ImageProvider):
    code = "packed"
    settings_class = Settings

@hookimpl
def imageserver_register_providers(register):
    register(Packed)
"""
Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Puts a package with one entry point where Python finds it: its module, and the folder that pip would write."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    before = set(sys.modules)

    def put(name: str, source: str, version: str = "1.4") -> None:
        for old in site.glob(f"{name}-*.dist-info"):
            old.rename(tmp_path / f"was-{old.name}")
        (site / f"{name}_module.py").write_text(source)
        facts = site / f"{name}-{version}.dist-info"
        facts.mkdir()
        (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (facts / "entry_points.txt").write_text(f"[imageserver.plugins]\n{name} = {name}_module\n")

    yield put
    for name in set(sys.modules) - before:
        if name.endswith("_module"):
            del sys.modules[name]


async def load(folder: Path, before: Plugins | None = None) -> Plugins:
    return await load_plugins(folder / "no-plugins", built_in=(), before=before)


def record(plugins: Plugins, name: str) -> PluginRecord:
    return next(record for record in plugins.records if record.name == name)


async def test_an_installed_package_brings_its_provider(install: Install, tmp_path: Path) -> None:
    """It is named with its package and version, and serves without an entry in the options."""
    install("aurora", PROVIDER)
    plugins = await load(tmp_path)
    found = record(plugins, "aurora")
    assert (found.status, found.source, found.version) == (PluginStatus.LOADED, "installed: aurora 1.4", "1.4")
    assert found.codes == ("packed",)
    data = tmp_path / "data"
    data.mkdir()
    config = reader.load(data, flags={}, environment={}, now=datetime.now(UTC))
    selection = select_providers(plugins, config)
    assert [(enabled.kind.code, enabled.role) for enabled in selection.enabled] == [("packed", "chosen")]


async def test_one_that_raises_is_named(install: Install, tmp_path: Path) -> None:
    """A package that fails at its import is left out with its reason and a remedy, and another one is loaded."""
    install("aurora", PROVIDER)
    install("broken", "1/0\n")
    plugins = await load(tmp_path)
    found = record(plugins, "broken")
    assert found.status is PluginStatus.BROKEN
    assert found.advice == (
        "ZeroDivisionError: division by zero (broken_module.py:1). "
        "Update or remove the package and say `imageserver plugins reload`"
    )
    assert list(plugins.providers) == ["packed"]


async def test_one_that_comes_while_the_server_runs_is_found(install: Install, tmp_path: Path) -> None:
    """A package that was installed after the start is there at the next loading, and the others are not touched."""
    install("aurora", PROVIDER)
    first = await load(tmp_path)
    install("borealis", PROVIDER.replace('"packed"', '"boreal"'))
    second = await load(tmp_path, first)
    assert list(second.providers) == ["packed", "boreal"]
    assert second.providers["packed"] is first.providers["packed"]


async def test_an_updated_package_waits_for_a_restart(install: Install, tmp_path: Path) -> None:
    """Python cannot load a package anew: the old one serves on, and the owner is told so at each loading."""
    install("aurora", PROVIDER)
    first = await load(tmp_path)
    install("aurora", PROVIDER.replace("red", "blue"), version="1.5")
    second = await load(tmp_path, first)
    third = await load(tmp_path, second)
    for plugins in (second, third):
        found = record(plugins, "aurora")
        assert found.version == "1.4"
        assert "installed: aurora 1.5" in found.reason
        assert found.remedy == "Restart the server to use the new one"
        assert plugins.providers["packed"] is first.providers["packed"]


async def test_one_that_was_broken_is_tried_again(install: Install, tmp_path: Path) -> None:
    """An update that mends a package that never loaded counts without a restart."""
    install("aurora", "1/0\n")
    first = await load(tmp_path)
    assert first.providers == {}
    install("aurora", PROVIDER, version="1.5")
    second = await load(tmp_path, first)
    assert (record(second, "aurora").version, list(second.providers)) == ("1.5", ["packed"])
