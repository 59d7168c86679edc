"""The frame's reading of the answers to `start` and `prompt/add`: ArduinoJson 6 with a filter and a small pool.

And the list of frames, which no frame reads.
"""

from __future__ import annotations

import json
from typing import Any

from attrs import frozen

from imageserver.frame_client.failure import FrameWouldFail, Refused
from imageserver.frame_client.http import Exchange

_POOL = 200  # bytes for everything that is kept of the answer
_SLOT = 16  # bytes that ArduinoJson 6 takes for one member or element on a 32-bit chip
_KEPT = ("id", "status", "error")
_ID_LIMIT = 140  # characters; measured with a status and without an error


@frozen(kw_only=True)
class StartAnswer:
    """The server took the job: the id to ask with, and its first status."""

    id: str
    status: str
    exchange: Exchange


@frozen(kw_only=True)
class PromptAnswer:
    """The server took the prompt."""

    status: str
    exchange: Exchange


def read_start(measured: Exchange, body: bytes) -> StartAnswer:
    """Read the answer to POST /operation/start. Raises FrameWouldFail when a frame would give up."""
    kept = _read(measured, body, "start")
    value = kept.get("id")
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise FrameWouldFail('the start answer has no "id"; a frame has nothing to ask with')
    operation = str(value)
    if len(operation) > _ID_LIMIT:
        raise FrameWouldFail(f"the id has {len(operation)} characters; a frame has room for {_ID_LIMIT}")
    if not all("!" <= letter <= "~" for letter in operation):
        raise FrameWouldFail(f"the id {operation!r} cannot stand in a URL; a frame writes it there as it is")
    return StartAnswer(id=operation, status=str(kept["status"]), exchange=measured)


def read_prompt_added(measured: Exchange, body: bytes) -> PromptAnswer:
    """Read the answer to POST /prompt/add. Raises FrameWouldFail when a frame would report a failure."""
    return PromptAnswer(status=str(_read(measured, body, "prompt/add")["status"]), exchange=measured)


def read_panel_size(measured: Exchange, body: bytes, name: str) -> tuple[int, int]:
    """Read the answer to GET /frames, as a program does. Raises FrameWouldFail when the frame is not in it."""
    try:
        lines = {line["frame"]: (int(line["width"]), int(line["height"])) for line in json.loads(body)["frames"]}
    except (ValueError, LookupError, TypeError) as error:
        raise FrameWouldFail(
            f"the list of frames cannot be read (HTTP {measured.status}, {beginning(body)})"
        ) from error
    if name not in lines:
        raise FrameWouldFail(f"the server knows no frame called {name}; it knows: {', '.join(lines) or 'none'}")
    return lines[name]


def pool_bytes(value: object) -> int:
    """How much of the pool a JSON value takes: a slot for each member, and each string with its end mark once."""
    strings: set[str] = set()
    slots = _count(value, strings)
    return slots * _SLOT + sum(len(text.encode("utf-8")) + 1 for text in strings)


def _read(measured: Exchange, body: bytes, name: str) -> dict[str, Any]:
    if not 200 <= measured.status <= 299:
        raise Refused(
            f"the {name} answer is HTTP {measured.status} ({beginning(body)}); a frame reports an error and gives up "
            "until it is asked again"
        )
    value = _parse(body, name)
    kept = {key: value[key] for key in _KEPT if key in value}
    if "status" not in kept or not isinstance(kept["status"], str):
        raise FrameWouldFail(f'the {name} answer has no "status"; a frame takes that for a failure')
    if kept["status"] == "error":
        raise FrameWouldFail(f'the {name} answer has the status "error" ({beginning(body)}); a frame gives up')
    # A long id has its own sentence; where it alone is too much, that one is the clearer.
    rest = {**kept, "id": ""} if len(str(kept.get("id", ""))) > _ID_LIMIT else kept
    if (used := pool_bytes(rest)) > _POOL:
        raise FrameWouldFail(
            f"id, status and error of the {name} answer take {used} bytes in a frame's memory; it has {_POOL}"
        )
    return kept


def _parse(body: bytes, name: str) -> dict[str, Any]:
    try:
        # What stands behind the first value is never read.
        value, _end = json.JSONDecoder().raw_decode(body.decode("utf-8").lstrip(" \t\r\n"))
    except (ValueError, RecursionError) as error:
        raise FrameWouldFail(f"the {name} answer is no JSON ({beginning(body)})") from error
    if not isinstance(value, dict):
        raise FrameWouldFail(f"the {name} answer is no JSON object ({beginning(body)})")
    return value


def beginning(body: bytes) -> str:
    """The first words of an answer, for a message to a person."""
    text = body[:200].decode("utf-8", "replace")
    return " ".join(text.split()) + (" …" if len(body) > 200 else "")


def _count(value: object, strings: set[str]) -> int:
    if isinstance(value, str):
        strings.add(value)
        return 0
    if isinstance(value, dict):
        strings.update(value)
        return sum(1 + _count(member, strings) for member in value.values())
    if isinstance(value, list):
        return sum(1 + _count(element, strings) for element in value)
    return 0
