"""The stock AiFrame's reading of styles, models and the answer to a run. These it parses as JSON."""

from __future__ import annotations

import json
import re
from typing import Any

from imageserver.frame_client.answers import beginning
from imageserver.frame_client.failure import FrameWouldFail
from imageserver.frame_client.http import Exchange

_RUN_LIMIT = 1024  # bytes: the whole answer is kept in memory, beside all that TLS takes there


def read_styles(measured: Exchange, body: bytes) -> list[str]:
    """The names that a frame offers. It joins them with semicolons. Raises FrameWouldFail."""
    found = _parse(measured, body, "styles")
    if not isinstance(found, list) or not found:
        raise FrameWouldFail(f"the styles are no list with something in it ({beginning(body)})")
    names = [style.get("name") if isinstance(style, dict) else None for style in found]
    for name in names:
        if not isinstance(name, str) or not name:
            raise FrameWouldFail(f'a style has no "name" ({beginning(body)})')
        if ";" in name:
            raise FrameWouldFail(f'the style "{name}" has a semicolon; a frame takes it for two')
    return [str(name) for name in names]


def read_model(measured: Exchange, body: bytes) -> int:
    """The number that a frame sends with every run. Raises FrameWouldFail where it would never send one."""
    found = _parse(measured, body, "models")
    first = found[0] if isinstance(found, list) and found else None
    number = first.get("id") if isinstance(first, dict) else None
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise FrameWouldFail(
            f'the models have no first "id" that is a number ({beginning(body)}); a frame asks for no picture then'
        )
    return number


def read_run(measured: Exchange, body: bytes) -> str:
    """The uuid to ask with. Raises FrameWouldFail where a frame would try again."""
    if len(body) > _RUN_LIMIT:
        raise FrameWouldFail(f"the answer to a run has {len(body)} bytes; a frame has memory for {_RUN_LIMIT}")
    found = _parse(measured, body, "run")
    uuid = found.get("uuid") if isinstance(found, dict) else None
    if not isinstance(uuid, str) or not uuid:
        raise FrameWouldFail(f'the answer to a run has no "uuid" ({beginning(body)}); a frame has nothing to ask with')
    if not re.fullmatch("[0-9a-f-]+", uuid):
        raise FrameWouldFail(f"the uuid {uuid!r} is not made of 0-9, a-f and dashes; a frame writes it into an address")
    return uuid


def _parse(measured: Exchange, body: bytes, name: str) -> Any:
    if not 200 <= measured.status <= 299:
        raise FrameWouldFail(f"{name}: HTTP {measured.status} ({beginning(body)}); a frame takes that for an error")
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise FrameWouldFail(f"{name}: the answer is no JSON ({beginning(body)})") from error
