"""Small pictures that try an encoder: each a function of its size, the same every time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

Draw = Callable[[int, int], Image.Image]


def noise(width: int, height: int) -> Image.Image:
    """Every pixel and channel 0 or 255 by chance: nothing is harder to compress."""
    chance = np.random.default_rng(7).integers(0, 2, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(chance * np.uint8(255))


def flat(width: int, height: int) -> Image.Image:
    """One colour between the panel's levels."""
    return Image.new("RGB", (width, height), (101, 150, 77))


def black(width: int, height: int) -> Image.Image:
    """Nothing."""
    return Image.new("RGB", (width, height))


def white(width: int, height: int) -> Image.Image:
    """Everything."""
    return Image.new("RGB", (width, height), (255, 255, 255))


def stripes(width: int, height: int) -> Image.Image:
    """Black and white columns of one pixel."""
    columns = np.arange(width) % 2 * np.uint8(255)
    return Image.fromarray(np.broadcast_to(columns[None, :, None], (height, width, 3)).astype(np.uint8))


def gradient(width: int, height: int) -> Image.Image:
    """A sky: light below, dark above, a little warmer to the right."""
    down, across = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    sky = np.stack([60 + 120 * down + 20 * across, 110 + 90 * down, 190 + 40 * down - 20 * across], axis=-1)
    return Image.fromarray(np.rint(sky).astype(np.uint8))


def text(width: int, height: int) -> Image.Image:
    """Lines of letters on paper."""
    picture = Image.new("RGB", (width, height), (250, 246, 235))
    pen = ImageDraw.Draw(picture)
    for line in range(0, height, 12):
        pen.text((2, line), "The quick brown fox jumps over the lazy dog " * 2, fill=(40, 20, 60))
    return picture


EVERY: dict[str, Draw] = {
    draw.__name__: draw for draw in (noise, flat, black, white, stripes, gradient, text)
}  # fmt: skip
