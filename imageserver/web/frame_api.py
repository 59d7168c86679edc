"""The frames' own wire: start, status, result, prompt/add. What is a job inside is an operation here."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
from collections.abc import AsyncGenerator

import aiohttp
from aiohttp import web
from attrs import frozen

from imageserver.delivery import Failed, Never, Pending, Ready
from imageserver.errors import BadRequest
from imageserver.frames import Frame
from imageserver.jobs import JobState, Kind, short
from imageserver.policy import Wish
from imageserver.web.answers import error_answer, json_answer
from imageserver.web.keys import DELIVERY, FRAMES, INTAKE, PROMPTS

_KINDS = {"auto": Kind.AUTO, "old": Kind.OLD, "ydart": Kind.ANY, "provider": Kind.PROVIDER}
_BODY_SECONDS = 10.0
_LONGEST_PROMPT = 10_000  # characters
# Measured with a 63 KB answer on one core: 512-byte pieces 400–700 answers a second, 4 KiB 1,400–2,200, 16 KiB
# 3,200–4,400, 64 KiB 3,900–5,000. A frame sees no difference, and a slow reader holds a quarter of 64 KiB.
DEFAULT_CHUNK = 16 * 1024
_TAIL = b'"}}'
_SMALLEST_CHUNK, _LARGEST_CHUNK = 64, 1024 * 1024

_log = logging.getLogger(__name__)


async def start(request: web.Request) -> web.Response:
    """POST /operation/start: begin, and answer at once."""
    wish = _wish(await _json_object(request))
    receipt = await request.app[INTAKE].take(wish, _frame(request))
    status = "done" if receipt.state is JobState.DONE else "pending"
    return json_answer({"id": receipt.id, "status": status})


async def status(request: web.Request) -> web.Response:
    """GET /operation/status/{id}: where it stands, without the picture."""
    operation = request.match_info["id"]
    outcome = await request.app[DELIVERY].status(operation)
    if outcome is None:
        return json_answer({"id": operation, "status": "done"})
    return _without_picture(operation, outcome)


async def result(request: web.Request) -> web.StreamResponse:
    """GET /operation/result/{id}: the picture, as base64 in JSON, in chunks."""
    operation = request.match_info["id"]
    chunk_size = _chunk_size(request)
    delivery = request.app[DELIVERY]
    outcome = await delivery.result(operation, _frame(request))
    if not isinstance(outcome, Ready):
        return _without_picture(operation, outcome)
    # The frame looks for quotes instead of parsing: id, status, response, and nothing in between.
    head = f'{{"id":"{operation}","status":"done","response":{{"image":"'.encode()
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    if request.version >= aiohttp.HttpVersion11:
        response.enable_chunked_encoding()
    else:  # some proxies speak 1.0 to what is behind them
        response.content_length = len(head) + (outcome.rendition.size + 2) // 3 * 4 + len(_TAIL)
    async with contextlib.aclosing(_pieces(head, outcome, chunk_size)) as pieces:
        try:
            first = await anext(pieces)
        except OSError:  # thrown away at this very moment; it is made anew until the frame comes again
            return _without_picture(operation, Pending())
        try:
            await response.prepare(request)
            await response.write(first)
            async for piece in pieces:
                await response.write(piece)
            await response.write_eof(_TAIL)
        except ConnectionResetError:
            _log.info("frame %s left before operation %s was through", request.remote, short(operation))
            return response
    delivery.taken(operation, outcome)
    return response


async def add_prompt(request: web.Request) -> web.Response:
    """POST /prompt/add: a prompt for the library."""
    body = await _json_object(request)
    reader = _Reader(body, [])
    prompt, negative = reader.text("prompt"), reader.text("negative")
    if "prompt" not in body:
        reader.problems.append("prompt: missing")
    reader.finish()
    await asyncio.to_thread(request.app[PROMPTS].add, prompt or "", negative)
    _log.info("frame %s added a prompt", request.remote)
    return json_answer({"status": "done"}, status=201)


def _frame(request: web.Request) -> Frame:
    return request.app[FRAMES].at(request.remote or "")


async def _pieces(head: bytes, ready: Ready, size: int) -> AsyncGenerator[bytes, None]:
    """The head together with the picture's first piece, then the others."""
    async for piece in ready.rendition.base64_chunks(size):
        yield head + piece
        head = b""
    if head:
        yield head


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
        async with asyncio.timeout(_BODY_SECONDS):  # aiohttp itself would wait for ever
            body = await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout(reason="the body did not arrive in time") from None
    except web.RequestPayloadError as error:
        raise BadRequest(f"the body cannot be read: {str(error)[:80]}") from None
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"the body is no JSON: {str(error)[:80]}") from None
    if not isinstance(parsed, dict):
        raise BadRequest('the body must be a JSON object, like {"type":"auto"}')
    return parsed


@frozen
class _Reader:
    """Reads fields and collects what is wrong with them, so that a client hears everything at once."""

    body: dict[str, object]
    problems: list[str]

    def text(self, name: str) -> str | None:
        value = self.body.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            self.problems.append(f"{name}: must be text")
            return None
        if len(value) > _LONGEST_PROMPT:
            self.problems.append(f"{name}: longer than {_LONGEST_PROMPT} characters")
            return None
        try:
            value.encode()
        except UnicodeEncodeError:
            self.problems.append(f"{name}: half a character (a lone surrogate)")
            return None
        return value.strip() or None

    def finish(self) -> None:
        if self.problems:
            raise BadRequest("; ".join(self.problems))


def _wish(body: dict[str, object]) -> Wish:
    reader = _Reader(body, [])
    name = body.get("type")
    kind = _KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        reader.problems.append(f"type: must be one of {', '.join(_KINDS)}")
    provider = reader.text("provider")
    if kind is Kind.PROVIDER and provider is None and not reader.problems:
        reader.problems.append('provider: missing; {"type":"provider"} needs a provider\'s code')
    prompt, negative = reader.text("prompt"), reader.text("negative")
    reader.finish()
    assert kind is not None
    return Wish(kind=kind, provider=provider if kind is Kind.PROVIDER else None, prompt=prompt, negative=negative)


def _chunk_size(request: web.Request) -> int:
    text = request.query.get("chunk_size")
    if text is None:
        return DEFAULT_CHUNK
    if not re.fullmatch("[0-9]{1,7}", text) or not _SMALLEST_CHUNK <= int(text) <= _LARGEST_CHUNK:
        raise BadRequest(f"chunk_size: must be a whole number from {_SMALLEST_CHUNK} to {_LARGEST_CHUNK}")
    return int(text)
