"""Documents drawn by code: what a crop must not cut through."""

from __future__ import annotations

import random
from collections.abc import Callable

from PIL import Image, ImageDraw

from fitting.grounds import Colour

WORDS = ("the", "frame", "shows", "a", "picture", "for", "each", "day", "of", "the", "year", "and", "never", "twice")
BLACK, WHITE = (20, 20, 20), (255, 255, 255)


def page(
    size: tuple[int, int], font: int, *, ground: Colour = WHITE, ink: Colour = BLACK, margin: int = 40
) -> Image.Image:
    """Lines of words from edge to edge."""
    picture = Image.new("RGB", size, ground)
    pen = ImageDraw.Draw(picture)
    chance = random.Random(1)
    for y in range(margin, size[1] - margin - font, font * 7 // 5):
        x = float(margin)
        while True:
            word = chance.choice(WORDS) + " "
            length = pen.textlength(word, font_size=font)
            if x + length > size[0] - margin:
                break
            pen.text((x, y), word, fill=ink, font_size=font)
            x += length
    return picture


def slide() -> Image.Image:
    """A title and four points, in large letters."""
    picture = Image.new("RGB", (1280, 720), (250, 250, 250))
    pen = ImageDraw.Draw(picture)
    pen.text((80, 60), "What we learned from frames", fill=(20, 40, 90), font_size=80)
    for number in range(4):
        pen.text((120, 220 + number * 110), "- they want a picture, and they want it now", fill=BLACK, font_size=48)
    return picture


def table() -> Image.Image:
    """Numbers between thin lines."""
    picture = Image.new("RGB", (1200, 800), WHITE)
    pen = ImageDraw.Draw(picture)
    for y in range(0, 800, 32):
        pen.line((0, y, 1200, y), fill=(200, 200, 200))
        for x in range(0, 1200, 110):
            pen.text((x + 8, y + 8), str(x * y % 977), fill=BLACK, font_size=18)
    return picture


def screenshot() -> Image.Image:
    """A window with a title bar and a column at its side."""
    picture = page((1280, 800), 18)
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 0, 1280, 60), fill=(60, 90, 160))
    pen.text((20, 20), "A window with a title", fill=WHITE, font_size=24)
    pen.rectangle((0, 60, 200, 800), fill=(235, 238, 242))
    return picture


_MADE: dict[str, Callable[[], Image.Image]] = {
    "page": lambda: page((1000, 700), 20),
    "page in small letters": lambda: page((2400, 1600), 22),
    "page in large letters": lambda: page((1000, 700), 60),
    "square page": lambda: page((800, 800), 22),
    "terminal": lambda: page((1200, 700), 18, ground=(20, 20, 24), ink=(190, 230, 190)),
    "slide": slide,
    "table": table,
    "screenshot": screenshot,
}
NAMES = tuple(_MADE)


def document(name: str) -> Image.Image:
    """One of them."""
    return _MADE[name]()
