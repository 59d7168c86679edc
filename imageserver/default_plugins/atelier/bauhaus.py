"""A grid of plain shapes, as the Bauhaus would have printed it."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from attrs import frozen

from imageserver.default_plugins.atelier.canvas import Canvas, Points, Sheet, mix, paper
from imageserver.default_plugins.atelier.noise import Field, step


@frozen(kw_only=True)
class _Square:
    """One square of the grid: where it is, which corner its shape starts from, and its colours."""

    x: float
    y: float
    size: float
    corner: int  # 0 … 3, clockwise from the upper left
    paints: list[Field]

    @property
    def centre(self) -> tuple[float, float]:
        return self.x + self.size / 2, self.y + self.size / 2

    @property
    def corners(self) -> Points:
        right, bottom = self.x + self.size, self.y + self.size
        return (self.x, self.y), (right, self.y), (right, bottom), (self.x, bottom)

    def side(self, number: int) -> tuple[float, float]:
        """The middle of a side, 0 … 3, clockwise from the upper one."""
        (x0, y0), (x1, y1) = self.corners[number % 4], self.corners[(number + 1) % 4]
        return (x0 + x1) / 2, (y0 + y1) / 2


def bauhaus(canvas: Canvas) -> Field:
    """A grid of discs, arcs, stripes and triangles in a few flat colours, as if printed."""
    palette, rng = canvas.palette, canvas.rng
    columns = int(rng.integers(4, 6))
    size = canvas.unit / columns
    paints = [*palette.paints(), palette.ground]
    sheet = Sheet(canvas, palette.ground)
    wide, tall = math.ceil(canvas.width / size), math.ceil(canvas.height / size)
    off_x, off_y = (canvas.width - wide * size) / 2, (canvas.height - tall * size) / 2
    taken: set[tuple[int, int]] = set()
    for row in range(tall):
        for column in range(wide):
            if (column, row) in taken:
                continue
            room = {(column + 1, row), (column, row + 1), (column + 1, row + 1)}
            big = column + 1 < wide and row + 1 < tall and not room & taken and canvas.chance(0.16)
            if big:
                taken |= room
            picks = rng.permutation(len(paints))
            square = _Square(
                x=off_x + column * size,
                y=off_y + row * size,
                size=size * (2 if big else 1),
                corner=int(rng.integers(4)),
                paints=[paints[pick] for pick in picks],
            )
            sheet.polygon(_grown(square), square.paints[0])
            _MOTIFS[int(rng.integers(len(_MOTIFS)))](sheet, square)
    picture = sheet.field()
    worn = 1 + 0.022 * canvas.clouds(0.01, 1.2) + 0.02 * canvas.clouds(0.7, 2.2)
    flecks = step(2.6, 3.1, canvas.clouds(0.008, 1.2))
    picture = mix(picture * worn[..., None], palette.tone(1.0), flecks * 0.35)
    return picture * paper(canvas)[..., None]


def _grown(square: _Square) -> Points:
    """Its outline, a pixel larger, so that no gap shows between neighbours."""
    middle_x, middle_y = square.centre
    return [(x + math.copysign(1, x - middle_x), y + math.copysign(1, y - middle_y)) for x, y in square.corners]


def _arcs(sheet: Sheet, square: _Square) -> None:
    x, y = square.corners[square.corner]
    start = square.corner * 90
    for radius, paint in ((1.0, 1), (0.66, 2), (0.33, 3)):
        sheet.slice(x, y, square.size * radius, start, start + 90, square.paints[paint])


def _target(sheet: Sheet, square: _Square) -> None:
    sheet.disc(*square.centre, square.size * 0.43, square.paints[1])
    sheet.disc(*square.centre, square.size * 0.20, square.paints[2])


def _quarter(sheet: Sheet, square: _Square) -> None:
    x, y = square.corners[square.corner]
    sheet.slice(x, y, square.size, square.corner * 90, square.corner * 90 + 90, square.paints[1])
    sheet.disc(*square.centre, square.size * 0.11, square.paints[2])


def _halves(sheet: Sheet, square: _Square) -> None:
    start = square.corner * 90
    sheet.slice(*square.side(square.corner), square.size * 0.5, start, start + 180, square.paints[1])
    sheet.slice(*square.side(square.corner + 2), square.size * 0.275, start + 180, start + 360, square.paints[2])


def _triangle(sheet: Sheet, square: _Square) -> None:
    sheet.polygon([square.corners[(square.corner + turn) % 4] for turn in range(3)], square.paints[1])


def _stripes(sheet: Sheet, square: _Square) -> None:
    (x, y), (right, bottom) = square.corners[0], square.corners[2]
    for stripe in range(0, 6, 2):
        low, high = stripe / 6 * square.size, (stripe + 1) / 6 * square.size
        lying = [(x, y + low), (right, y + low), (right, y + high), (x, y + high)]
        standing = [(x + low, y), (x + high, y), (x + high, bottom), (x + low, bottom)]
        sheet.polygon(standing if square.corner % 2 else lying, square.paints[1])


def _leaf(sheet: Sheet, square: _Square) -> None:
    (x, y), (right, bottom), size = square.corners[0], square.corners[2], square.size
    turns = np.linspace(0, math.pi / 2, 30).tolist()
    outline = [(x + size * math.sin(turn), bottom - size * math.cos(turn)) for turn in turns]
    outline += [(right - size * math.sin(turn), y + size * math.cos(turn)) for turn in turns]
    if square.corner % 2:
        outline = [(x + right - px, py) for px, py in outline]
    sheet.polygon(outline, square.paints[1])


def _dots(sheet: Sheet, square: _Square) -> None:
    for across in (0.25, 0.75):
        for down in (0.25, 0.75):
            x, y = square.x + across * square.size, square.y + down * square.size
            sheet.disc(x, y, square.size * 0.15, square.paints[1])


_MOTIFS: tuple[Callable[[Sheet, _Square], None], ...] = (
    _arcs,
    _target,
    _quarter,
    _halves,
    _triangle,
    _stripes,
    _leaf,
    _dots,
)
