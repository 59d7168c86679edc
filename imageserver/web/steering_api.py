"""What a frame shows next, and whether it sleeps, as its owner wants it."""

from __future__ import annotations

from aiohttp import web

from imageserver.web.answers import error_answer, json_answer
from imageserver.web.bodies import json_fields
from imageserver.web.frame_list import is_known_frame
from imageserver.web.keys import CHOICES, NAPS, STEERING, STORE


async def hang_next(request: web.Request) -> web.Response:
    """POST /api/v1/frames/{name}/next {"picture": 12}: the frame's next `auto` brings this picture.

    Without a picture it is the stored one whose turn comes after what would come now.
    """
    app, key = request.app, request.match_info["name"]
    if not is_known_frame(app, key):
        return _unknown(key)
    fields = await json_fields(request)
    number = fields.whole("picture") if fields.body.get("picture") is not None else None
    fields.finish()
    picture = number if number is not None else await app[STEERING].another(key)
    if picture is None:
        return error_answer(404, "not_found", "nothing is stored")
    if await app[STORE].picture(picture) is None:
        return error_answer(404, "not_found", f"no picture {picture} can be shown: it is hidden, deleted, or never was")
    await app[CHOICES].choose(key, picture)
    return json_answer({"frame": key, "picture": picture})


async def sleep(request: web.Request) -> web.Response:
    """PUT /api/v1/frames/{name}/sleep: from its next visit on the frame is dark, until it is woken."""
    app, key = request.app, request.match_info["name"]
    if not is_known_frame(app, key):
        return _unknown(key)
    await app[NAPS].send(key)
    return json_answer({"frame": key, "asleep": True})


async def wake(request: web.Request) -> web.Response:
    """DELETE /api/v1/frames/{name}/sleep: wake it. Its sleep windows hold beside it."""
    app, key = request.app, request.match_info["name"]
    if not is_known_frame(app, key) and not app[NAPS].has(key):
        return _unknown(key)
    app[NAPS].wake(key)
    return json_answer({"frame": key, "asleep": False})


def _unknown(key: str) -> web.Response:
    return error_answer(404, "not_found", f"no frame is called {key[:80]}, and none was seen there")
