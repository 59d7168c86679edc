"""The first page: what hangs on each frame, why, what comes next, and what is still missing in a new house."""

from __future__ import annotations

import asyncio
from urllib.parse import quote, urlsplit

from aiohttp import web
from attrs import frozen

from imageserver.access.rules import Who
from imageserver.delivery import Shown
from imageserver.errors import JournalUnavailable
from imageserver.journal import Picture
from imageserver.policy import Source
from imageserver.registry import LAST_RESORT
from imageserver.web.frame_list import FrameLine, frame_lines
from imageserver.web.html import ASKER, html_answer
from imageserver.web.keys import (
    ACCESS,
    DELIVERY,
    FRAMES,
    INTAKE,
    JOURNAL,
    OVERVIEW,
    PROMPTS,
    ROTATION,
    STORE,
    TILL,
    WHERE,
    ProviderLine,
)
from imageserver.web.picture_lines import Drawn, drawn_values
from imageserver.web.when import moment

_MOST_CARDS = 12  # frames on the page; the others have a page of their own


@frozen(kw_only=True)
class Label:
    """What stands beside a picture."""

    id: int
    prompt: str
    provider: str
    model: str
    seed: int | None
    made: str
    price: str  # empty where it is not known, or cost nothing
    again: str  # what another one like it would cost; empty: nothing, or nobody knows
    can_vary: bool
    details: tuple[tuple[str, str], ...]
    values: tuple[Drawn, ...]  # what was drawn for the places of its prompt


@frozen(kw_only=True)
class Card:
    """One frame on the page."""

    frame: FrameLine
    address: str  # of the frame in the API, quoted
    since: str  # empty: it has shown nothing yet
    can_show: bool  # what hangs there was not hidden or deleted since
    why: str
    label: Label | None
    coming: int | None  # the picture that comes next, where that is certain
    coming_why: str
    comes_from_provider: bool
    comes_dark: bool  # the frame sleeps, and shows black
    comes_card: bool  # it can be shown no picture
    comes_at: str
    is_being_made: bool
    can_hurry: bool


async def page(request: web.Request) -> web.Response:
    """GET /: how things stand. Asks no provider for anything."""
    app = request.app
    lines = frame_lines(app)
    providers = await app[OVERVIEW].providers()
    shown = [line for line in lines if line.named or line.last_seen is not None][:_MOST_CARDS]
    seen = [line for line in lines if line.last_seen is not None]
    prompts = await asyncio.to_thread(app[PROMPTS].all)
    host, port = _address_for_frames(request)
    to_do = {
        "frame": bool(seen),
        "name": any(line.named for line in lines),
        "provider": any(line.status == "ready" and line.paints and line.code != LAST_RESORT for line in providers),
        "prompts": [prompt.text for prompt in prompts] != ["test"],
        "password": app[ACCESS].has_password,
    }
    return html_answer(
        request,
        "now.html",
        may_set_password=not app[ACCESS].has_password and request[ASKER].who is Who.HERE,
        cards=[await _card(request, line, providers) for line in shown],
        more=len(lines) - len(shown),
        stored=app[STORE].count(),
        rotation_waits=app[ROTATION].waiting,
        unconfirmed=app[TILL].unconfirmed,
        to_do=to_do,
        is_ready=all(to_do.values()),
        host=host,
        port=port,
    )


async def _card(request: web.Request, line: FrameLine, providers: list[ProviderLine]) -> Card:
    app = request.app
    shown = app[DELIVERY].on(line.frame)
    frame = app[FRAMES].called(line.frame)
    foreseen = await app[INTAKE].foresee(frame)
    label, why = (None, "") if shown is None else await _hanging(request, shown, providers)
    is_card = foreseen.picture is None and foreseen.decision.source is Source.CARD
    expected = None if line.last_seen is None or line.usual_interval is None else line.last_seen + line.usual_interval
    return Card(
        frame=line,
        address=quote(line.frame, safe=""),
        since="" if shown is None else moment(request, shown.at),
        can_show=app[DELIVERY].can_show(line.frame),
        why=why,
        label=label,
        coming=foreseen.picture,
        coming_why=foreseen.decision.why,
        comes_from_provider=foreseen.decision.source is Source.PROVIDER,
        comes_dark=is_card and foreseen.decision.card == "black",
        comes_card=is_card,
        comes_at="" if expected is None or line.late else moment(request, expected),
        is_being_made=foreseen.is_being_made,
        can_hurry=app[STORE].count(frame.scope) > 1,
    )


async def _hanging(request: web.Request, shown: Shown, providers: list[ProviderLine]) -> tuple[Label | None, str]:
    """The label of what hangs there, and why it does."""
    app = request.app
    job = await app[JOURNAL].jobs.get(shown.operation)
    why = "" if job is None else job.why
    if shown.picture is None:
        return None, why
    picture = await app[STORE].picture(shown.picture)
    return None if picture is None else await label_of(request, picture, providers), why


async def label_of(request: web.Request, picture: Picture, providers: list[ProviderLine]) -> Label:
    """What is known of a picture."""
    line = next((line for line in providers if line.code == picture.provider), None)
    try:
        price = None if picture.job is None else await request.app[JOURNAL].spending.price_of(picture.job)
    except JournalUnavailable:
        price = None
    return Label(
        id=picture.id,
        prompt=picture.prompt or "",
        provider=picture.provider or "",
        model=picture.model or "",
        seed=picture.seed,
        made=moment(request, picture.first_seen),
        price="" if not price else str(price),
        again="" if line is None or line.books is None else line.books.price,
        can_vary=line is not None and line.serves and line.takes_prompt and bool(picture.prompt),
        details=tuple(picture.details.items()),
        values=drawn_values(picture.template, picture.prompt),
    )


def _address_for_frames(request: web.Request) -> tuple[str, str]:
    """What an owner enters in a frame: address and port."""
    where = urlsplit(request.app[WHERE] or f"http://{request.host}")
    return where.hostname or "", str(where.port or 80)
