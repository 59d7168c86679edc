"""What the command line and programs ask a running server."""

from __future__ import annotations

import re

import attrs
from aiohttp import web

from imageserver.errors import BadRequest, ConfigError
from imageserver.target import read_focus
from imageserver.vigil import Stage
from imageserver.web.answers import error_answer, json_answer
from imageserver.web.keys import JOURNAL, OVERVIEW, RELOADER, ROTATION, STORE

_MOST_JOBS = 1000


async def jobs(request: web.Request) -> web.Response:
    """GET /api/v1/jobs?count=: the last jobs, newest first."""
    text = request.query.get("count", "50")
    if not re.fullmatch("[0-9]{1,4}", text) or not 1 <= int(text) <= _MOST_JOBS:
        return error_answer(400, "bad_request", f"count: must be a whole number from 1 to {_MOST_JOBS}")
    recent = await request.app[JOURNAL].jobs.recent(int(text))
    return json_answer({"jobs": [attrs.asdict(job) for job in recent]})


async def plugins(request: web.Request) -> web.Response:
    """GET /api/v1/plugins: every plugin, provider and extension with its state."""
    overview = request.app[OVERVIEW]
    return json_answer(
        {
            "plugins": [attrs.asdict(line) for line in overview.plugins()],
            "providers": [attrs.asdict(line) for line in await overview.providers()],
            "extensions": [attrs.asdict(line) for line in overview.extensions()],
        }
    )


async def reload(request: web.Request) -> web.Response:
    """POST /api/v1/plugins/reload: take over what changed in the plugins and the options of providers."""
    try:
        report = await request.app[RELOADER].reload()
    except ConfigError as error:  # whole, however long: the owner reads it on a terminal
        return json_answer({"error": {"code": error.reason, "message": str(error)}}, status=409)
    return json_answer(attrs.asdict(report))


async def rotate(request: web.Request) -> web.Response:
    """POST /api/v1/rotation?confirm=yes: rotate now; confirming lets it delete the owner's files from now on."""
    rotation = request.app[ROTATION]
    done = await (rotation.confirm() if request.query.get("confirm") == "yes" else rotation.run())
    return json_answer(attrs.asdict(done))


async def healthz(request: web.Request) -> web.Response:
    """GET /healthz: 200 while everything that must run does, else 503."""
    health = request.app[OVERVIEW].health()
    return json_answer(health, status=200 if health["status"] == "ok" else 503)


async def readyz(request: web.Request) -> web.Response:
    """GET /readyz: 200 while frames are answered, else 503."""
    stage = request.app[OVERVIEW].stage()
    return json_answer({"status": stage}, status=200 if stage is Stage.READY else 503)


async def focus(request: web.Request) -> web.Response:
    """POST /api/v1/pictures/focus?picture=&at=X,Y: what a crop must keep; `at=none` leaves it to the server again."""
    store, named = request.app[STORE], request.query.get("picture", "")
    number = int(named) if named.isdecimal() else await request.app[JOURNAL].pictures.named(named)
    picture = None if number is None else await store.picture(number)
    if picture is None:
        message = f"there is no picture {named[:80]}: give its number, or its path in the store"
        return error_answer(404, "not_found", message)
    try:
        at = read_focus(request.query.get("at", ""))
    except ValueError as error:
        raise BadRequest(f"at: {error}") from None
    await store.set_focus(picture, at)
    return json_answer({"picture": picture.id, "focus": at})
