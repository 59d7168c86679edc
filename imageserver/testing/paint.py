"""Pictures for fakes: good ones that all differ, and bad ones."""

from __future__ import annotations

import io
import random
from enum import StrEnum

from PIL import Image


class BadPicture(StrEnum):
    """What may be wrong with a picture that arrives as it should."""

    TRUNCATED_JPEG = "truncated_jpeg"
    FLAT = "flat"  # one colour
    TINY = "tiny"  # 16 pixels a side
    WRONG_TYPE = "wrong_type"  # a GIF
    PIXEL_BOMB = "pixel_bomb"  # a small PNG of 169 megapixels
    NO_PICTURE = "no_picture"  # a sentence


def good(number: int, size: tuple[int, int] = (256, 384)) -> bytes:
    """A JPEG of coloured squares, another one for every number."""
    rng = random.Random(number)
    squares = Image.new("RGB", (8, 12))
    squares.putdata([(rng.randrange(256), rng.randrange(256), rng.randrange(256)) for _ in range(96)])
    return _saved(squares.resize(size, Image.Resampling.NEAREST), "JPEG")


def bad(kind: BadPicture, number: int) -> bytes:
    """The bytes of a bad picture."""
    if kind is BadPicture.TRUNCATED_JPEG:
        whole = good(number)
        return whole[: len(whole) // 2]
    if kind is BadPicture.NO_PICTURE:
        return b"this is no picture, only a sentence about one"
    if kind is BadPicture.PIXEL_BOMB:
        return _saved(Image.new("1", (13_000, 13_000)), "PNG")
    if kind is BadPicture.WRONG_TYPE:
        return _saved(Image.new("P", (256, 384), number % 256), "GIF")
    side = 16 if kind is BadPicture.TINY else 256
    return _saved(Image.new("RGB", (side, side), "teal"), "JPEG")


def _saved(picture: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind)
    return file.getvalue()
