"""Whether what a provider gave is a picture worth hanging. Plain blocking code: called in a thread."""

from __future__ import annotations

from typing import Literal

from attrs import evolve

from imageserver.errors import PictureBroken
from imageserver.target import Target

_SMALLEST = 64  # pixels a side; a generator that gives less gave an error in disguise


def judge(data: bytes, target: Target, *, is_generator: bool) -> Literal["jpeg", "png", "webp"]:
    """The picture's format. Raises PictureBroken with what is wrong.

    A webcam may well show a small or a dark picture; a generator that does has failed.
    """
    from imageserver import image  # brings Pillow with it

    facts = image.identify(data)
    image.fitted(data, evolve(target, render="fast"))  # decodes all of it
    if is_generator and min(facts.width, facts.height) < _SMALLEST:
        raise PictureBroken(f"it is only {facts.width}x{facts.height} pixels")
    if is_generator and image.is_flat(data):
        raise PictureBroken("all of it is one colour")
    return facts.format
