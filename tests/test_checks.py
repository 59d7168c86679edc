"""The checks that plugins share for their settings."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from imageserver import is_between, is_header, is_json_object, is_picture_size, is_seconds, is_web_address
from imageserver.checks import Check

BASE = is_web_address("http://pc:8188")
WHOLE = is_web_address("http://cam/now.jpg", is_base=False)
PLACED = is_web_address("https://{language}.example.org", places=["{language}"])
WEB = 'expected an address such as http://pc:8188, without a user, "?" or "#"'
UNPLACED = 'expected an address such as https://{language}.example.org, without a user, "?" or "#"'
OBJECT = is_json_object('{"tiling": true}')


def verdict(check: Check, value: Any) -> str | None:
    """What a class with such a field says about the value."""
    settings = attrs.make_class("Settings", {"setting": attrs.field(validator=check)})
    try:
        settings(setting=value)
    except ValueError as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (BASE, "http://pc:8188"),
        (BASE, "https://pc/with/a/path/"),
        (BASE, "http://[fd00::2]:80"),
        (BASE, "http://рамка.local"),
        (WHOLE, "http://cam/now.jpg?key=1#top"),
        (WHOLE, "http://me:word@cam/now.jpg"),
        (WHOLE, "http://cam/{width}.jpg"),
        (PLACED, "https://{language}.wikipedia.org/api"),
        (PLACED, "http://127.0.0.1:80/{language}"),
        (is_between(1, 5), 1),
        (is_between(1, 5), 5.0),
        (is_between(256, 4096, step=8), 264),
        (is_seconds(15), 0.001),
        (is_seconds(15), 15),
        (OBJECT, "{}"),
        (OBJECT, ' {"a": [1]} '),
        (is_header, "a"),
        (is_header, "me (me@example.org)"),
        (is_picture_size, "auto"),
        (is_picture_size, "1024x1536"),
    ],
)
def test_good_values(check: Check, value: Any) -> None:
    """They pass."""
    assert verdict(check, value) is None


@pytest.mark.parametrize(
    ("check", "value", "sentence"),
    [
        *((BASE, value, WEB) for value in ("", "pc:8188", "ftp://pc", "http://", "http:///x", "http://pc:0")),
        *((BASE, value, WEB) for value in ("http://pc:99999", "http://pc:x", "http://[x", "http://a b", "http://{pc}")),
        *((BASE, value, WEB) for value in ("http://me@pc", "http://me:word@pc", "http://pc/?a=b", "http://pc/#top")),
        (WHOLE, "cam/now.jpg", "expected an address such as http://cam/now.jpg"),
        (WHOLE, "http://{width}/", "expected an address such as http://cam/now.jpg"),
        (PLACED, "https://{langauge}.example.org", UNPLACED),
        (is_between(1, 5), 0, "expected a number from 1 to 5, got 0"),
        (is_between(1, 5), 5.5, "expected a number from 1 to 5, got 5.5"),
        (is_between(1, 5), float("nan"), "expected a number from 1 to 5, got nan"),
        (is_between(65536, 9437184), 9437185, "expected a number from 65536 to 9437184, got 9437185"),
        (is_between(256, 4096, step=8), 260, "expected a multiple of 8 from 256 to 4096, got 260"),
        (is_between(256, 4096, step=8), 248, "expected a multiple of 8 from 256 to 4096, got 248"),
        (is_seconds(15), 0, "expected a number above 0, up to 15, got 0"),
        (is_seconds(15), 99.0, "expected a number above 0, up to 15, got 99"),
        (is_seconds(15), float("nan"), "expected a number above 0, up to 15, got nan"),
        (OBJECT, "[1]", "expected a JSON object in quotes, such as '{\"tiling\": true}'"),
        (OBJECT, "{", "expected a JSON object in quotes, such as '{\"tiling\": true}'"),
        (OBJECT, "[" * 100_000, "expected a JSON object in quotes, such as '{\"tiling\": true}'"),
        *((is_header, value, "expected Latin letters, digits and signs on one line")
          for value in ("", " ", "a ", "two\nlines", "рамка", "a\x00b", "key\n")),
        *((is_picture_size, value, 'expected auto, or width and height in pixels such as "1024x1536"')
          for value in ("", "1024", "0x10", "1024X1536", "1024x1536 ", "١٠x١٠")),
    ],
)  # fmt: skip
def test_bad_values(check: Check, value: Any, sentence: str) -> None:
    """Each has its sentence, which repeats numbers and no texts."""
    assert verdict(check, value) == sentence


@pytest.mark.parametrize("check", [BASE, WHOLE, is_between(1, 5), is_seconds(15), OBJECT, is_header, is_picture_size])
def test_nothing_is_always_allowed(check: Check) -> None:
    """A setting that may be left out is left out with None."""
    assert verdict(check, None) is None
