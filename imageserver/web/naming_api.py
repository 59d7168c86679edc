"""Frames get names, others, and values of their own; written into the owner's options, and it counts at once."""

from __future__ import annotations

from aiohttp import web

from imageserver.config.changes import Wanted
from imageserver.web.answers import error_answer
from imageserver.web.bodies import Fields, json_fields
from imageserver.web.keys import FRAMES
from imageserver.web.settings_api import changed, needed_version

_OTHERS = ("name", "version", "frame")  # the fields that are no keys under `frames`


async def add(request: web.Request) -> web.Response:
    """POST /api/v1/frames {"name", "frame"}: a frame that was seen has a name from now on.

    `frame` is what GET /frames calls it: the address that it asks from. Any key of `frames` may stand beside it.
    """
    fields = await json_fields(request)
    name, seen = fields.text("name"), fields.text("frame")
    if name is None and not fields.problems:
        fields.problems.append("name: missing")
    fields.finish()
    values = _values(fields)
    if seen is not None:  # an unmodified frame's mark stands behind its address
        values.setdefault("address", seen.partition("#")[0])
    wanted = Wanted(version=fields.text("version"), new_frames={name or "": values})
    return await changed(request, wanted, status=201, frame=name)


async def change(request: web.Request) -> web.Response:
    """PATCH /api/v1/frames/{name} {"version", "name", …}: another name, other values; `null` takes one away."""
    old = request.match_info["name"]
    if request.app[FRAMES].named(old) is None:
        return _not_there(old)
    fields = await json_fields(request)
    version, new, values = needed_version(fields), fields.text("name"), _values(fields)
    if new is None and not values and not fields.problems:
        fields.problems.append("nothing is to be changed")
    fields.finish()
    wanted = Wanted(version=version, frames={old: values}, new_names={} if new is None else {old: new})
    return await changed(request, wanted, frame=new or old)


async def remove(request: web.Request) -> web.Response:
    """DELETE /api/v1/frames/{name}?version=: it has no name any more, and is known by its address."""
    name = request.match_info["name"]
    if request.app[FRAMES].named(name) is None:
        return _not_there(name)
    wanted = Wanted(version=request.query.get("version", ""), frames={name: None})
    return await changed(request, wanted, frame=name)


def _values(fields: Fields) -> dict[str, object]:
    return {key: value for key, value in fields.body.items() if key not in _OTHERS}


def _not_there(name: str) -> web.Response:
    return error_answer(404, "not_found", f"no frame is called {name[:80]}")
