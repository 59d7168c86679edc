"""What a frame shows next, as its owner wants it."""

from __future__ import annotations

from aiohttp import web

from imageserver.web.answers import error_answer, json_answer
from imageserver.web.bodies import json_fields
from imageserver.web.frame_list import is_known_frame
from imageserver.web.keys import CHOICES, STEERING, STORE


async def hang_next(request: web.Request) -> web.Response:
    """POST /api/v1/frames/{name}/next {"picture": 12}: the frame's next `auto` brings this picture.

    Without a picture it is the stored one whose turn comes after what would come now.
    """
    app, key = request.app, request.match_info["name"]
    if not is_known_frame(app, key):
        return error_answer(404, "not_found", f"no frame is called {key[:80]}, and none was seen there")
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
