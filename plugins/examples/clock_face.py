"""An example of a provider: a clock face under a sky of the hour. Works offline; copy it one folder up to use it.

providers:
  clock-face:
    hands: white
"""

from __future__ import annotations

import asyncio
import io
import math
from datetime import datetime

from attrs import field, frozen
from PIL import Image, ImageDraw

from imageserver import GeneratedImage, GenerationRequest, ImageProvider, RegisterProvider, hookimpl

__version__ = "1.0"

_FINER = 2  # times the panel's size, so that lines come out smooth when the server makes it smaller
_SKY = (  # hour, colour at the top, colour at the horizon; the colours between two hours are mixed
    (0, (8, 10, 34), (28, 28, 66)),
    (6, (58, 66, 120), (240, 160, 122)),
    (12, (64, 132, 206), (188, 220, 238)),
    (18, (74, 58, 124), (250, 140, 84)),
    (24, (8, 10, 34), (28, 28, 66)),
)

Colour = tuple[int, int, int]


@frozen(kw_only=True)
class ClockFaceSettings:
    """What stands under `providers: {clock-face: …}`."""

    hands: str = field(default="white", metadata={"doc": "Colour of the hands: white, black, gold or tomato."})

    @hands.validator
    def _is_known(self, _attribute: object, value: str) -> None:
        if value not in ("white", "black", "gold", "tomato"):
            raise ValueError(f'expected white, black, gold or tomato, got "{value}"')


class ClockFace(ImageProvider):
    """Paints the time at which it was asked."""

    code = "clock-face"
    title = "Clock face"
    version = __version__
    settings_class = ClockFaceSettings
    takes_prompt = False

    async def generate(self, request: GenerationRequest) -> GeneratedImage:
        """A PNG of twice the panel's size."""
        settings: ClockFaceSettings = self.context.settings
        time = datetime.fromtimestamp(self.context.clock.now(), self.context.clock.zone)
        size = (request.width * _FINER, request.height * _FINER)
        data = await asyncio.to_thread(_painted, time, size, settings.hands)
        return GeneratedImage(data=data, details={"time": f"{time:%H:%M}"})


def _painted(time: datetime, size: tuple[int, int], hands: str) -> bytes:
    picture = _sky(time.hour + time.minute / 60, size)
    draw = ImageDraw.Draw(picture)
    width, height = size
    middle, radius = (width / 2, height / 2), 0.4 * min(size)
    for minute in range(0, 60, 5):
        length = 0.86 if minute % 15 else 0.78
        ends = [_point(middle, radius * far, minute / 60) for far in (length, 0.94)]
        draw.line(ends, fill=hands, width=max(1, round(radius / 60)))
    hour_hand = (time.hour % 12 + time.minute / 60) / 12
    draw.line([middle, _point(middle, radius * 0.5, hour_hand)], fill=hands, width=max(2, round(radius / 18)))
    draw.line([middle, _point(middle, radius * 0.74, time.minute / 60)], fill=hands, width=max(2, round(radius / 32)))
    knob = radius / 22
    draw.ellipse((middle[0] - knob, middle[1] - knob, middle[0] + knob, middle[1] + knob), fill=hands)
    page = io.BytesIO()
    picture.save(page, "PNG")
    return page.getvalue()


def _sky(hour: float, size: tuple[int, int]) -> Image.Image:
    before = max(row for row in _SKY if row[0] <= hour)
    after = min(row for row in _SKY if row[0] > hour)
    share = (hour - before[0]) / (after[0] - before[0])
    top, horizon = _mixed(before[1], after[1], share), _mixed(before[2], after[2], share)
    column = Image.new("RGB", (1, size[1]))
    for row in range(size[1]):
        column.putpixel((0, row), _mixed(top, horizon, row / size[1]))
    return column.resize(size)


def _mixed(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _point(middle: tuple[float, float], radius: float, turn: float) -> tuple[float, float]:
    """The point at `turn` of a whole turn, clockwise from the top."""
    return middle[0] + radius * math.sin(turn * math.tau), middle[1] - radius * math.cos(turn * math.tau)


@hookimpl
def imageserver_register_providers(register: RegisterProvider) -> None:
    """Bring the provider `clock-face`."""
    register(ClockFace)
