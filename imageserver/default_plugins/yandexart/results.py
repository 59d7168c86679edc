"""Pictures out of the service's good answers. What cannot be read raises BadResult: it was paid for all the same."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from attrs import field, frozen

from imageserver import BadResult
from imageserver.default_plugins.yandexart.refusals import Mask, Refusal, read_operation_error

_MAGIC = ((b"\xff\xd8\xff", "jpeg"), (b"\x89PNG\r\n\x1a\n", "png"))


class Unreadable(BadResult):
    """The answer is not the service's JSON: nothing is said about the picture, good or bad."""


@frozen(kw_only=True)
class Operation:
    """What the service says about a ticket."""

    id: str
    done: bool
    failure: Refusal | None
    picture: bytes | None = field(default=None, repr=False)
    model: str = ""


def read_images(answer: bytes) -> bytes:
    """The picture in an answer of /v1/images/generations: data[0].b64_json. Raises BadResult."""
    data = _mapping(answer).get("data")
    first = data[0] if isinstance(data, list) and data else None
    encoded = first.get("b64_json") if isinstance(first, dict) else None
    if not isinstance(encoded, str) or not encoded:
        raise BadResult("the service's answer holds no picture")
    return _decoded(encoded)


def read_operation(answer: bytes, *, mask: Mask) -> Operation:
    """An operation, finished or not. Raises Unreadable, and BadResult for a picture that is broken."""
    read = _mapping(answer)
    ticket, done = read.get("id"), read.get("done", False)  # protobuf's JSON may leave a false out
    if not isinstance(ticket, str) or not ticket or not isinstance(done, bool):
        raise Unreadable("the service's answer is no operation: it has no id")
    response = read.get("response")
    encoded = response.get("image") if isinstance(response, dict) else None
    model = response.get("modelVersion") if isinstance(response, dict) else None
    failure = read_operation_error(read.get("error"), mask=mask)
    return Operation(
        id=ticket,
        done=done,
        failure=failure,
        picture=_decoded(encoded) if done and not failure and isinstance(encoded, str) and encoded else None,
        model=model if isinstance(model, str) else "",
    )


def kind_of(picture: bytes) -> str | None:
    """`jpeg`, `png` or `webp` by the first bytes; None for anything else. What the service calls it does not count."""
    if picture[:4] == b"RIFF" and picture[8:12] == b"WEBP":
        return "webp"
    return next((kind for magic, kind in _MAGIC if picture.startswith(magic)), None)


def _mapping(answer: bytes) -> dict[str, Any]:
    try:
        read = json.loads(answer)
    except (ValueError, RecursionError):
        raise Unreadable("the service's answer is no JSON, or was cut off") from None
    if not isinstance(read, dict):
        raise Unreadable("the service's answer is no JSON object")
    return read


def _decoded(encoded: str) -> bytes:
    try:
        picture = base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        raise BadResult("the picture in the service's answer is no base64") from None
    if not picture:
        raise BadResult("the service's answer holds no picture")
    return picture
