"""Text for pictures: a font that knows Cyrillic, lines that fit a width, a size that fits a box. Lengths in pixels."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib import resources
from typing import Literal

from attrs import frozen
from PIL import ImageFont

Weight = Literal["Light", "Regular", "Medium", "Bold"]
ELLIPSIS = "…"
# Between the tops of two lines, for one pixel of font size: comfortable to read from across a room.
_LEADING = 1.3


@lru_cache(maxsize=64)
def font(size: int, weight: Weight = "Regular") -> ImageFont.FreeTypeFont:
    """Roboto at this size, from the package font-roboto."""
    found = resources.files("font_roboto").joinpath("files", f"Roboto-{weight}.ttf")
    with resources.as_file(found) as path:
        # The basic layout draws the same everywhere; the other one depends on libraries of the system.
        return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)


def line_height(size: int) -> int:
    """From the top of one line to the top of the next."""
    return round(size * _LEADING)


def shorten(text: str, face: ImageFont.FreeTypeFont, width: int) -> str:
    """The text on one line, its end cut with an ellipsis where it is wider than `width`."""
    if _most(len(text), lambda count: face.getlength(text[:count]) <= width) == len(text):
        return text
    kept = _most(len(text), lambda count: face.getlength(text[:count].rstrip() + ELLIPSIS) <= width)
    return text[:kept].rstrip() + ELLIPSIS


def first_line(text: str, face: ImageFont.FreeTypeFont, width: int) -> tuple[str, str]:
    """What goes on a line of this width, and the rest.

    Broken between words; within a word only where it is wider than the line itself.
    """
    words = text.split()
    fitting = _most(len(words), lambda count: face.getlength(" ".join(words[:count])) <= width)
    if fitting or not words:
        return " ".join(words[:fitting]), " ".join(words[fitting:])
    cut = max(1, _most(len(words[0]), lambda count: face.getlength(words[0][:count]) <= width))
    return words[0][:cut], " ".join([words[0][cut:], *words[1:]]).strip()


def wrap(text: str, face: ImageFont.FreeTypeFont, width: int, most: int | None = None) -> list[str]:
    """Lines no wider than `width`; with more than `most` of them the last ends in an ellipsis."""
    lines: list[str] = []
    rest = " ".join(text.split())
    while rest and (most is None or len(lines) < most):
        if most is not None and len(lines) == most - 1:
            return [*lines, shorten(rest, face, width)]
        line, rest = first_line(rest, face, width)
        lines.append(line)
    return lines


@frozen(kw_only=True)
class Fitted:
    """Text that fits its box."""

    size: int
    weight: Weight
    lines: tuple[str, ...]

    @property
    def face(self) -> ImageFont.FreeTypeFont:
        """The font to draw the lines with."""
        return font(self.size, self.weight)

    @property
    def height(self) -> int:
        """Of all lines together."""
        return len(self.lines) * line_height(self.size)


def fit(text: str, width: int, height: int, sizes: range, weight: Weight = "Regular") -> Fitted:
    """The text at the first of the sizes (the largest first) that fits the box; at the last, cut with an ellipsis."""
    for size in sizes:
        lines = wrap(text, font(size, weight), width, most=height // line_height(size) + 1)
        if len(lines) * line_height(size) <= height and not _breaks_a_word(text, lines):
            return Fitted(size=size, weight=weight, lines=tuple(lines))
    smallest = sizes[-1]
    lines = wrap(text, font(smallest, weight), width, most=height // line_height(smallest))
    return Fitted(size=smallest, weight=weight, lines=tuple(lines))


def _most(limit: int, fits: Callable[[int], bool]) -> int:
    """The largest count up to `limit` that fits, where everything below one that fits does too; 0 when none does.

    Grows from below, so that a page of text is never measured to find out how much of it a line holds.
    """
    low, high = 0, min(8, limit)
    while high < limit and fits(high):
        low, high = high, min(high * 2, limit)
    while low < high:
        middle = (low + high + 1) // 2
        if fits(middle):
            low = middle
        else:
            high = middle - 1
    return low


def _breaks_a_word(text: str, lines: list[str]) -> bool:
    return " ".join(lines) != " ".join(text.split())
