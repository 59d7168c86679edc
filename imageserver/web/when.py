"""Moments and spans of time as pages say them."""

from __future__ import annotations

from datetime import datetime, timedelta

from aiohttp import web

from imageserver.clock import local_time
from imageserver.web.html import said
from imageserver.web.keys import CLOCK
from imageserver.web.words import N_

_TODAY, _YESTERDAY = N_("today"), N_("yesterday")
_SECONDS, _MINUTES, _HOURS, _DAYS = N_("%(n)s s"), N_("%(n)s min"), N_("%(n)s h"), N_("%(n)s d")


def moment(request: web.Request, when: float) -> str:
    """A moment in seconds since 1970 as the clock on the owner's wall shows it: `today 14:05`."""
    clock = request.app[CLOCK]
    now, then = local_time(clock), datetime.fromtimestamp(when, clock.zone)
    if then.date() == now.date():
        return f"{said(request, _TODAY)} {then:%H:%M}"
    if then.date() == now.date() - timedelta(days=1):
        return f"{said(request, _YESTERDAY)} {then:%H:%M}"
    return f"{then:%d.%m.%Y %H:%M}" if then.year != now.year else f"{then:%d.%m. %H:%M}"


def span(request: web.Request, seconds: float) -> str:
    """How long something takes: `5 min`."""
    for most, unit, word in ((120, 1, _SECONDS), (7_200, 60, _MINUTES), (172_800, 3_600, _HOURS)):
        if seconds < most:
            return said(request, word) % {"n": f"{seconds / unit:.0f}"}
    return said(request, _DAYS) % {"n": f"{seconds / 86_400:.0f}"}
