"""Pictures and money by day, and how full the store is: a page with charts, and the same for programs."""

from __future__ import annotations

import asyncio
import itertools
import math
import shutil
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from aiohttp import web
from attrs import asdict, frozen

from imageserver.clock import local_time
from imageserver.counters import DOWNLOADS_ABORTED, PICTURES_MADE, PICTURES_SENT, REQUESTS
from imageserver.web.answers import json_answer
from imageserver.web.counting import COUNTERS
from imageserver.web.html import html_answer, said
from imageserver.web.keys import CLOCK, JOURNAL, OVERVIEW, ROTATION, STORE, TILL
from imageserver.web.words import N_

_MEGABYTES, _GIGABYTES = N_("%(n)s MB"), N_("%(n)s GB")
_DAYS = 14
_WIDTH, _HEIGHT, _GAP = 22, 100, 4  # of a bar, in units of the drawing


@frozen(kw_only=True)
class Day:
    """One local day."""

    day: str  # "2026-11-26"
    made: int  # pictures that providers gave
    sent: int  # pictures that frames took
    aborted: int
    requests: int
    bought: int
    cost: str  # a decimal number


@frozen(kw_only=True)
class Month:
    """What one provider has cost since the first of the month."""

    provider: str
    pictures: int
    cost: str  # a decimal number
    most: str | None  # the cap that the owner set


@frozen(kw_only=True)
class Room:
    """What the pictures take, and when the oldest are deleted."""

    shown: int  # that frames may get
    stored: int  # in the store, favourites aside
    least: int
    most: int
    waiting: int  # of the owner's, that are not deleted without a word
    bytes: int  # of the files in the store
    free: int | None  # bytes on its disk; None where nobody can tell
    days_left: int | None  # until the oldest are deleted, at the pace of the last days; None: nothing comes


@frozen(kw_only=True)
class Bar:
    """A day in a chart, in units of the drawing."""

    x: int
    y: float
    height: float
    label: str


async def numbers(request: web.Request) -> web.Response:
    """GET /api/v1/numbers: the last two weeks, the oldest day first; this month's money; the store."""
    days = await _days(request.app)
    return json_answer(
        {
            "days": [asdict(day) for day in days],
            "month": [asdict(one) for one in await _month(request.app)],
            **asdict(await _room(request.app, days)),
            "unconfirmed": request.app[TILL].unconfirmed,
        }
    )


async def page(request: web.Request) -> web.Response:
    """GET /numbers."""
    days = await _days(request.app)
    month = await _month(request.app)
    room = await _room(request.app, days)
    return html_answer(
        request,
        "numbers.html",
        days=list(reversed(days)),
        made=_bars([(day, float(day.made), str(day.made)) for day in days]),
        money=_bars([(day, float(day.cost), day.cost) for day in days]),
        width=_DAYS * (_WIDTH + _GAP),
        height=_HEIGHT,
        bar=_WIDTH,
        has_cost=any(day.cost != "0" for day in days),
        month=month,
        month_pictures=sum(one.pictures for one in month),
        month_cost=str(sum((Decimal(one.cost) for one in month), Decimal(0))),
        room=room,
        size=_size(request, room.bytes),
        free=None if room.free is None else _size(request, room.free),
        unconfirmed=request.app[TILL].unconfirmed,
    )


async def _month(app: web.Application) -> list[Month]:
    """Who has a price or a cap, or was paid this month; by the code."""
    today = local_time(app[CLOCK]).date()
    spent: dict[str, tuple[int, Decimal]] = {}
    first = today.replace(day=1)
    for _day, provider, pictures, cost in await app[JOURNAL].spending.by_day(first.isoformat(), today.isoformat()):
        before, sum_before = spent.get(provider, (0, Decimal(0)))
        spent[provider] = before + pictures, cost + sum_before
    books = {line.code: line.books for line in await app[OVERVIEW].providers() if line.books is not None}
    dear = {code for code, one in books.items() if one.is_paid or one.price != "0"}
    return [
        Month(
            provider=code,
            pictures=spent.get(code, (0, Decimal(0)))[0],
            cost=str(spent.get(code, (0, Decimal(0)))[1]),
            most=books[code].max_cost_per_month if code in books else None,
        )
        for code in sorted({*spent, *dear})
    ]


async def _room(app: web.Application, days: list[Day]) -> Room:
    rotation, store = app[ROTATION], app[STORE]
    stored = await rotation.stored()
    return Room(
        shown=store.count(),
        stored=stored,
        least=rotation.least,
        most=rotation.most,
        waiting=rotation.waiting,
        bytes=await app[JOURNAL].albums.stored_bytes(),
        free=await asyncio.to_thread(_free, store.folder),
        days_left=days_left([day.made for day in days], rotation.most - stored),
    )


def days_left(made: Sequence[int], room: int) -> int | None:
    """Days until so many more pictures were made, at the pace since the first day with any; None: none were made."""
    counted = list(itertools.dropwhile(lambda number: not number, made))
    return max(0, math.ceil(room * len(counted) / sum(counted))) if counted else None


def _free(folder: Path) -> int | None:
    try:
        return shutil.disk_usage(folder).free
    except OSError:  # a disk that is away
        return None


def _size(request: web.Request, size: int) -> str:
    """As people read it: 4.2 GB, 310 MB. A thousand of each are one of the next, as on the disk's own label."""
    if size >= 1e9:
        return said(request, _GIGABYTES) % {"n": f"{size / 1e9:.1f}"}
    return said(request, _MEGABYTES) % {"n": math.ceil(size / 1e6)}


async def _days(app: web.Application) -> list[Day]:
    today = local_time(app[CLOCK]).date()
    first = today - timedelta(days=_DAYS - 1)
    spent: dict[str, tuple[int, Decimal]] = {}
    for day, _provider, pictures, cost in await app[JOURNAL].spending.by_day(first.isoformat(), today.isoformat()):
        before, sum_before = spent.get(day, (0, Decimal(0)))
        spent[day] = before + pictures, cost + sum_before
    return [await _day(app, first + timedelta(days=number), spent) for number in range(_DAYS)]


async def _day(app: web.Application, day: date, spent: dict[str, tuple[int, Decimal]]) -> Day:
    counted = await app[COUNTERS].of_day(day.isoformat())

    def total(name: str) -> int:
        return sum(number for (counter, _label), number in counted.items() if counter == name)

    bought, cost = spent.get(day.isoformat(), (0, Decimal(0)))
    return Day(
        day=day.isoformat(),
        made=total(PICTURES_MADE),
        sent=total(PICTURES_SENT),
        aborted=total(DOWNLOADS_ABORTED),
        requests=total(REQUESTS),
        bought=bought,
        cost=str(cost),
    )


def _bars(values: list[tuple[Day, float, str]]) -> list[Bar]:
    most = max((value for _, value, _ in values), default=0) or 1
    bars = []
    for number, (day, value, text) in enumerate(values):
        height = round(_HEIGHT * value / most, 1)
        bars.append(
            Bar(
                x=number * (_WIDTH + _GAP),
                y=_HEIGHT - height,
                height=height,
                label=f"{day.day[8:]}.{day.day[5:7]}.: {text}",
            )
        )
    return bars
