"""Checks for the settings of plugins, as validators of attrs: `field(validator=is_seconds(600))`.

Each raises ValueError with one sentence that tells the owner what was expected. None passes everywhere: a setting that
may be left out has no value to check.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from attrs import Attribute

Check = Callable[[Any, "Attribute[Any]", Any], None]


def is_web_address(example: str, *, is_base: bool = True, places: Sequence[str] = ()) -> Check:
    """An address of http or https with a host.

    `is_base`: paths are put behind it, so it has no user, query or fragment. `places` are texts such as `{language}`
    that stand in it for a part of a name.
    """
    without = ', without a user, "?" or "#"' if is_base else ""
    return _check(lambda value: _is_web(value, is_base, places), f"expected an address such as {example}{without}")


def is_between(low: float, high: float, *, step: int = 1) -> Check:
    """A number from `low` to `high`, both allowed; with a `step`, a multiple of that."""
    what = "number" if step == 1 else f"multiple of {step}"
    return _check(
        lambda value: low <= value <= high and (step == 1 or value % step == 0),
        f"expected a {what} from {low} to {high}",
    )


def is_seconds(most: int) -> Check:
    """A time in seconds: above 0, up to `most`."""
    return _check(lambda value: 0 < value <= most, f"expected a number above 0, up to {most}")


def is_json_object(example: str) -> Check:
    """The text of a JSON object."""
    return _check(_is_object, f"expected a JSON object in quotes, such as '{example}'")


def is_header(_instance: object, _attribute: Attribute[Any], value: str | None) -> None:
    """A text that a header can hold: plain letters on one line, without a space at either end."""
    if value is not None and not re.fullmatch(r"[!-~]([ -~]*[!-~])?", value):
        raise ValueError("expected Latin letters, digits and signs on one line")


def is_picture_size(_instance: object, _attribute: Attribute[Any], value: str | None) -> None:
    """`auto`, or width and height in pixels."""
    if value not in (None, "auto") and not re.fullmatch(r"[1-9]\d{1,3}x[1-9]\d{1,3}", str(value), re.ASCII):
        raise ValueError('expected auto, or width and height in pixels such as "1024x1536"')


def _check(fits: Callable[[Any], bool], expected: str) -> Check:
    def check(_instance: object, _attribute: Attribute[Any], value: Any) -> None:
        if value is not None and not fits(value):
            # A text is not repeated: it may be a key that was copied wrongly.
            got = "" if isinstance(value, str) else f", got {value:g}" if isinstance(value, float) else f", got {value}"
            raise ValueError(expected + got)

    return check


def _is_web(value: str, is_base: bool, places: Sequence[str]) -> bool:
    for place in places:
        value = value.replace(place, "x")
    try:
        address = urlsplit(value)
        is_web = address.scheme in {"http", "https"} and bool(address.hostname) and address.port != 0
    except ValueError:  # a bad port, or half the brackets of IPv6
        return False
    has_more = address.username is not None or address.query or address.fragment
    return is_web and not re.search(r"[\s{}]", address.netloc) and not (is_base and has_more)


def _is_object(value: str) -> bool:
    try:
        return isinstance(json.loads(value), dict)
    except (ValueError, RecursionError):
        return False
