"""What the command line asks a running server. Only who can read the data folder knows the token."""

from __future__ import annotations

import hmac
import re

import attrs
from aiohttp import web

from imageserver.errors import ConfigError
from imageserver.web.answers import error_answer, json_answer
from imageserver.web.keys import JOURNAL, OVERVIEW, RELOADER, ROTATION, TOKEN
from imageserver.web.middlewares import Handler

_MOST_JOBS = 1000


def only_owner(handler: Handler) -> Handler:
    """Let a request through only with the token from the data folder."""

    async def checked(request: web.Request) -> web.StreamResponse:
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(errors="surrogateescape"), f"Bearer {request.app[TOKEN]}".encode()):
            return error_answer(401, "unauthorized", "this needs the token that lies in the data folder")
        return await handler(request)

    return checked


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
