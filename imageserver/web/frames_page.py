"""The frames of the house: those with names, whose values can be changed, and those that can be given one."""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import web
from attrs import evolve, frozen

from imageserver.config.listing import Section
from imageserver.frames import Frame
from imageserver.sleeping import FrameSleepWindow
from imageserver.web.frame_list import FrameLine, frame_lines
from imageserver.web.html import html_answer
from imageserver.web.keys import DELIVERY, FRAMES, SETTINGS
from imageserver.web.setting_rows import Row, rows
from imageserver.web.when import moment, span

_MOST = 200  # frames on the page; GET /frames has all of them
_EVERYDAY = ("address", "image_width", "image_height", "fit_mode", "rotate", "sleep_time")


@frozen(kw_only=True)
class FrameCard:
    """A frame on the page."""

    line: FrameLine
    key: str  # quoted for an address
    first_seen: str
    last_seen: str
    usual: str  # between two visits
    panel: str
    sleeps: tuple[str, ...]
    providers: tuple[str, ...]
    has_shown: bool
    can_show: bool  # what hangs there was not hidden or deleted since
    everyday: tuple[Row, ...]  # what its owner may say of it, if it has a name
    others: tuple[Row, ...]


async def page(request: web.Request) -> web.Response:
    """GET /house."""
    lines = frame_lines(request.app)
    standing = await request.app[SETTINGS].look()
    named = {section.name: section for section in standing.frames}
    return html_answer(
        request,
        "frames.html",
        standing=standing,
        cards=[_card(request, line, request.app[FRAMES].called(line.frame), named) for line in lines[:_MOST]],
        more=max(0, len(lines) - _MOST),
    )


def _card(request: web.Request, line: FrameLine, frame: Frame, named: dict[str, Section]) -> FrameCard:
    key = quote(line.frame, safe="")
    section = named.get(line.frame) if line.named else None
    settings = [] if section is None else rows(request, section, "", f"frame-{key}")
    settings = [
        evolve(row, hint=_in_use(row.setting.name, frame) or row.hint) if row.setting.origin == "default" else row
        for row in settings
    ]
    return FrameCard(
        line=line,
        key=key,
        first_seen="" if line.first_seen is None else moment(request, line.first_seen),
        last_seen="" if line.last_seen is None else moment(request, line.last_seen),
        usual="" if line.usual_interval is None else span(request, line.usual_interval),
        panel=frame.target.panel,
        sleeps=tuple(map(_hours, frame.sleep_time)),
        providers=frame.providers or (),
        has_shown=request.app[DELIVERY].on(line.frame) is not None,
        can_show=request.app[DELIVERY].can_show(line.frame),
        everyday=tuple(row for name in _EVERYDAY for row in settings if row.setting.name == name),
        others=tuple(row for row in settings if row.setting.name not in _EVERYDAY),
    )


def _in_use(name: str, frame: Frame) -> str:
    """What the frame gets where its owner has said nothing, as far as that follows from other options."""
    target = frame.target
    known = {"image_width": target.width, "image_height": target.height, "panel": target.panel}
    known |= {"render": target.render, "fit_mode": target.fit_mode, "quality": target.quality}
    return str(known.get(name, ""))


def _hours(window: FrameSleepWindow) -> str:
    return f"{window.time_range.start_time}-{window.time_range.end_time}"
