"""The extension `overlay`: the date and a caption on every picture, on a soft shadow at its edge."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Literal

from attrs import field, frozen

from imageserver import PictureFacts, PictureTransform, RegisterPictureTransform, hookimpl

if TYPE_CHECKING:
    from PIL.Image import Image

_WEEKDAYS = {
    "ru": ("понедельник", "вторник", "среда", "четверг", "пятница", "суббота", "воскресенье"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_MONTHS = {
    "ru": (
        "января",
        "февраля",
        "марта",
        "апреля",
        "мая",
        "июня",
        "июля",
        "августа",
        "сентября",
        "октября",
        "ноября",
        "декабря",
    ),
    "en": (
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ),
}
_LINES = 2  # of a caption, at most
_DARKEST = 190  # of 255: how much of the picture the shadow takes at the edge
_PAPER = (255, 252, 244)
_LOOK = "1"  # counted up when the drawing changes, so that old renditions are made anew


@frozen(kw_only=True)
class OverlaySettings:
    """What stands under `extensions: {overlay: …}`."""

    date: Literal["today", "picture", "off"] = field(
        default="today",
        metadata={"doc": "Which date is written: today's, the one when the picture was taken or made, or off."},
    )
    caption: Literal["auto", "off"] = field(
        default="auto",
        metadata={"doc": "auto writes the picture's title, or else its prompt; off writes none."},
    )
    language: Literal["ru", "en"] = field(default="ru", metadata={"doc": "Language of the date: ru or en."})
    place: Literal["bottom", "top"] = field(
        default="bottom", metadata={"doc": "The edge where the words stand: bottom or top."}
    )


class Overlay(PictureTransform):
    """Draws in the thread that the server gives it; the originals stay as they are."""

    code = "overlay"
    title = "Date and caption"
    settings_class = OverlaySettings

    def cache_key(self, picture: PictureFacts) -> str | None:
        settings: OverlaySettings = self.context.settings
        words = self._words(picture)
        return "|".join((_LOOK, settings.place, *words)) if any(words) else None

    def apply(self, image: Image, picture: PictureFacts) -> Image:
        settings: OverlaySettings = self.context.settings
        day, caption = self._words(picture)
        return _written(image, day, caption, at_top=settings.place == "top")

    def _words(self, picture: PictureFacts) -> tuple[str, str]:
        settings: OverlaySettings = self.context.settings
        caption = picture.details.get("title") or picture.prompt or ""
        return self._day(picture), caption if settings.caption == "auto" else ""

    def _day(self, picture: PictureFacts) -> str:
        settings: OverlaySettings = self.context.settings
        if settings.date == "off":
            return ""
        if settings.date == "today":
            return _spoken(self._local(self.context.clock.now()), settings.language, year=False)
        taken = _parsed(picture.details.get("taken", ""))
        return _spoken(taken or self._local(picture.created), settings.language, year=True)

    def _local(self, seconds: float) -> date:
        return datetime.fromtimestamp(seconds, self.context.clock.zone).date()


def _parsed(text: str) -> date | None:
    try:
        return datetime.fromisoformat(text).date()
    except ValueError:
        return None


def _spoken(day: date, language: str, *, year: bool) -> str:
    """As people say it: "22 ноября, воскресенье", "Sunday, 22 November"; with the year for a day long ago."""
    month = f"{day.day} {_MONTHS[language][day.month - 1]}"
    if year:
        return f"{month} {day.year}"
    weekday = _WEEKDAYS[language][day.weekday()]
    return f"{month}, {weekday}" if language == "ru" else f"{weekday}, {month}"


def _written(image: Image, day: str, caption: str, *, at_top: bool) -> Image:
    from PIL import ImageDraw

    from imageserver import lettering

    unit = max(8, min(image.size) // 20)  # 16 pixels on a panel of 320x480
    margin = round(unit * 0.8)
    width = image.width - 2 * margin
    lines = [(line, lettering.font(unit, "Medium")) for line in ([day] if day else [])]
    small = lettering.font(max(8, round(unit * 0.85)))
    lines += [(line, small) for line in lettering.wrap(caption, small, width, most=_LINES)]
    height = len(lines) * lettering.line_height(unit) + margin
    image = _shaded(image, min(image.height, height + 3 * unit), at_top=at_top)
    draw = ImageDraw.Draw(image)
    top = margin if at_top else image.height - height
    for line, face in lines:
        draw.text((margin, top), lettering.shorten(line, face, width), font=face, fill=_PAPER)
        top += lettering.line_height(unit)
    return image


def _shaded(image: Image, height: int, *, at_top: bool) -> Image:
    """The picture with a shadow that grows towards the edge, dark enough for white letters on a white sky."""
    from PIL import Image as Pictures

    ramp = Pictures.linear_gradient("L").resize((image.width, height))  # 0 above, 255 below
    if at_top:
        ramp = ramp.transpose(Pictures.Transpose.FLIP_TOP_BOTTOM)
    shadow = ramp.point(lambda value: round((value / 255) ** 0.7 * _DARKEST))
    image.paste((0, 0, 0), (0, 0 if at_top else image.height - height), shadow)
    return image


@hookimpl
def imageserver_register_picture_transforms(register: RegisterPictureTransform) -> None:
    """Bring the picture transform `overlay`."""
    register(Overlay)
