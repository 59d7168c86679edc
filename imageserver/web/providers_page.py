"""Providers, extensions and plugins: how each is, what it costs, and what its owner can do about it."""

from __future__ import annotations

from aiohttp import web
from attrs import frozen

from imageserver.web.html import html_answer
from imageserver.web.keys import INTAKE, JOURNAL, OVERVIEW, ProviderLine
from imageserver.web.when import moment, span

_FEW, _MANY = 12, 200  # jobs that are shown


@frozen(kw_only=True)
class ProviderCard:
    """A provider on the page."""

    line: ProviderLine
    asked: str  # when it was asked last; empty: never
    every: str  # how often `auto` asks it at most; empty: as the server's own option says
    error_when: str
    used: int | None  # percent of the tightest cap that is used up; None: there is none


async def page(request: web.Request) -> web.Response:
    """GET /providers: asks none of them for anything."""
    overview, journal = request.app[OVERVIEW], request.app[JOURNAL]
    lines = await overview.providers()
    extensions = overview.extensions()
    jobs = await journal.jobs.recent(_MANY if "all" in request.query else _FEW)
    return html_answer(
        request,
        "providers.html",
        usual_every=span(request, request.app[INTAKE].threshold) if request.app[INTAKE].threshold else "",
        serving=[_card(request, line) for line in lines if line.status != "off"],
        off=[line for line in lines if line.status == "off"],
        extensions=[line for line in extensions if line.status != "off"],
        plugins=[line for line in overview.plugins() if line.source != "built in" or line.reason],
        lost=[(job, moment(request, job.created)) for job in await journal.jobs.unknown()],
        jobs=[(job, moment(request, job.created)) for job in jobs],
        is_short=len(jobs) == _FEW,
    )


def _card(request: web.Request, line: ProviderLine) -> ProviderCard:
    return ProviderCard(
        line=line,
        asked="" if line.asked_at is None else moment(request, line.asked_at),
        every=span(request, line.threshold) if line.threshold else "",
        error_when="" if line.error_at is None else moment(request, line.error_at),
        used=_used(line),
    )


def _used(line: ProviderLine) -> int | None:
    books = line.books
    if books is None:
        return None
    pairs = (
        (books.pictures_today, books.max_per_day),
        (books.pictures_this_month, books.max_per_month),
        (float(books.cost_this_month), None if books.max_cost_per_month is None else float(books.max_cost_per_month)),
    )
    shares = [100.0 if not most else min(100.0, 100 * spent / most) for spent, most in pairs if most is not None]
    return round(max(shares)) if shares else None
