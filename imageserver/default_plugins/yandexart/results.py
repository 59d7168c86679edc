"""Pictures out of the service's good answers. What cannot be read raises BadResult: it was paid for all the same."""

from __future__ import annotations

import json
from typing import Any

from attrs import field, frozen

from imageserver import BadResult, Mask, from_base64
from imageserver.default_plugins.yandexart.refusals import Refusal, read_operation_error


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
    return from_base64(encoded)


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
        picture=from_base64(encoded) if done and not failure and isinstance(encoded, str) and encoded else None,
        model=model if isinstance(model, str) else "",
    )


def _mapping(answer: bytes) -> dict[str, Any]:
    try:
        read = json.loads(answer)
    except (ValueError, RecursionError):
        raise Unreadable("the service's answer is no JSON, or was cut off") from None
    if not isinstance(read, dict):
        raise Unreadable("the service's answer is no JSON object")
    return read
