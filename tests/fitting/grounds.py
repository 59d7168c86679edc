"""What a drawn subject stands before: plain, fading, noisy and textured grounds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[int, int, int]
Ground = Callable[[int, int], Image.Image]  # width, height


def plain(colour: Colour) -> Ground:
    """One colour."""
    return lambda width, height: Image.new("RGB", (width, height), colour)


def fade(first: Colour, last: Colour, *, sideways: bool = False) -> Ground:
    """From one colour to another, downwards or to the right."""

    def draw(width: int, height: int) -> Image.Image:
        share = np.linspace(0, 1, width)[None, :, None] if sideways else np.linspace(0, 1, height)[:, None, None]
        pixels = np.array(first) * (1 - share) + np.array(last) * share
        return Image.fromarray(np.broadcast_to(pixels, (height, width, 3)).astype(np.uint8))

    return draw


def grain(under: Ground, strength: float, coarse: int = 1) -> Ground:
    """Noise over another ground, its grains `coarse` pixels wide."""

    def draw(width: int, height: int) -> Image.Image:
        chance = np.random.default_rng(7)
        noise = chance.normal(0, strength, (height // coarse + 1, width // coarse + 1, 1))
        noise = noise.repeat(coarse, 0).repeat(coarse, 1)[:height, :width]
        return Image.fromarray(np.clip(np.asarray(under(width, height)) + noise, 0, 255).astype(np.uint8))

    return draw


def dots(under: Ground, colours: list[Colour], size: tuple[float, float], count: int, blur: float = 0) -> Ground:
    """Ellipses everywhere: leaves, pebbles, lights out of focus."""

    def draw(width: int, height: int) -> Image.Image:
        chance = np.random.default_rng(3)
        picture = under(width, height)
        pen = ImageDraw.Draw(picture)
        for _ in range(count):
            x, y = chance.uniform(0, width), chance.uniform(0, height)
            a, b = chance.uniform(*size), chance.uniform(*size)
            pen.ellipse((x - a, y - b, x + a, y + b), fill=colours[chance.integers(len(colours))])
        return picture.filter(ImageFilter.GaussianBlur(blur)) if blur else picture

    return draw


def bands(*colours: Colour) -> Ground:
    """Layers above each other with wavy edges: sky, hills, meadow; sky, sea, beach."""

    def draw(width: int, height: int) -> Image.Image:
        picture = Image.new("RGB", (width, height), colours[0])
        pen = ImageDraw.Draw(picture)
        for number, colour in enumerate(colours[1:], 1):
            x = np.arange(0, width + 20, 20)
            y = height * number / len(colours) + height / 60 * np.sin(x / width * 9 + number)
            pen.polygon([*zip(x.tolist(), y.tolist(), strict=True), (width, height), (0, height)], fill=colour)
        return picture

    return draw


def bricks(wall: Colour, joint: Colour) -> Ground:
    """A regular texture."""

    def draw(width: int, height: int) -> Image.Image:
        picture = Image.new("RGB", (width, height), joint)
        pen = ImageDraw.Draw(picture)
        for row in range(0, height, 22):
            for x in range(-(row // 22 % 2) * 26, width, 52):
                pen.rectangle((x, row, x + 49, row + 19), fill=wall)
        return picture

    return draw
