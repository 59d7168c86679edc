"""The test card: what a panel does to edges, directions, colours and greys, told by one look at it.

Each frame's card has its number and its name, so that a row of frames can be told apart.
"""

from __future__ import annotations

from PIL import Image, ImageDraw

from imageserver.lettering import font, shorten

_GROUND = (40, 44, 52)
_EDGE = (255, 255, 255)
_WORDS = (240, 241, 246)
# In this order, each with its letter on it: a panel that takes blue for red shows a B on red.
_COLOURS = (("R", (255, 0, 0)), ("G", (0, 255, 0)), ("B", (0, 0, 255)), ("C", (0, 255, 255)), ("M", (255, 0, 255)),
            ("Y", (255, 255, 0)))  # fmt: skip
_GREYS = 16  # steps from black to white
_LEAST_FOR_WORDS = 48  # pixels of the shorter side


def draw_test_card(number: int, name: str, width: int, height: int) -> Image.Image:
    """The card of frame `number` (0: it has none) at exactly this size, in RGB. No line of it is scaled."""
    card = Image.new("RGB", (width, height), _GROUND)
    draw = ImageDraw.Draw(card)
    _edges(draw, width, height)
    unit = min(width, height)
    inset = max(2, unit // 16)
    left, right = inset, width - 1 - inset
    top, bottom = inset, height - 1 - inset
    middle = (top + bottom) // 2
    strip = max(2, (bottom - top) // 9)
    _up_arrow(draw, (left + right) // 2, top, max(4, unit // 7))
    if unit >= _LEAST_FOR_WORDS:
        _words(draw, number, name, (left, top + unit // 6, right, middle - strip // 3))
    _colours(draw, (left, middle, right, middle + 2 * strip))
    _greys(draw, (left, middle + 2 * strip + strip // 2, right, middle + 3 * strip + strip // 2))
    _ramps(card, (left, bottom - strip // 2, right, bottom))
    return card


def _edges(draw: ImageDraw.ImageDraw, width: int, height: int) -> None:
    """A line on the outermost pixels, and a triangle in each corner: whatever is cut off is seen."""
    draw.rectangle((0, 0, width - 1, height - 1), outline=_EDGE)
    arm = max(2, min(width, height) // 20)
    for x, towards_x in ((0, 1), (width - 1, -1)):
        for y, towards_y in ((0, 1), (height - 1, -1)):
            draw.polygon([(x, y), (x + arm * towards_x, y), (x, y + arm * towards_y)], fill=_EDGE)


def _up_arrow(draw: ImageDraw.ImageDraw, x: int, top: int, size: int) -> None:
    """Points up where the card hangs the right way round."""
    half = size // 2
    draw.polygon([(x, top), (x - half, top + half), (x + half, top + half)], fill=_EDGE)
    draw.rectangle((x - size // 8, top + half, x + size // 8, top + size), fill=_EDGE)


def _words(draw: ImageDraw.ImageDraw, number: int, name: str, box: tuple[int, int, int, int]) -> None:
    """Number and name. Letters also tell a mirrored picture."""
    left, top, right, bottom = box
    high = bottom - top
    size = max(8, high // 5)
    face = font(size, "Medium")
    middle = (left + right) / 2
    draw.text((middle, bottom), shorten(name, face, right - left), font=face, fill=_WORDS, anchor="mb")
    if number:
        large = font(max(8, high * 3 // 5), "Bold")
        draw.text((middle, (top + bottom - size) / 2), str(number), font=large, fill=_EDGE, anchor="mm")


def _colours(draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = box
    wide = (right - left + 1) / 3
    high = (bottom - top) / 2
    for place, (letter, colour) in enumerate(_COLOURS):
        x, y = left + wide * (place % 3), top + high * (place // 3)
        draw.rectangle((round(x), round(y), round(x + wide) - 1, round(y + high) - 1), fill=colour)
        if high >= 10:
            black_or_white = (0, 0, 0) if sum(colour) > 255 or letter == "G" else (255, 255, 255)
            middle = (x + wide / 2, y + high / 2)
            draw.text(middle, letter, font=font(max(8, int(high * 0.6)), "Bold"), fill=black_or_white, anchor="mm")


def _greys(draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = box
    steps = min(_GREYS, right - left + 1)
    wide = (right - left + 1) / steps
    for step in range(steps):
        level = round(255 * step / (steps - 1))
        x = left + step * wide
        draw.rectangle((round(x), top, round(x + wide) - 1, bottom), fill=(level, level, level))


def _ramps(card: Image.Image, box: tuple[int, int, int, int]) -> None:
    """Black to white without steps: bands in it are the panel's own."""
    left, top, right, bottom = box
    wide, high = right - left + 1, bottom - top + 1
    ramp = Image.linear_gradient("L").rotate(90).resize((wide, high), Image.Resampling.BILINEAR)
    card.paste(Image.merge("RGB", (ramp, ramp, ramp)), (left, top))
