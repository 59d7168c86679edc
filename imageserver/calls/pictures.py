"""Pictures in answers: out of their wrapping, and told apart by their first bytes."""

from __future__ import annotations

import base64
import binascii
from typing import Literal

from imageserver.errors import BadResult


def picture_kind(data: bytes) -> Literal["jpeg", "png", "webp"] | None:
    """What a picture is by its first bytes; None for all that no frame can show. What a service calls it may be wrong.

    Says nothing about the rest: the picture may be cut off.
    """
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    return "webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None


def from_base64(text: object) -> bytes:
    """The bytes of a picture that came as text, as a data URL too. Raises BadResult."""
    if not isinstance(text, str) or not text.strip():
        raise BadResult("the answer holds no picture")
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        picture = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise BadResult("the picture in the answer is no base64") from None
    if not picture:
        raise BadResult("the answer holds no picture")
    return picture
