"""Asking for a picture from a page or a program, and watching how it is made."""

from __future__ import annotations

import asyncio
import json

from aiohttp import web

from imageserver.errors import BadRequest
from imageserver.jobs import Job, Kind
from imageserver.policy import Wish
from imageserver.web.answers import error_answer, json_answer
from imageserver.web.bodies import json_fields
from imageserver.web.frame_list import is_known_frame
from imageserver.web.keys import CLOCK, JOURNAL, OPEN_JOBS, STEERING, STORE

_PULSE = 15.0  # seconds after which a silent watcher hears that the server is still there; proxies like to hear it


async def begin(request: web.Request) -> web.Response:
    """POST /api/v1/jobs {"prompt", "negative", "provider", "frame", "like"}: ask for a picture, all of it optional.

    `like` is the number of a picture: its prompt and its provider once more, with another seed.
    """
    app, fields = request.app, await json_fields(request)
    prompt, negative, provider = fields.text("prompt"), fields.text("negative"), fields.text("provider")
    key = fields.text("frame")
    like = fields.whole("like") if fields.body.get("like") is not None else None
    fields.finish()
    if like is not None:
        picture = await app[STORE].picture(like)
        if picture is None or not picture.prompt:
            return error_answer(404, "not_found", f"there is no picture {like} that was made from a prompt")
        prompt, negative = prompt or picture.prompt, negative or picture.negative
        provider = provider or picture.provider
    if key is not None and not is_known_frame(app, key):
        raise BadRequest(f"frame: none is called {key[:80]}, and none was seen there")
    kind = Kind.ANY if provider is None else Kind.PROVIDER
    wish = Wish(kind=kind, provider=provider, prompt=prompt, negative=negative)
    receipt = await app[STEERING].ask(wish, key)
    return json_answer({"id": receipt.id, "state": str(receipt.state), "why": receipt.why}, status=201)


async def events(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/jobs/{id}/events: server-sent events, one for each change; the stream ends with the job."""
    app, job_id = request.app, request.match_info["id"]
    if await app[JOURNAL].jobs.get(job_id) is None:
        return error_answer(404, "not_found", "there is no such job")
    news = app[OPEN_JOBS].news
    with news.watching(job_id) as changed:
        answer = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )
        await answer.prepare(request)
        told = b""
        while True:
            changed.clear()  # before the journal is read: what changes meanwhile is read next
            job = await app[JOURNAL].jobs.get(job_id)
            if job is None:
                break
            said = _as_event(job)
            if said != told:
                told = said
                await answer.write(b"data: " + said[:-1] + b', "seconds": ' + _age(app, job) + b"}\n\n")
            if job.is_finished or news.is_closed:
                break
            if not await _within(changed, _PULSE):
                await answer.write(b": still there\n\n")
        await answer.write_eof()
    return answer


def _as_event(job: Job) -> bytes:
    return json.dumps(
        {
            "state": job.state,
            "provider": job.provider,
            "picture": job.picture,
            "why": job.why,
            "error": job.error,
            "message": job.message,
        }
    ).encode()


def _age(app: web.Application, job: Job) -> bytes:
    """Whole seconds since the wish."""
    return str(max(0, round(app[CLOCK].now() - job.created))).encode()


async def _within(changed: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await changed.wait()
    except TimeoutError:
        return False
    return True
