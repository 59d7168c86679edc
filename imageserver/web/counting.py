"""Counts every request by its route and the class of its status."""

from __future__ import annotations

from aiohttp import web

from imageserver.counters import Counters
from imageserver.web.middlewares import Handler

COUNTERS = web.AppKey("counters", Counters)

_UNKNOWN = "other"  # no route of ours: names that clients make up are no labels
_NO_STATUS = "none"  # the client left before it was answered


@web.middleware
async def counted(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count a request when it is through, whatever became of it. The outermost of all: it sees the final status."""
    status = _NO_STATUS
    try:
        response = await handler(request)
        status = f"{response.status // 100}xx"
    except web.HTTPException as error:
        status = f"{error.status // 100}xx"
        raise
    finally:
        request.app[COUNTERS].request(_template(request), status)
    return response


def _template(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return _UNKNOWN if resource is None else f"{request.method} {resource.canonical}"
