"""Cards: what a frame shows while there is no picture, in words that a person understands. Drawn as PNG originals."""

from __future__ import annotations

import io
import math
import random

from attrs import frozen
from PIL import Image, ImageDraw

from imageserver.card_words import MORE, TEXTS, Kind
from imageserver.language import Language
from imageserver.lettering import Fitted, first_line, fit, font, line_height, shorten, wrap

Colour = tuple[int, int, int]


@frozen(kw_only=True)
class Reason:
    """Why one provider gives no picture now."""

    provider: str
    reason: str


@frozen(kw_only=True)
class Card:
    """What a card says."""

    kind: Kind
    address: str = ""  # where a person looks: "http://192.168.1.5:8099"; left out when empty
    reasons: tuple[Reason, ...] = ()


# Cards are drawn this many times larger and then reduced: smooth edges, and letters that stand where they belong.
_FINE = 2
_SMALLEST = 9 * _FINE  # font size below which nobody reads
_LEAST_FOR_WORDS = 48 * _FINE  # the shorter side of a panel; below it there is only the sky

# The light in the sky, by which the cards are told apart from across the room.
_LIGHTS: dict[Kind, Colour] = {
    "nothing_stored": (214, 222, 240),  # a pale moon
    "painting": (255, 205, 130),  # the sun about to rise
    "provider_failed": (232, 150, 128),  # a red moon
    "answer_lost": (222, 190, 120),  # the dull gold of a coin
    "cap_reached": (222, 190, 120),
    "key_refused": (232, 150, 128),
    "no_money": (222, 190, 120),
    "needs_setup": (150, 196, 226),  # a blue moon: nothing is broken, something is still to do
    "disk_full": (232, 150, 128),
    "clock_wrong": (232, 150, 128),
}
_ZENITH: Colour = (9, 13, 28)
_HORIZON: Colour = (44, 54, 88)
_TITLE: Colour = (240, 241, 246)
_BODY: Colour = (190, 197, 216)


def draw_card(card: Card, language: Language, width: int, height: int) -> bytes:
    """A PNG of `width` x `height` pixels; the same bytes for the same card.

    What does not fit is cut with an ellipsis.
    """
    width, height = width * _FINE, height * _FINE
    margin = max(5 * _FINE, round(min(width, height) * 0.085))
    small = range(max(_SMALLEST, round(_unit(width, height) * 0.85)), _SMALLEST - 2 * _FINE, -1)
    address = fit(card.address, width - 2 * margin, line_height(small[0]), small)
    foot = height - margin - address.height  # the address stands on the near hill, whatever the size of the panel
    picture = _landscape(card.kind, width, height, ridge=min(0.88, foot / height - 0.035))
    if min(width, height) >= _LEAST_FOR_WORDS:
        draw = ImageDraw.Draw(picture)
        for line in address.lines:
            draw.text((margin, foot), line, font=address.face, fill=_LIGHTS[card.kind])
        _write(draw, card, language, (margin, margin, width - margin, foot - margin // 3))
    picture = _grain(picture.reduce(_FINE))
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def draw_sky(width: int, height: int) -> bytes:
    """The landscape of the cards without a word on it, as a PNG of `width` x `height` pixels."""
    picture = _grain(_landscape("nothing_stored", width * _FINE, height * _FINE, ridge=0.88).reduce(_FINE))
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


# --- the landscape


def _landscape(kind: Kind, width: int, height: int, ridge: float) -> Image.Image:
    """A night sky with one light in it, over two rows of hills; the near one at this part of the height."""
    picture = Image.composite(
        Image.new("RGB", (width, height), _HORIZON),
        Image.new("RGB", (width, height), _ZENITH),
        Image.linear_gradient("L").resize((width, height)),
    )
    light = _LIGHTS[kind]
    unit = min(width, height)
    rising = kind == "painting"
    across = 0.78 if rising or height > width else 0.9
    centre = (round(width * across), round(height * (ridge - 0.06 if rising else 0.14)))
    radius = max(1, round(unit * (0.15 if rising else 0.065)))
    _glow(picture, light, centre, radius * 5)
    draw = ImageDraw.Draw(picture)
    _stars(draw, (width, height))
    draw.ellipse(
        (centre[0] - radius, centre[1] - radius, centre[0] + radius, centre[1] + radius),
        fill=tuple(round(channel * 0.92) for channel in light),
    )
    _hills(draw, (width, height), base=ridge - 0.06, rise=0.045, phase=0.6, colour=(22, 28, 52))
    _hills(draw, (width, height), base=ridge, rise=0.035, phase=2.9, colour=(11, 14, 29))
    return picture


def _glow(picture: Image.Image, light: Colour, centre: tuple[int, int], radius: int) -> None:
    # The gradient is 0 in its middle, 181 where the circle touches the square's sides, 255 in the corners.
    fade = (
        Image.radial_gradient("L")
        .resize((radius * 2, radius * 2))
        .point([round(100 * max(0, 1 - v / 180) ** 2) for v in range(256)])
    )
    picture.paste(light, (centre[0] - radius, centre[1] - radius), fade)


def _stars(draw: ImageDraw.ImageDraw, size: tuple[int, int]) -> None:
    chance = random.Random(7)  # noqa: S311 - always the same sky
    for _ in range(46):
        x, y = chance.random() * size[0], chance.random() ** 1.5 * size[1] * 0.7
        bright = round(chance.uniform(50, 125))
        half = size[0] / 640 * chance.choice((0.8, 1.2))
        draw.ellipse((x - half, y - half, x + half, y + half), fill=(bright, bright, bright + 20))


def _hills(
    draw: ImageDraw.ImageDraw, size: tuple[int, int], *, base: float, rise: float, phase: float, colour: Colour
) -> None:
    width, height = size
    ridge = [
        (x, height * (base - rise * (math.sin(x / width * 4.2 + phase) + 0.35 * math.sin(x / width * 11 + phase * 2))))
        for x in range(0, width + 8, 8)
    ]
    draw.polygon([(0, height), *ridge, (width, height)], fill=colour)


def _grain(picture: Image.Image) -> Image.Image:
    """A touch of noise: without it a dark sky shows steps on a panel of 65,536 colours."""
    chance = random.Random(1)  # noqa: S311 - always the same grain
    noise = Image.frombytes("L", picture.size, chance.randbytes(picture.width * picture.height))
    return Image.blend(picture, Image.merge("RGB", (noise, noise, noise)), 0.018)


# --- the words


@frozen(kw_only=True)
class _Layout:
    """Every text of a card at one size, and how much height that takes."""

    title: Fitted
    body: tuple[str, ...]
    reasons: tuple[tuple[str, str], ...]  # provider, reason; the provider is empty on lines that go on
    small: int  # font size of all but the title
    gap: int

    @property
    def height(self) -> int:
        lines = len(self.body) + len(self.reasons)
        return self.title.height + lines * line_height(self.small) + self.gap * (2 if self.reasons else 1)


def _write(draw: ImageDraw.ImageDraw, card: Card, language: Language, box: tuple[int, int, int, int]) -> None:
    """Title, body and reasons within the box: left, top, right, bottom."""
    left, y, right, bottom = box
    upright = bottom > right
    # Beside the title of a wide card stands the moon.
    aside = 0 if upright or card.kind == "painting" else round(right * 0.12)
    if upright:  # the words stand below the moon, where the eye expects them
        y += round(bottom * 0.22)
    layout = _layout(card, language, (right - left - aside, right - left), bottom - y, _unit(left + right, bottom))
    for line in layout.title.lines:
        draw.text((left, y), line, font=layout.title.face, fill=_TITLE)
        y += line_height(layout.title.size)
    y += layout.gap
    face, step = font(layout.small), line_height(layout.small)
    for line in layout.body:
        draw.text((left, y), line, font=face, fill=_BODY)
        y += step
    y += layout.gap
    for provider, reason in layout.reasons:
        x = float(left)
        if provider:
            bold = font(layout.small, "Medium")
            draw.text((x, y), provider, font=bold, fill=_LIGHTS[card.kind])
            x += bold.getlength(provider)
        draw.text((x, y), reason, font=face, fill=_BODY)
        y += step


def _unit(width: int, height: int) -> int:
    """The font size that suits a panel: 20 at 320x480."""
    return round(math.sqrt(width * height) * 0.051)


def _layout(card: Card, language: Language, widths: tuple[int, int], height: int, unit: int) -> _Layout:
    """The largest letters at which everything fits; at the smallest, reasons and then the body are cut.

    `widths` are those of the title and of the rest.
    """
    smallest = min(unit, _SMALLEST)
    for small in range(unit, smallest - 1, -1):
        layout = _at_size(card, language, widths, small, most_reasons=len(card.reasons), most_body=None)
        if layout.height <= height and (small == smallest or len(layout.title.lines) <= 2):
            return layout
    for most in range(len(card.reasons) - 1, -1, -1):
        layout = _at_size(card, language, widths, smallest, most_reasons=most, most_body=None)
        if layout.height <= height:
            return layout
    layout = _at_size(card, language, widths, smallest, most_reasons=0, most_body=None)
    room = (height - layout.title.height - layout.gap) // line_height(smallest)
    return _at_size(card, language, widths, smallest, most_reasons=0, most_body=max(0, room))


def _at_size(
    card: Card, language: Language, widths: tuple[int, int], small: int, *, most_reasons: int, most_body: int | None
) -> _Layout:
    text = TEXTS[card.kind, language]
    large = round(small * 1.55)
    title = fit(text.title, widths[0], 2 * line_height(large), range(large, small - 1, -1), "Medium")
    width = widths[1]
    reasons = [pair for reason in card.reasons[:most_reasons] for pair in _reason_lines(reason, width, small)]
    left_out = len(card.reasons) - most_reasons
    if reasons and left_out:
        reasons.append(("", shorten(MORE[language].format(left_out), font(small), width)))
    return _Layout(
        title=title,
        body=tuple(wrap(text.body, font(small), width, most_body)),
        reasons=tuple(reasons),
        small=small,
        gap=round(small * 0.6),
    )


def _reason_lines(reason: Reason, width: int, size: int) -> list[tuple[str, str]]:
    """ "provider: reason" on at most three lines."""
    provider = shorten(f"{reason.provider}:", font(size, "Medium"), width * 2 // 3)
    taken = font(size, "Medium").getlength(provider)
    text = " " + " ".join(reason.reason.split())
    face = font(size)
    if taken + face.getlength(text) <= width:
        return [(provider, text)]
    first, rest = first_line(text.strip(), face, round(width - taken - face.getlength(" ")))
    return [(provider, f" {first}"), *(("", line) for line in wrap(rest, face, width, most=2))]
