"""The prompt library for pages and programs. The file is read and written in threads."""

from __future__ import annotations

import asyncio
import re

from aiohttp import web

from imageserver.errors import BadRequest, PromptRefused
from imageserver.prompts import Edit, Standing
from imageserver.web.answers import error_answer, json_answer
from imageserver.web.bodies import Fields, json_fields
from imageserver.web.keys import DICE, PROMPTS

_DRAWS = 10
_STATUS = {"changed": 409, "broken_library": 409, "not_found": 404}


async def prompts(request: web.Request) -> web.Response:
    """GET /api/v1/prompts: those in use, oldest first, and what is wrong with the file."""
    return _told(await asyncio.to_thread(request.app[PROMPTS].standing))


async def add(request: web.Request) -> web.Response:
    """POST /api/v1/prompts {"prompt", "negative"}: one more; above `prompts_amount` the oldest goes."""
    fields = await json_fields(request)
    prompt, negative = fields.text("prompt"), fields.text("negative")
    fields.finish()
    library = request.app[PROMPTS]
    try:
        await asyncio.to_thread(library.add, prompt or "", negative)
    except PromptRefused as error:
        return _refused(error)
    return _told(await asyncio.to_thread(library.standing), status=201)


async def change(request: web.Request) -> web.Response:
    """PATCH /api/v1/prompts/{idx} {"version", "prompt", "negative", "to"}: other words, another place."""
    fields = await json_fields(request)
    version, prompt, negative = fields.text("version"), fields.text("prompt"), fields.text("negative")
    to = fields.whole("to") if fields.body.get("to") is not None else None
    if to is not None and to < 1:
        fields.problems.append("to: must be a whole number from 1")
    if version is None:
        fields.problems.append("version: missing; GET /api/v1/prompts gives it")
    if prompt is None and to is None:
        fields.problems.append("prompt, to: one of them is needed")
    fields.finish()
    return await _edit(request, version or "", Edit(idx=_idx(request), text=prompt, negative=negative, to=to))


async def remove(request: web.Request) -> web.Response:
    """DELETE /api/v1/prompts/{idx}?version=."""
    return await _edit(request, request.query.get("version", ""), Edit(idx=_idx(request), to=0))


async def try_out(request: web.Request) -> web.Response:
    """POST /api/v1/prompts/try {"prompt", "negative"}: what ten draws of a template become. Writes nothing."""
    fields = await json_fields(request)
    prompt, negative = _needed(fields), fields.text("negative")
    fields.finish()
    library, rng = request.app[PROMPTS], request.app[DICE]

    def draw() -> dict[str, object]:
        problems = [*library.missing(prompt), *(library.missing(negative) if negative else ())]
        drawn = [] if problems else [library.expand(prompt, rng, negative) for _ in range(_DRAWS)]
        texts = [{"prompt": one.text, "negative": one.negative} for one in drawn]
        return {"draws": texts, "problems": problems}

    return json_answer(await asyncio.to_thread(draw))


async def _edit(request: web.Request, version: str, edit: Edit) -> web.Response:
    try:
        return _told(await asyncio.to_thread(request.app[PROMPTS].edit, version, edit))
    except PromptRefused as error:
        return _refused(error)


def _idx(request: web.Request) -> int:
    text = request.match_info["idx"]
    if not re.fullmatch("[0-9]{1,9}", text):
        raise BadRequest("the number of a prompt is a whole number from 1")
    return int(text)


def _needed(fields: Fields) -> str:
    prompt = fields.text("prompt")
    if prompt is None and not fields.problems:
        fields.problems.append("prompt: missing")
    return prompt or ""


def _told(standing: Standing, status: int = 200) -> web.Response:
    body = {
        "file": standing.file,
        "version": standing.version,
        "prompts": [
            {"idx": one.idx, "prompt": one.text, "negative": one.negative, "translations": dict(one.translations)}
            for one in standing.prompts
        ],
        "problems": [str(problem) for problem in standing.problems],
    }
    return json_answer(body, status=status)


def _refused(error: PromptRefused) -> web.Response:
    return error_answer(_STATUS.get(error.refusal, 400), error.refusal, str(error))
