from __future__ import annotations

import itertools
import re
from datetime import UTC, datetime
from pathlib import Path

import attrs
import pytest

from imageserver.config.folders import default_plugins
from imageserver.config.model import Config, Options
from imageserver.config.reader import load

NOW = datetime(2026, 5, 5, 12, tzinfo=UTC)
CONF = Path(__file__).parents[2] / "conf"
KEYS = {attribute.name for attribute in attrs.fields(Options)} | {"providers"}


def _load(folder: Path, name: str) -> Config:
    data = folder / "data"
    data.mkdir()
    (data / "options.yml").write_bytes((CONF / name).read_bytes())
    return load(data, flags={}, environment={}, now=NOW)


@pytest.mark.parametrize("name", ["options-all.yml", "options-all.ru.yml"])
def test_the_complete_example(tmp_path: Path, name: str) -> None:
    """The complete example holds every option, each with its default and a comment above it, and loads."""
    config = _load(tmp_path, name)
    assert {key for key in KEYS - {"providers"} if not config.is_given(key)} == set()
    # In a checkout the default for plugins is the checkout's own folder, which no file can name.
    expected = Options(
        image_path=tmp_path / "images",
        plugins_dir=tmp_path / "plugins",
        cert_path=tmp_path / "certs",
        log_file=tmp_path / "log" / "app.log",
    )
    assert config.options == expected
    assert default_plugins(config.data).name == "plugins"
    lines = (CONF / name).read_text("utf-8").splitlines()
    written = {match[1] for line in lines if (match := re.match(r"(\w+):", line))}
    assert written == KEYS
    uncommented = [
        line
        for before, line in itertools.pairwise(lines)
        if re.match(r"\w+:", line) and not before.startswith("#") and not line.startswith("image_amount_max")
    ]
    assert uncommented == []
    assert "image_weight" in "\n".join(lines)


def test_both_languages_say_the_same() -> None:
    """The Russian example has the same keys and values in the same order as the English one."""
    english, russian = (
        [line for line in (CONF / name).read_text("utf-8").splitlines() if line and not line.startswith("#")]
        for name in ("options-all.yml", "options-all.ru.yml")
    )
    assert russian == english


def test_the_smallest_example(tmp_path: Path) -> None:
    """The smallest example loads and changes nothing but what it names."""
    config = _load(tmp_path, "options.yml")
    assert {key for key in KEYS if config.is_given(key)} == {"image_width", "image_height"}
