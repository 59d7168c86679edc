"""What people and URL-only frames look at: the page, /frame.jpg, /current.jpg."""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import cache
from pathlib import Path

import jinja2
from aiohttp import web

from imageserver.pictures.renditions import Rendition
from imageserver.web.answers import error_answer
from imageserver.web.keys import CLOCK, DELIVERY, FRAMES, JOURNAL, OVERVIEW, ROTATION, SCREENS, STORE
from imageserver.web.middlewares import is_foreign

_HERE = Path(__file__).parent
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; style-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


async def page(request: web.Request) -> web.Response:
    """GET /: how things stand. Asks no provider for anything."""
    app = request.app
    clock = app[CLOCK]
    shown = app[DELIVERY].shown
    jobs = await app[JOURNAL].jobs.recent(8)
    lost = await app[JOURNAL].jobs.unknown()
    text = _template("page.html").render(
        providers=await app[OVERVIEW].providers(),
        extensions=[line for line in app[OVERVIEW].extensions() if line.status != "off"],
        stored=app[STORE].count(),
        rotation_waits=app[ROTATION].waiting,
        shown_at=None if shown is None else _wall_time(shown[1], clock.zone),
        lost=[(job, _wall_time(job.created, clock.zone)) for job in lost],
        jobs=[(job, _wall_time(job.created, clock.zone)) for job in jobs],
        width=app[FRAMES].default.width,
        height=app[FRAMES].default.height,
    )
    return web.Response(text=text, content_type="text/html", headers=_HEADERS)


async def style(_request: web.Request) -> web.Response:
    """GET /static/page.css."""
    return web.Response(text=_style(), content_type="text/css", headers={"Cache-Control": "max-age=3600"})


async def frame_jpg(request: web.Request) -> web.Response:
    """GET /frame.jpg: for frames that only fetch a URL. HEAD never asks for anything new."""
    frame = request.app[FRAMES].at(request.remote or "")
    # A page of another site may show the picture, but not make us ask for new ones by it.
    may_ask = request.method == "GET" and not is_foreign(request)
    ready = await request.app[SCREENS].look(frame, may_ask=may_ask)
    return await _jpeg(request, ready.rendition)


async def current_jpg(request: web.Request) -> web.Response:
    """GET /current.jpg: what any frame took last."""
    shown = request.app[DELIVERY].shown
    frame = request.app[FRAMES].at(request.remote or "")
    rendition = None if shown is None else await request.app[DELIVERY].picture(shown[0], frame)
    if rendition is None:
        return error_answer(404, "not_found", "no frame has taken a picture since the start")
    return await _jpeg(request, rendition)


async def _jpeg(request: web.Request, rendition: Rendition) -> web.Response:
    etag = hashlib.sha256(rendition.key.encode()).hexdigest()[:24]
    headers = {"ETag": f'"{etag}"', "Cache-Control": "no-cache"}
    given = request.if_none_match or ()
    if any(known.value in (etag, "*") for known in given):
        return web.Response(status=304, headers=headers)
    return web.Response(body=await rendition.jpeg(), content_type="image/jpeg", headers=headers)


def _wall_time(when: float, zone: object) -> str:
    return datetime.fromtimestamp(when, zone).strftime("%d.%m. %H:%M")  # type: ignore[arg-type]


@cache
def _template(name: str) -> jinja2.Template:
    loader = jinja2.FileSystemLoader(_HERE / "templates")
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.get_template(name)


@cache
def _style() -> str:
    return (_HERE / "static" / "page.css").read_text(encoding="utf-8")


def load_files() -> None:
    """Read templates and styles before the loop runs; later requests find them in memory."""
    _template("page.html")
    _style()
