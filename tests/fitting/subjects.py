"""Things to look at, each drawn around a point, each with the box that must not be cut off."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import ImageDraw

from fitting.grounds import Colour

Box = tuple[float, float, float, float]
Subject = Callable[[ImageDraw.ImageDraw, float, float, float], Box]  # pen, middle, size in pixels


def _shape(
    pen: ImageDraw.ImageDraw, x: float, y: float, size: float, fill: Colour, *corners: tuple[float, float]
) -> None:
    """A polygon with its corners in sizes from the middle."""
    pen.polygon([(x + across * size, y + down * size) for across, down in corners], fill=fill)


def head(skin: Colour, hair: Colour, shirt: Colour) -> Subject:
    """Head and shoulders; the box is around the head."""

    def draw(pen: ImageDraw.ImageDraw, x: float, y: float, size: float) -> Box:
        w, h = size * 0.38, size * 0.5
        pen.rounded_rectangle((x - size * 0.8, y + h * 1.1, x + size * 0.8, y + h * 9), size * 0.4, fill=shirt)
        pen.rectangle((x - w * 0.4, y, x + w * 0.4, y + h * 1.3), fill=skin)
        pen.ellipse((x - w * 1.15, y - h * 1.25, x + w * 1.15, y + h * 0.7), fill=hair)
        pen.ellipse((x - w, y - h, x + w, y + h), fill=skin)
        pen.pieslice((x - w, y - h * 1.1, x + w, y + h * 0.2), 180, 360, fill=hair)
        for side in (-1, 1):
            eye = x + side * w * 0.42
            pen.ellipse((eye - w * 0.13, y - 4, eye + w * 0.13, y + 6), fill=(30, 25, 20))
        pen.arc((x - w * 0.4, y + h * 0.3, x + w * 0.4, y + h * 0.65), 20, 160, fill=(150, 50, 50), width=4)
        return x - w * 1.15, y - h * 1.25, x + w * 1.15, y + h

    return draw


def person(skin: Colour, coat: Colour, trousers: Colour) -> Subject:
    """A whole person, standing."""

    def draw(pen: ImageDraw.ImageDraw, x: float, y: float, size: float) -> Box:
        top, bottom = y - size * 1.5, y + size * 1.5
        pen.ellipse((x - size * 0.2, top, x + size * 0.2, top + size * 0.5), fill=skin)
        pen.rounded_rectangle(
            (x - size * 0.4, top + size * 0.5, x + size * 0.4, y + size * 0.3), size * 0.15, fill=coat
        )
        pen.rectangle((x - size * 0.3, y + size * 0.3, x - size * 0.04, bottom), fill=trousers)
        pen.rectangle((x + size * 0.04, y + size * 0.3, x + size * 0.3, bottom), fill=trousers)
        return x - size * 0.4, top, x + size * 0.4, bottom

    return draw


def cat(fur: Colour) -> Subject:
    """Sitting, with ears and a tail."""

    def draw(pen: ImageDraw.ImageDraw, x: float, y: float, size: float) -> Box:
        pen.ellipse((x - size * 0.5, y - size * 0.2, x + size * 0.5, y + size), fill=fur)
        pen.ellipse((x - size * 0.35, y - size * 0.8, x + size * 0.35, y - size * 0.1), fill=fur)
        for side in (-1, 1):
            pen.polygon(
                [(x + side * size * 0.33, y - size * 0.45), (x + side * size * 0.3, y - size), (x, y - size * 0.7)],
                fill=fur,
            )
            eye = x + side * size * 0.14
            pen.ellipse((eye - 5, y - size * 0.5 - 5, eye + 5, y - size * 0.5 + 5), fill=(220, 200, 60))
        pen.arc((x + size * 0.2, y + size * 0.2, x + size * 0.9, y + size), 270, 90, fill=fur, width=12)
        return x - size * 0.5, y - size, x + size * 0.9, y + size

    return draw


def bird(colour: Colour) -> Subject:
    """In flight: two arcs and a body."""

    def draw(pen: ImageDraw.ImageDraw, x: float, y: float, size: float) -> Box:
        pen.polygon([(x - size, y - size * 0.5), (x, y - size * 0.12), (x, y + size * 0.15)], fill=colour)
        pen.polygon([(x + size, y - size * 0.5), (x, y - size * 0.12), (x, y + size * 0.15)], fill=colour)
        pen.ellipse((x - size * 0.15, y - size * 0.2, x + size * 0.15, y + size * 0.4), fill=colour)
        return x - size, y - size * 0.5, x + size, y + size * 0.4

    return draw


def boat(hull: Colour, sail: Colour) -> Subject:
    """A sailing boat."""

    def draw(pen: ImageDraw.ImageDraw, x: float, y: float, size: float) -> Box:
        _shape(pen, x, y, size, hull, (-0.8, 0.4), (0.8, 0.4), (0.5, 0.8), (-0.5, 0.8))
        _shape(pen, x, y, size, sail, (0, -1), (0, 0.3), (0.7, 0.3))
        _shape(pen, x, y, size, sail, (-0.08, -0.8), (-0.08, 0.3), (-0.5, 0.3))
        return x - size * 0.8, y - size, x + size * 0.8, y + size * 0.8

    return draw


def flower(petals: Colour, heart: Colour) -> Subject:
    """Eight petals."""

    def draw(pen: ImageDraw.ImageDraw, x: float, y: float, size: float) -> Box:
        for turn in np.arange(8) * np.pi / 4:
            a, b = x + size * 0.6 * np.cos(turn), y + size * 0.6 * np.sin(turn)
            pen.ellipse((a - size * 0.38, b - size * 0.38, a + size * 0.38, b + size * 0.38), fill=petals)
        pen.ellipse((x - size * 0.35, y - size * 0.35, x + size * 0.35, y + size * 0.35), fill=heart)
        return x - size * 0.98, y - size * 0.98, x + size * 0.98, y + size * 0.98

    return draw


def house(wall: Colour, roof: Colour) -> Subject:
    """A house with windows."""

    def draw(pen: ImageDraw.ImageDraw, x: float, y: float, size: float) -> Box:
        pen.rectangle((x - size * 0.8, y - size * 0.3, x + size * 0.8, y + size), fill=wall)
        pen.polygon([(x - size * 0.95, y - size * 0.3), (x + size * 0.95, y - size * 0.3), (x, y - size)], fill=roof)
        for column in (-0.55, -0.1, 0.35):
            for row in (-0.1, 0.4):
                a, b = x + column * size, y + row * size
                pen.rectangle((a, b, a + size * 0.22, b + size * 0.3), fill=(60, 70, 90))
        return x - size * 0.95, y - size, x + size * 0.95, y + size

    return draw


def tower(wall: Colour, light: Colour) -> Subject:
    """A lighthouse: narrow and high."""

    def draw(pen: ImageDraw.ImageDraw, x: float, y: float, size: float) -> Box:
        for step in range(6):
            top = y - size * 1.4 + step * size * 0.5
            pen.rectangle((x - size * 0.25, top, x + size * 0.25, top + size * 0.5), fill=wall if step % 2 else light)
        _shape(pen, x, y, size, (40, 40, 50), (-0.3, -1.4), (0.3, -1.4), (0, -1.8))
        return x - size * 0.3, y - size * 1.8, x + size * 0.3, y + size * 1.6

    return draw


def ball(colour: Colour, gleam: Colour) -> Subject:
    """A disc with a gleam: a moon, an apple, a balloon."""

    def draw(pen: ImageDraw.ImageDraw, x: float, y: float, size: float) -> Box:
        pen.ellipse((x - size, y - size, x + size, y + size), fill=colour)
        pen.ellipse((x - size * 0.5, y - size * 0.6, x, y - size * 0.1), fill=gleam)
        return x - size, y - size, x + size, y + size

    return draw


def sign(board: Colour, ink: Colour, words: str) -> Subject:
    """A board with words on a post."""

    def draw(pen: ImageDraw.ImageDraw, x: float, y: float, size: float) -> Box:
        pen.rectangle((x - size * 0.06, y, x + size * 0.06, y + size * 2), fill=(90, 80, 70))
        pen.rectangle((x - size, y - size * 0.5, x + size, y + size * 0.5), fill=board, outline=ink, width=4)
        pen.text((x, y), words, fill=ink, anchor="mm", font_size=size * 0.5)
        return x - size, y - size * 0.5, x + size, y + size * 0.5

    return draw


def car(body: Colour) -> Subject:
    """From the side."""

    def draw(pen: ImageDraw.ImageDraw, x: float, y: float, size: float) -> Box:
        pen.rounded_rectangle((x - size, y - size * 0.1, x + size, y + size * 0.35), size * 0.12, fill=body)
        _shape(pen, x, y, size, body, (-0.6, -0.1), (-0.35, -0.45), (0.3, -0.45), (0.6, -0.1))
        _shape(pen, x, y, size, (150, 190, 210), (-0.45, -0.1), (-0.28, -0.38), (0.25, -0.38), (0.42, -0.1))
        for hub in (x - 0.6 * size, x + 0.6 * size):
            pen.ellipse((hub - size * 0.2, y + size * 0.15, hub + size * 0.2, y + size * 0.55), fill=(25, 25, 28))
        return x - size, y - size * 0.45, x + size, y + size * 0.55

    return draw


def cup(china: Colour, drink: Colour) -> Subject:
    """On a saucer, from above."""

    def draw(pen: ImageDraw.ImageDraw, x: float, y: float, size: float) -> Box:
        pen.ellipse((x - size, y - size * 0.7, x + size, y + size * 0.7), fill=china)
        rim = x - size * 0.6, y - size * 0.5, x + size * 0.6, y + size * 0.4
        pen.ellipse(rim, fill=(225, 225, 220), outline=(170, 170, 165), width=3)
        pen.ellipse((x - size * 0.5, y - size * 0.4, x + size * 0.5, y + size * 0.3), fill=drink)
        return x - size, y - size * 0.7, x + size, y + size * 0.7

    return draw


def pair(one: Subject, other: Subject, apart: float) -> Subject:
    """Two subjects beside each other; the box is around both."""

    def draw(pen: ImageDraw.ImageDraw, x: float, y: float, size: float) -> Box:
        a = one(pen, x - apart * size / 2, y, size)
        b = other(pen, x + apart * size / 2, y + size * 0.1, size)
        return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])

    return draw
