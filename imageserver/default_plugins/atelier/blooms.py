"""What grows on a stem: leaves, and five kinds of flower."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from attrs import frozen

from imageserver.default_plugins.atelier.canvas import Canvas, Points, Sheet
from imageserver.default_plugins.atelier.noise import Field


@frozen(kw_only=True)
class Flower:
    """A stem from foot to tip, the size of what sits on it in pixels, and its colours (None on a mask)."""

    path: Points
    size: float
    paint: Field | None
    heart: Field | None
    green: Field | None


def leaf(x: float, y: float, angle: float, long: float, wide: float) -> Points:
    """A pointed leaf that starts at x, y and bends a little to the ground."""
    upper, lower = [], []
    for t in np.linspace(0, 1, 12).tolist():
        along, side = long * t, wide * math.sin(math.pi * t**0.8)
        turn = angle + 0.5 * t * (1 if math.cos(angle) > 0 else -1)
        px, py = x + along * math.cos(turn), y + along * math.sin(turn)
        upper.append((px - side * math.sin(turn), py + side * math.cos(turn)))
        lower.append((px + side * math.sin(turn), py - side * math.cos(turn)))
    return upper + lower[::-1]


def _daisy(canvas: Canvas, pen: Sheet, flower: Flower) -> None:
    (x, y), size = flower.path[-1], flower.size
    petals = int(canvas.rng.integers(9, 15))
    for petal in range(petals):
        pen.polygon(_petal(x, y, 2 * math.pi * petal / petals, size, size * 0.19), flower.paint)
    pen.disc(x, y, size * 0.28, flower.heart)


def _tulip(_canvas: Canvas, pen: Sheet, flower: Flower) -> None:
    (x, y), size = flower.path[-1], flower.size
    for angle, long in ((-0.42, 1.0), (0.42, 1.0), (0.0, 1.15)):
        pen.polygon(_petal(x, y + size * 0.45, angle - math.pi / 2, size * 1.35 * long, size * 0.36), flower.paint)


def _umbel(canvas: Canvas, pen: Sheet, flower: Flower) -> None:
    (x, y), size = flower.path[-1], flower.size
    for ray in range(13):
        angle = -math.pi / 2 + (ray - 6) * 0.19
        end_x, end_y = x + size * 1.25 * math.cos(angle), y + size * 1.25 * math.sin(angle)
        pen.line([(x, y), (end_x, end_y)], size * 0.035, flower.green)
        for _ in range(4):
            off_x, off_y = canvas.between(-0.16, 0.16) * size, canvas.between(-0.16, 0.16) * size
            pen.disc(end_x + off_x, end_y + off_y, size * 0.085, flower.paint)


def _ear(_canvas: Canvas, pen: Sheet, flower: Flower) -> None:
    for seed in range(22):
        x, y = flower.path[-1 - seed // 2]
        angle = -math.pi / 2 + (0.45 if seed % 2 else -0.45)
        pen.polygon(_petal(x, y, angle, flower.size * 0.5, flower.size * 0.085), flower.paint)


def _bells(_canvas: Canvas, pen: Sheet, flower: Flower) -> None:
    for bell in range(7):
        x, y = flower.path[-1 - bell]
        long = flower.size * (0.34 + 0.06 * bell)
        angle = math.pi / 2 - (1.0 if bell % 2 else -1.0)
        pen.polygon(_petal(x, y, angle, long, long * 0.34), flower.paint)


def _petal(x: float, y: float, angle: float, long: float, wide: float) -> Points:
    """A rounded petal, widest beyond its middle."""
    upper, lower = [], []
    for t in np.linspace(0, 1, 12).tolist():
        along, side = long * t, wide * math.sin(math.pi * t**1.4)
        upper.append(
            (x + along * math.cos(angle) - side * math.sin(angle), y + along * math.sin(angle) + side * math.cos(angle))
        )
        lower.append(
            (x + along * math.cos(angle) + side * math.sin(angle), y + along * math.sin(angle) - side * math.cos(angle))
        )
    return upper + lower[::-1]


BLOOMS: tuple[Callable[[Canvas, Sheet, Flower], None], ...] = (_daisy, _tulip, _umbel, _ear, _bells)
