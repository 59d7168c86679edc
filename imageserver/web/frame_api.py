"""The frames' own wire: start, status, result, prompt/add. What is a job inside is an operation here."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re

from aiohttp import web

from imageserver.delivery import Failed, Never, Pending, Ready
from imageserver.errors import BadRequest
from imageserver.jobs import JobState, Kind
from imageserver.policy import Wish
from imageserver.web.answers import error_answer, json_answer
from imageserver.web.asking import asking
from imageserver.web.bodies import Fields, whole_body
from imageserver.web.chunked import ChunkedAnswer
from imageserver.web.handover import handing_over
from imageserver.web.keys import DELIVERY, INTAKE, PROMPTS, SIGHTINGS

_KINDS = {"auto": Kind.AUTO, "old": Kind.OLD, "ydart": Kind.ANY, "provider": Kind.PROVIDER, "test": Kind.TEST}
# Measured with a 63 KB answer on one core: 512-byte pieces 400–700 answers a second, 4 KiB 1,400–2,200, 16 KiB
# 3,200–4,400, 64 KiB 3,900–5,000. A frame sees no difference, and a slow reader holds a quarter of 64 KiB.
DEFAULT_CHUNK = 16 * 1024
_TAIL = b'"}}'
_SMALLEST_CHUNK, _LARGEST_CHUNK = 64, 1024 * 1024

_log = logging.getLogger(__name__)


async def start(request: web.Request) -> web.Response:
    """POST /operation/start: begin, and answer at once."""
    wish = _wish(await _json_object(request))
    frame, sightings = asking(request), request.app[SIGHTINGS]
    sightings.visited(frame.key)
    receipt = await request.app[INTAKE].take(wish, frame)
    sightings.began(frame.key, receipt.id)
    status = "done" if receipt.state is JobState.DONE else "pending"
    return json_answer({"id": receipt.id, "status": status})


async def status(request: web.Request) -> web.Response:
    """GET /operation/status/{id}: where it stands, without the picture."""
    operation = request.match_info["id"]
    asking(request)
    outcome = await request.app[DELIVERY].status(operation)
    if outcome is None:
        return json_answer({"id": operation, "status": "done"})
    return _without_picture(operation, outcome)


async def result(request: web.Request) -> web.StreamResponse:
    """GET /operation/result/{id}: the picture, as base64 in JSON, in chunks."""
    operation = request.match_info["id"]
    chunk_size = _chunk_size(request)
    delivery, sightings, frame = request.app[DELIVERY], request.app[SIGHTINGS], asking(request)
    sightings.asked_for(frame.key, operation)
    outcome = await delivery.result(operation, frame)
    if not isinstance(outcome, Ready):
        return _without_picture(operation, outcome)
    # The frame looks for quotes instead of parsing: id, status, response, and nothing in between.
    head = f'{{"id":"{operation}","status":"done","response":{{"image":"'.encode()
    length = len(head) + outcome.rendition.base64_size + len(_TAIL)
    answer = ChunkedAnswer(request, "application/json", length)
    at_hand = outcome.rendition.base64_at_hand(chunk_size)
    if at_hand is not None:
        with handing_over(request, frame, operation, outcome):
            await answer.prepare(request)
            await answer.send([head + at_hand[0], *at_hand[1:], _TAIL], is_last=True)
        return answer
    blocks = outcome.rendition.base64_blocks(chunk_size)
    try:
        block = await anext(blocks)
    except OSError:  # thrown away at this very moment; it is made anew until the frame comes again
        return _without_picture(operation, Pending())
    block = [head + block[0], *block[1:]]
    # The file is closed first: a stop that comes as soon as the picture is counted must not leave it open.
    with handing_over(request, frame, operation, outcome):
        async with contextlib.aclosing(blocks):
            await answer.prepare(request)
            async for following in blocks:
                await answer.send(block)
                block = following
            await answer.send([*block, _TAIL], is_last=True)
    return answer


async def add_prompt(request: web.Request) -> web.Response:
    """POST /prompt/add: a prompt for the library."""
    body = await _json_object(request)
    fields = Fields(body)
    prompt, negative = fields.text("prompt"), fields.text("negative")
    if "prompt" not in body:
        fields.problems.append("prompt: missing")
    fields.finish()
    frame = asking(request)
    await asyncio.to_thread(request.app[PROMPTS].add, prompt or "", negative)
    _log.info("frame %s added a prompt", frame.key)
    return json_answer({"status": "done"}, status=201)


def _without_picture(operation: str, outcome: Never | Pending | Failed | Ready) -> web.Response:
    match outcome:
        case Never():
            return error_answer(404, "not_found", "no operation was ever given this id")
        case Failed(reason=reason, message=message):
            # 200: with any other status a frame asks for this id again every 30 s for ever
            return json_answer({"id": operation, "status": "error", "error": {"code": reason, "message": message}})
        case _:
            return json_answer({"id": operation, "status": "pending"})


async def _json_object(request: web.Request) -> dict[str, object]:
    try:
        parsed = json.loads(await whole_body(request))
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"the body is no JSON: {str(error)[:80]}") from None
    if not isinstance(parsed, dict):
        raise BadRequest('the body must be a JSON object, like {"type":"auto"}')
    return parsed


def _wish(body: dict[str, object]) -> Wish:
    fields = Fields(body)
    name = body.get("type")
    kind = _KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        fields.problems.append(f"type: must be one of {', '.join(_KINDS)}")
    provider = fields.text("provider")
    if kind is Kind.PROVIDER and provider is None and not fields.problems:
        fields.problems.append('provider: missing; {"type":"provider"} needs a provider\'s code')
    prompt, negative = fields.text("prompt"), fields.text("negative")
    fields.finish()
    assert kind is not None
    return Wish(kind=kind, provider=provider if kind is Kind.PROVIDER else None, prompt=prompt, negative=negative)


def _chunk_size(request: web.Request) -> int:
    text = request.query.get("chunk_size")
    if text is None:
        return DEFAULT_CHUNK
    if not re.fullmatch("[0-9]{1,7}", text) or not _SMALLEST_CHUNK <= int(text) <= _LARGEST_CHUNK:
        raise BadRequest(f"chunk_size: must be a whole number from {_SMALLEST_CHUNK} to {_LARGEST_CHUNK}")
    return int(text)
