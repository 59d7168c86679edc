"""What URL-only frames show and what pages show of frames: /frame.jpg, /current.jpg."""

from __future__ import annotations

import asyncio
import hashlib
import re

from aiohttp import web

from imageserver.frames import Frame
from imageserver.panel.profiles import profile_called
from imageserver.pictures.rendition import Rendition
from imageserver.web.answers import error_answer
from imageserver.web.asking import who
from imageserver.web.handover import being_read
from imageserver.web.keys import DELIVERY, FRAMES, SCREENS, SIGHTINGS
from imageserver.web.middlewares import is_foreign

_PIECE = 16 * 1024  # bytes


async def frame_jpg(request: web.Request) -> web.StreamResponse:
    """GET /frame.jpg: for frames that only fetch a URL. HEAD never asks for anything new."""
    return await _screen(request, who(request))


async def named_frame_jpg(request: web.Request) -> web.StreamResponse:
    """GET /frame/{name}.jpg: the same for a frame with a name, from wherever it is fetched."""
    name = request.match_info["name"]
    frame = request.app[FRAMES].named(name)
    if frame is None:
        known = ", ".join(one.key for one in request.app[FRAMES].all_named()) or "none"
        return error_answer(
            404, "not_found", f"no frame is called {name[:40]}; `frames:` of options.yml names: {known}"
        )
    return await _screen(request, frame)


async def _screen(request: web.Request, frame: Frame) -> web.StreamResponse:
    """What hangs on a frame now; with `?test` in the address its test card."""
    if "test" in request.query:
        return await _jpeg(request, (await request.app[DELIVERY].card(frame, "test")).rendition)
    # A page of another site may show the picture, but not make us ask for new ones by it.
    may_ask = request.method == "GET" and not is_foreign(request)
    if may_ask:
        sightings = request.app[SIGHTINGS]
        sightings.saw(frame.key, request.remote or "")
        sightings.visited(frame.key)
    ready = await request.app[SCREENS].look(frame, may_ask=may_ask)
    answer = await _jpeg(request, ready.rendition)
    if may_ask and answer.status == 200:
        return await _written(request, frame, answer)
    return answer


async def _written(request: web.Request, frame: Frame, whole: web.Response) -> web.StreamResponse:
    """The same answer in pieces, so that it is seen whether the frame reads it to its end."""
    jpeg = whole.body
    assert isinstance(jpeg, bytes)
    answer = web.StreamResponse(
        headers={name: whole.headers[name] for name in ("ETag", "Cache-Control", "Content-Type")}
    )
    answer.content_length = len(jpeg)
    with being_read(request, frame, "its picture"):
        await answer.prepare(request)
        for start in range(0, len(jpeg), _PIECE):
            await answer.write(jpeg[start : start + _PIECE])
        await answer.write_eof()
    return answer


async def current_jpg(request: web.Request) -> web.Response:
    """GET /current.jpg: what any frame took last.

    With `?frame=` what that one took; with `picture=` how it would show this picture; with `test` its test card.
    """
    rendition = await _current(request)
    return _nothing_taken() if rendition is None else await _jpeg(request, rendition)


async def current_png(request: web.Request) -> web.Response:
    """GET /current.png: the same as the panel shows it, drawn by the model of its decoder."""
    rendition = await _current(request)
    if rendition is None:
        return _nothing_taken()
    if not profile_called(_looked_at(request).target.panel).is_coarse:
        return await _jpeg(request, rendition)
    headers = _caching(rendition, "panel")
    if _is_known(request, headers):
        return web.Response(status=304, headers=headers)
    png = await asyncio.to_thread(_as_panel_shows, await rendition.jpeg())
    return web.Response(body=png, content_type="image/png", headers=headers)


def _looked_at(request: web.Request) -> Frame:
    """The frame whose picture is looked at: the one that the address names, else whoever asks."""
    key = request.query.get("frame")
    return who(request) if key is None else request.app[FRAMES].called(key)


async def _current(request: web.Request) -> Rendition | None:
    delivery, frame = request.app[DELIVERY], _looked_at(request)
    if "test" in request.query:
        return (await delivery.card(frame, "test")).rendition
    number = request.query.get("picture")
    if number is not None:
        return await delivery.picture(int(number), frame) if re.fullmatch("[0-9]{1,18}", number) else None
    if "frame" in request.query:
        still = await delivery.still(frame)
        return None if still is None else still.rendition
    return None if delivery.shown is None else await delivery.picture(delivery.shown[0], frame)


def _nothing_taken() -> web.Response:
    return error_answer(404, "not_found", "there is no such picture, or no frame has taken one yet")


def _as_panel_shows(jpeg: bytes) -> bytes:
    from imageserver.panel.proof import drawn_png  # brings NumPy with it

    return drawn_png(jpeg)


async def _jpeg(request: web.Request, rendition: Rendition) -> web.Response:
    headers = _caching(rendition)
    if _is_known(request, headers):
        return web.Response(status=304, headers=headers)
    return web.Response(body=await rendition.jpeg(), content_type="image/jpeg", headers=headers)


def _caching(rendition: Rendition, form: str = "") -> dict[str, str]:
    etag = hashlib.sha256(f"{rendition.key}{form}".encode()).hexdigest()[:24]
    return {"ETag": f'"{etag}"', "Cache-Control": "no-cache"}


def _is_known(request: web.Request, headers: dict[str, str]) -> bool:
    return any(known.value in (headers["ETag"].strip('"'), "*") for known in request.if_none_match or ())
