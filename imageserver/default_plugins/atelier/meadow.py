"""A meadow: flowers and grasses on tall stems."""

from __future__ import annotations

import math

import numpy as np

from imageserver.default_plugins.atelier.blooms import BLOOMS, Flower, leaf
from imageserver.default_plugins.atelier.canvas import Canvas, Points, Sheet, lit, mix, paper
from imageserver.default_plugins.atelier.noise import Field, evened, softened, step


def botanical(canvas: Canvas) -> Field:
    """Flowers and grasses on tall stems before a low sun, the farther ones out of focus."""
    palette, unit = canvas.palette, canvas.unit
    x, y = canvas.axes()
    down = y / canvas.height
    haze = evened(canvas.clouds(0.8, 2.8))
    base, span = (0.05, 0.28) if palette.dark else (0.97, -0.16)
    picture = palette.at(np.clip(base + span * down + 0.08 * (haze - 0.5) + 0 * x, 0, 1))
    sun_x, sun_y = canvas.width * canvas.between(0.3, 0.7), canvas.height * canvas.between(0.26, 0.46)
    radius = unit * canvas.between(0.20, 0.31)
    distance = np.hypot(x - sun_x, y - sun_y)
    disc = 1 - step(radius - 1.5, radius + 1.5, distance + 0.0015 * unit * canvas.clouds(0.1, 2.0))
    face = palette.tone(0.92 if palette.dark else 0.75)
    if canvas.chance(0.6):
        face = mix(palette.accent, palette.tone(1.0), 0.25)
    wash = 0.92 - 0.40 * np.clip((y - sun_y) / (2 * radius) + 0.5, 0, 1) + 0.06 * haze
    picture = mix(picture, np.broadcast_to(face, picture.shape), disc * wash)
    picture = lit(picture, (np.exp(-distance / (unit * 0.3)) * 0.15)[..., None] * face)
    for near, stems in ((0.0, 17), (0.5, 12), (1.0, 9)):
        picture = _bed(canvas, picture, near, round(stems * max(1.0, canvas.width / unit)))
    return picture * paper(canvas)[..., None]


def _bed(canvas: Canvas, picture: Field, near: float, stems: int) -> Field:
    """One row of plants, painted on a sheet of its own and laid over the picture through its mask."""
    palette, unit, rng = canvas.palette, canvas.unit, canvas.rng
    sheet, mask = Sheet(canvas, palette.tone(0.40)), Sheet(canvas)
    veil = palette.tone(0.22 if palette.dark else 0.93)
    kinds = rng.integers(0, len(BLOOMS), 2).tolist()
    paints = palette.paints()
    for stem in range(stems):
        foot = (stem + canvas.between(0.1, 0.9)) / stems * canvas.width
        tall = canvas.height * canvas.between(0.30, 0.62) * (1.12 - 0.22 * near)
        lean = canvas.between(-0.16, 0.16) * tall
        path = _bent(foot, canvas.height + 4, foot + lean, canvas.height - tall, canvas.between(-0.10, 0.10) * tall)
        green = palette.tone(canvas.between(0.34, 0.52) if palette.dark else canvas.between(0.06, 0.30))
        green = mix(green, veil, 0.62 * (1 - near))
        bloom = mix(
            paints[int(rng.integers(2, len(paints)))] if canvas.chance(0.5) else palette.accent, veil, 0.5 * (1 - near)
        )
        size = unit * canvas.between(0.042, 0.088) * (0.70 + 0.35 * near)
        for pen, ink, flower in ((sheet, green, bloom), (mask, None, None)):
            state = rng.bit_generator.state
            pen.line(path, unit * (0.0045 + 0.002 * near), ink)
            _leaves(canvas, pen, path, unit * (0.06 + 0.04 * near), ink)
            heart = None if ink is None else mix(palette.tone(0.95 if palette.dark else 0.12), veil, 0.5 * (1 - near))
            BLOOMS[kinds[stem % 2]](canvas, pen, Flower(path=path, size=size, paint=flower, heart=heart, green=ink))
            if pen is sheet:
                rng.bit_generator.state = state  # the mask must show the very same plant
    shape = mask.field()
    drawn = sheet.field()
    blur = unit * 0.012 * (1 - near) ** 2
    if blur > 1:
        shape = softened(shape, blur)
        drawn = np.stack([softened(drawn[..., part], blur * 0.6) for part in range(3)], axis=-1)
    tone = 1 + 0.07 * canvas.clouds(0.06, 2.0)
    return mix(picture, np.clip(drawn * tone[..., None], 0, 1), shape)


def _bent(x0: float, y0: float, x1: float, y1: float, bend: float) -> list[tuple[float, float]]:
    """A stem from foot to tip, bent sideways."""
    return [
        (x0 + (x1 - x0) * t**1.6 + bend * math.sin(math.pi * t), y0 + (y1 - y0) * t)
        for t in np.linspace(0, 1, 26).tolist()
    ]


def _leaves(canvas: Canvas, pen: Sheet, path: Points, long: float, ink: Field | None) -> None:
    count = int(canvas.rng.integers(3, 9))
    slim = canvas.between(0.10, 0.24)
    for number in range(count):
        x, y = path[3 + int(number / count * 17)]
        side = 1 if number % 2 else -1
        angle = -math.pi / 2 + side * canvas.between(0.5, 1.0)
        size = long * (1.25 - 0.7 * number / count) * canvas.between(0.8, 1.2)
        pen.polygon(leaf(x, y, angle, size, size * slim), ink)
