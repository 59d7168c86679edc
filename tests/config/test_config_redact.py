from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imageserver.config.model import Config
from imageserver.config.reader import load
from imageserver.config.redact import show
from imageserver.config.setting import setting
from imageserver.config.settings import read_settings

NOW = datetime(2026, 5, 5, 12, tzinfo=UTC)


@attrs.frozen(kw_only=True)
class Painter:
    word: str = setting(default="", doc="Declared secret.", secret=True)
    api_key: str = setting(default="", doc="Named like a secret.")
    key_file: Path | None = setting(default=None, doc="A path is none.")
    service: str = setting(default="", doc="An address.")
    price: Decimal = setting(default=Decimal("0.10"), doc="A price.")
    names: tuple[str, ...] = setting(default=(), doc="Names.")
    ratio: float = setting(default=0.5, doc="A ratio.")
    wide: bool = setting(default=True, doc="A switch.")


def _load(data: Path, text: str) -> Config:
    (data / "options.yml").write_text(text, "utf-8")
    return load(data, flags={}, environment={"PORT": "81"}, now=NOW)


def _painter(config: Config) -> Painter:
    painter, problems = read_settings(config.providers.get("painter"), Painter, code="painter", data=config.data)
    assert problems == []
    assert isinstance(painter, Painter)
    return painter


def test_each_value_has_its_origin(tmp_path: Path) -> None:
    """Every option is shown with its value and where that comes from."""
    text = show(_load(tmp_path, "\nimage_weight: 800\nproviders:\n  painter:\n    price: 2\n"), {"painter": Painter()})
    assert "image_width: 800  # options.yml:2\n" in text
    assert "port: 81  # environment PORT\n" in text
    assert 'check_pending_cron: "* * * * *"  # default\n' in text
    assert "  painter:  # options.yml:4\n" in text
    assert "    price: 0.10  # options.yml:5\n" in text
    assert "    key_file: null  # default\n" in text


def test_secrets_are_masked(tmp_path: Path) -> None:
    """Neither a declared secret, nor one that its name gives away, nor a password in an address is shown."""
    lines = "word: hunter2\napi_key: hunter2\nkey_file: /k\nservice: https://me:hunter2@example.org/\n"
    config = _load(tmp_path, "providers:\n  painter:\n" + "".join(f"    {line}\n" for line in lines.splitlines()))
    text = show(config, {"painter": _painter(config)})
    assert "hunter2" not in text
    assert text.count('"***"') == 2
    assert "key_file: /k  #" in text
    assert 'service: "https://***@example.org/"' in text
    assert 'word: ""' in show(config, {"painter": Painter()}), "that nothing is set is no secret"


@pytest.mark.parametrize(
    "name",
    ["key", "apiKey", "api_key", "token", "iam_token", "client-secret", "PASSWORD", "passwd", "auth", "credentials"],
)
def test_unknown_keys_are_masked_by_name(tmp_path: Path, name: str) -> None:
    """What nobody can read yet is shown, except under names that secrets have."""
    text = (
        f"providers:\n  x:\n    folder: b1g\n    {name}: hunter2\n    deep: {{{name}: [hunter2, 424242], count: 010}}\n"
    )
    shown = show(_load(tmp_path, text), {})
    assert "hunter2" not in shown
    assert "424242" not in shown
    assert "    folder: b1g  # options.yml:3\n" in shown
    assert "count: 010}" in shown


texts = st.text(max_size=20).filter(lambda text: not any(c == "\0" or "\ud800" <= c <= "\udfff" for c in text))


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    painter=st.builds(
        Painter,
        word=st.just(""),
        api_key=st.just(""),
        service=texts.filter(lambda text: "@" not in text),
        price=st.decimals(allow_nan=False, allow_infinity=False),
        names=st.lists(texts.filter(lambda text: "@" not in text)).map(tuple),
        ratio=st.floats(allow_nan=False, allow_infinity=False),
        wide=st.booleans(),
        key_file=st.one_of(st.none(), st.just(Path("/a b/ключ #1"))),
    )
)
def test_it_can_be_read_again(tmp_path: Path, painter: Painter) -> None:
    """What is shown is an options file that gives the same configuration again."""
    config = _load(tmp_path, "port: 7\nimage_path: 'на стене'\ndisabled_providers: [a, 'no']\nproviders: {painter: }\n")
    again = _load(tmp_path, show(config, {"painter": painter}))
    assert again.options == config.options
    assert _painter(again) == painter
    assert again.is_given("quality")
