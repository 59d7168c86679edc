from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import attrs
import pytest

from imageserver.config.limits import between
from imageserver.config.reader import load
from imageserver.config.setting import setting
from imageserver.config.settings import read_settings

NOW = datetime(2026, 5, 5, 12, tzinfo=UTC)


@attrs.frozen(kw_only=True)
class Painter:
    """Settings with one field of every kind."""

    api_key: str = attrs.field(metadata={"secret": True, "doc": "The key of the account."})
    phrase: str = setting(default="", doc="Not named like a secret.", secret=True, check=attrs.validators.max_len(9))
    folder: Path | None = setting(default=None, doc="A folder.")
    price: Decimal = setting(default=Decimal("0.5"), doc="Price of a picture.")
    ratio: float | None = setting(default=None, doc="A ratio.", check=attrs.validators.optional(between(0, 1)))
    wide: bool = setting(default=False, doc="A switch.")
    models: tuple[str, ...] = setting(default=(), doc="Names.")
    sizes: tuple[int, ...] = setting(default=(), doc="Numbers.")
    style: Literal["oil", "ink", 3] = setting(default="oil", doc="A style.")
    limit: int | str = setting(default=1, doc="A number or a word.")
    low: int = setting(default=1, doc="Below high.")
    high: int = attrs.field(default=2)

    @high.validator
    def _above_low(self, _attribute: object, value: int) -> None:
        if value <= self.low:
            raise ValueError("high must be above low")


def _read(data: Path, lines: str, settings_class: type[Any] | None = Painter) -> tuple[Any, list[str]]:
    text = "providers:\n  painter:\n" + "".join(f"    {line}\n" for line in lines.splitlines())
    (data / "options.yml").write_text(text)
    config = load(data, flags={}, environment={}, now=NOW)
    settings, problems = read_settings(config.providers["painter"], settings_class, code="painter", data=data)
    return settings, [str(problem) for problem in problems]


def test_every_kind_is_read(tmp_path: Path) -> None:
    """Each kind of annotation takes the value that an owner would write for it."""
    lines = """\
api_key: abc
folder: pictures
price: 0.10
ratio: 1
wide: TRUE
models: [a, b]
sizes: 7
style: INK
limit: none
low: -5
"""
    expected = Painter(
        api_key="abc",
        folder=tmp_path / "pictures",
        price=Decimal("0.10"),
        ratio=1.0,
        wide=True,
        models=("a", "b"),
        sizes=(7,),
        style="ink",
        limit="none",
        low=-5,
    )
    settings, problems = _read(tmp_path, lines)
    assert problems == []
    assert settings == expected
    assert str(settings.price) == "0.10"
    assert _read(tmp_path, "api_key: a\nstyle: 3\nfolder: ~\n")[0] == Painter(api_key="a", style=3)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("wide: true", "options.yml:2: providers.painter.api_key: is missing. The key of the account."),
        ("api_key: a\nwide: on", 'wide: expected true or false, got "on": write true without quotes'),
        ("api_key: a\nwide: 1", "wide: expected true or false, got 1: write true without quotes"),
        ("api_key: a\nprice: '0.1'", 'price: expected a number, got "0.1": write 0.1 without quotes'),
        ("api_key: a\nprice: .nan", "price: expected a number, got .nan"),
        ("api_key: a\nratio: 2", "options.yml:4: providers.painter.ratio: expected a number from 0 to 1, got 2"),
        ("api_key: a\nsizes: [1, x]", 'sizes: expected a whole number, got "x"'),
        ("api_key: a\nstyle: inc", 'style: expected one of oil, ink, 3, got "inc": did you mean "ink"?'),
        ("api_key: a\nlimit: [1]", "limit: expected a whole number or a text, got a list"),
        ("api_key: a\nfolders: x", 'folders: no such key; did you mean "folder"?'),
        ("api_key: a\nlow: 5\nhigh: 5", "options.yml:2: providers.painter: high must be above low"),
    ],
)
def test_a_bad_setting(tmp_path: Path, lines: str, expected: str) -> None:
    """A setting that is wrong or missing is named with its provider and its line."""
    settings, problems = _read(tmp_path, lines)
    assert settings is None
    assert len(problems) == 1
    assert expected in problems[0]


@pytest.mark.parametrize(
    "lines",
    ["api_key: 4711471147", "api_key: [hunter2]", "api_key: a\nphrase: hunter2hunter2", "api_key: a\nphrase: 47114711"],
)
def test_a_message_tells_no_secret(tmp_path: Path, lines: str) -> None:
    """A secret of the wrong kind or length is refused without repeating it."""
    _, problems = _read(tmp_path, lines)
    assert len(problems) == 1
    assert "hunter2" not in problems[0]
    assert "4711" not in problems[0]


def test_a_provider_that_the_options_do_not_name(tmp_path: Path) -> None:
    """Without an entry the defaults count, and a required key is missing from the file as a whole."""
    settings, problems = read_settings(None, Painter, code="painter", data=tmp_path)
    assert settings is None
    assert [str(one) for one in problems] == [
        "options.yml: providers.painter.api_key: is missing. The key of the account."
    ]
    assert read_settings(None, None, code="painter", data=tmp_path) == (None, [])


def test_a_provider_without_settings(tmp_path: Path) -> None:
    """A provider that has no settings takes an empty entry and refuses every key but the terms."""
    assert _read(tmp_path, "", None) == (None, [])
    assert _read(tmp_path, "a: 1", None) == (
        None,
        [
            "options.yml:3: providers.painter.a: there is no such setting; every provider knows deadline, "
            "image_generate_threshold, max_cost_per_month, max_per_day, max_per_month, price, prompt_language, "
            "prompt_suffix, sleep_time, weight"
        ],
    )


def test_a_strangers_broken_class(tmp_path: Path) -> None:
    """A settings class that nothing can be read into is a problem of that provider, not a crash."""

    class NotAttrs:
        pass

    @attrs.frozen
    class Odd:
        when: datetime | None = None

    @attrs.frozen
    class Unlucky:
        ratio: int = 0

        def __attrs_post_init__(self) -> None:
            1 / self.ratio

    for broken in (NotAttrs, Odd):
        settings, problems = _read(tmp_path, "when: 1", broken)
        assert settings is None
        assert "settings_class is broken" in problems[0]
    assert _read(tmp_path, "ratio: 0", Unlucky) == (None, ["options.yml:2: providers.painter: division by zero"])
