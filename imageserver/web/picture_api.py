"""The pictures, for pages and programs: found, looked at, marked, deleted and brought back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from aiohttp import web

from imageserver.errors import BadRequest
from imageserver.journal import TRASH, Page, Picture
from imageserver.pictures.trash import KEPT
from imageserver.web.answers import error_answer, json_answer
from imageserver.web.bodies import json_fields
from imageserver.web.keys import PEOPLE, STORE
from imageserver.web.picture_lines import as_label, as_line

MOST = 200  # pictures of one page
_USUAL = 50
_LONGEST_WORDS = 200  # characters
_YES_NO = {"true": True, "false": False}
_TYPES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}
_GONE = "there is no such picture"


async def pictures(request: web.Request) -> web.Response:
    """GET /api/v1/pictures: newest first; `after` of the answer leads on."""
    page = await found(request, most=MOST, usual=_USUAL)
    return json_answer({"pictures": [as_line(picture) for picture in page.pictures], "after": page.after})


async def found(request: web.Request, *, most: int, usual: int) -> Page:
    """What a request's parameters ask for. Raises BadRequest with all that is wrong."""
    query, problems = request.query, []
    asked: dict[str, object] = {"words": query.get("q", ""), "provider": query.get("provider")}
    if len(query.get("q", "")) > _LONGEST_WORDS:
        problems.append(f"q: longer than {_LONGEST_WORDS} characters")
    for name, is_called in (("favourite", "favourite"), ("hidden", "hidden"), ("deleted", "is_deleted")):
        if query.get(name, "") == "":
            continue
        if query[name] not in _YES_NO:
            problems.append(f"{name}: must be true or false")
        else:
            asked[is_called] = _YES_NO[query[name]]
    after, count = _number(query, "after", None, 2**62, problems), _number(query, "count", usual, most, problems)
    if problems:
        raise BadRequest("; ".join(problems))
    return await request.app[PEOPLE].album.page(after=after, count=count or usual, **asked)


async def picture(request: web.Request) -> web.Response:
    """GET /api/v1/pictures/{id}: the whole label."""
    one = await _asked_for(request)
    return json_answer(await as_label(request, one))


async def thumbnail(request: web.Request) -> web.Response:
    """GET /api/v1/pictures/{id}/thumbnail.jpg."""
    one = await _asked_for(request)
    album = request.app[PEOPLE].album
    tag = album.thumbnail_tag(one)
    # An address with the tag in it never shows anything else, so a browser need not ask again.
    lasting = "private, max-age=31536000, immutable" if request.query.get("v") == tag else "private, no-cache"
    headers = {"ETag": f'"{tag}"', "Cache-Control": lasting}
    if any(known.value in (tag, "*") for known in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    jpeg = await album.thumbnail(one)
    if jpeg is None:
        return error_answer(404, "not_found", "this picture cannot be shown")
    return web.Response(body=jpeg, content_type="image/jpeg", headers=headers)


async def original(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/pictures/{id}/original: the file itself, to be kept."""
    one = await _asked_for(request)
    album = request.app[PEOPLE].album
    path = album.path_of(one)
    if not await album.may_be_sent(one):
        return error_answer(404, "not_found", "the file of this picture is not there")
    headers = {
        "Content-Type": _TYPES.get(path.suffix.lower(), "application/octet-stream"),
        "Content-Disposition": _disposition(path.name),
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, no-cache",
    }
    return web.FileResponse(path, headers=headers)


async def change(request: web.Request) -> web.Response:
    """PATCH /api/v1/pictures/{id} {"favourite": …, "hidden": …, "focus": [x, y]}: what is not named stays as it is."""
    one = await _asked_for(request)
    body = (await json_fields(request)).body
    problems = [f"{name}: no field of ours" for name in body if name not in ("favourite", "hidden", "focus")]
    marks: dict[str, bool | None] = {}
    for name in ("favourite", "hidden"):
        value = body.get(name)
        if name in body and not isinstance(value, bool):
            problems.append(f"{name}: must be true or false")
        marks[name] = value if isinstance(value, bool) else None
    focus = _focus(body.get("focus"), problems)
    if problems:
        raise BadRequest("; ".join(problems))
    if one.root == TRASH:
        return error_answer(409, "deleted", "this picture is in the trash; bring it back first")
    album = request.app[PEOPLE].album
    if any(mark is not None for mark in marks.values()):
        one = await album.mark(one, favourite=marks["favourite"], hidden=marks["hidden"])
    if "focus" in body:
        await request.app[STORE].set_focus(one, focus)
    changed = await album.get(one.id)
    return json_answer(await as_label(request, changed or one))


async def delete(request: web.Request) -> web.Response:
    """DELETE /api/v1/pictures/{id}: into the trash; a picture of the owner's own folders is hidden instead."""
    one = await _asked_for(request)
    if one.root == TRASH:
        return _deleted(one)
    done = await request.app[PEOPLE].album.delete(one)
    if done.is_hidden_only:
        message = "it lies in a folder of yours, where nothing is deleted; it is hidden instead"
        return json_answer({"picture": one.id, "outcome": "hidden", "kept_until": None, "message": message})
    return _deleted(done.picture)


async def restore(request: web.Request) -> web.Response:
    """POST /api/v1/pictures/{id}/restore: what DELETE did is undone."""
    back = await request.app[PEOPLE].album.undelete(await _asked_for(request))
    return json_answer(await as_label(request, back))


async def _asked_for(request: web.Request) -> Picture:
    """The picture that the address names. Raises web.HTTPNotFound."""
    text = request.match_info["id"]
    if not re.fullmatch("[0-9]{1,18}", text):
        raise web.HTTPNotFound(reason=_GONE)
    one = await request.app[PEOPLE].album.get(int(text))
    if one is None:
        raise web.HTTPNotFound(reason=_GONE)
    return one


def _deleted(one: Picture) -> web.Response:
    until = None if one.deleted is None else one.deleted + KEPT
    return json_answer({"picture": one.id, "outcome": "deleted", "kept_until": until, "message": ""})


def _focus(value: object, problems: list[str]) -> tuple[float, float] | None:
    if value is None:
        return None
    numbers = [one for one in value if isinstance(one, int | float)] if isinstance(value, list) else []
    shares = [float(one) for one in numbers if not isinstance(one, bool) and 0 <= one <= 1]
    if isinstance(value, list) and len(shares) == len(value) == 2:
        return shares[0], shares[1]
    problems.append("focus: must be two shares from 0 to 1, of width and height, or null")
    return None


def _number(query: Mapping[str, str], name: str, usual: int | None, most: int, problems: list[str]) -> int | None:
    text = query.get(name, "")
    if text == "":
        return usual
    if re.fullmatch("[0-9]{1,19}", text) and 1 <= int(text) <= most:
        return int(text)
    problems.append(f"{name}: must be a whole number from 1 to {most}")
    return usual


def _disposition(name: str) -> str:
    """A name to save a file under; RFC 6266 with a plain one for who does not know better."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
