"""Plots drawn by Pillow, side by side: how costs grow, on logarithmic axes."""

from __future__ import annotations

import math
from collections.abc import Mapping

from PIL import Image, ImageDraw, ImageFont

_SIZE = 900, 560  # of one plot
_LEFT, _TOP, _RIGHT, _BOTTOM = 90, 50, 660, 490
_COLOURS = ("#1b6ca8", "#c8553d", "#3a7d44", "#8e5aa8", "#b8860b", "#444444")

Line = Mapping[int, float]  # how many → ms


def decades(values: list[float]) -> range:
    """The powers of ten between which all of them lie."""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return range(low, max(high, low + 1) + 1)


def side_by_side(plots: Mapping[str, Mapping[str, Line]]) -> Image.Image:
    """One plot for each title that has anything to show."""
    drawn = [growth_plot(title, lines) for title, lines in plots.items() if any(lines.values())]
    picture = Image.new("RGB", (_SIZE[0] * max(1, len(drawn)), _SIZE[1]), "white")
    for number, plot in enumerate(drawn):
        picture.paste(plot, (_SIZE[0] * number, 0))
    return picture


def growth_plot(title: str, lines: Mapping[str, Line]) -> Image.Image:
    """One line for each thing that is done."""
    picture = Image.new("RGB", _SIZE, "white")
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(15)
    across = decades([float(count) for line in lines.values() for count in line])
    up = decades([cost for line in lines.values() for cost in line.values()])

    def x(count: float) -> float:
        return _LEFT + (math.log10(count) - across[0]) / (across[-1] - across[0]) * (_RIGHT - _LEFT)

    def y(cost: float) -> float:
        return _BOTTOM - (math.log10(cost) - up[0]) / (up[-1] - up[0]) * (_BOTTOM - _TOP)

    pen.text((_LEFT, 16), title, "black", font)
    for power in across:
        pen.line((x(10**power), _TOP, x(10**power), _BOTTOM), "#dddddd")
        pen.text((x(10**power), _BOTTOM + 8), f"{10**power:,}", "black", font, anchor="ma")
    for power in up:
        pen.line((_LEFT, y(10**power), _RIGHT, y(10**power)), "#dddddd")
        pen.text((_LEFT - 8, y(10**power)), f"{10.0**power:g}", "black", font, anchor="rm")
    for number, (name, line) in enumerate(lines.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        points = [(x(count), y(cost)) for count, cost in sorted(line.items())]
        pen.line(points, colour, 3)
        for point in points:
            pen.circle(point, 4, colour)
        pen.text((_RIGHT + 20, _TOP + 26 * number), name, colour, font)
    return picture
