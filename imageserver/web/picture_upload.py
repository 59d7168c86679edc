"""Pictures that come in over HTTP: several files of a form, or one as the body."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import TypeVar

from aiohttp import BodyPartReader, StreamReader, web
from aiohttp.http import HttpProcessingError
from attrs import asdict

from imageserver.errors import BadRequest
from imageserver.pictures.upload import Brought
from imageserver.web.answers import json_answer
from imageserver.web.keys import PEOPLE

T = TypeVar("T")
MOST_FILES = 100  # of one request
_MOST_BYTES = 1024 * 2**20  # of one request
_SECONDS = 12.0  # that nothing may come for; soon after, the connection would be closed without a word
_BLOCK = 256 * 1024  # bytes
_LONGEST_NAME = 200  # characters


async def upload(request: web.Request) -> web.Response:
    """POST /api/v1/pictures: says for each file what became of it."""
    if (request.content_length or 0) > _MOST_BYTES:
        raise web.HTTPRequestEntityTooLarge(max_size=_MOST_BYTES, actual_size=request.content_length or 0)
    if request.content_type == "multipart/form-data":
        brought = await _of_form(request)
    elif request.content_type.startswith("image/") or request.content_type == "application/octet-stream":
        name = request.query.get("name", "")[:_LONGEST_NAME]
        brought = [await request.app[PEOPLE].uploads.take(name, _blocks(_Budget(_MOST_BYTES), request.content))]
    else:
        raise BadRequest("the body must be a form with files, multipart/form-data, or one picture, image/…")
    return json_answer({"files": [asdict(one) for one in brought]})


async def _of_form(request: web.Request) -> list[Brought]:
    budget = _Budget(_MOST_BYTES)
    brought: list[Brought] = []
    try:
        reader = await request.multipart()
        while (part := await _soon(reader.next())) is not None:
            if not isinstance(part, BodyPartReader):
                raise BadRequest("a form within the form is nothing that can be kept")
            if part.filename is None:  # a field beside the files
                async for _ in _blocks(budget, part):
                    pass
                continue
            if len(brought) == MOST_FILES:
                raise BadRequest(f"more than {MOST_FILES} files in one request; send the others in another")
            blocks = _blocks(budget, part)
            brought.append(await request.app[PEOPLE].uploads.take(part.filename[:_LONGEST_NAME], blocks))
    except (ValueError, web.RequestPayloadError) as error:
        raise BadRequest(f"the form cannot be read: {str(error)[:80]}") from None
    except HttpProcessingError as error:  # the headers of one of its parts
        raise BadRequest(f"the form cannot be read: {error.message[:80]}") from None
    if not brought:
        raise BadRequest("there is no file in the form")
    return brought


class _Budget:
    """How much one request may still bring."""

    def __init__(self, most: int) -> None:
        self._left = self._most = most

    def spend(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise web.HTTPRequestEntityTooLarge(max_size=self._most, actual_size=self._most - self._left)


async def _blocks(budget: _Budget, source: BodyPartReader | StreamReader) -> AsyncIterator[bytes]:
    """What comes, as it comes. Raises web.HTTPException when it is too much, or nothing comes for too long."""
    while True:
        if isinstance(source, BodyPartReader):
            block = await _soon(source.read_chunk(_BLOCK))
        else:
            block = await _soon(source.read(_BLOCK))
        if not block:
            return
        budget.spend(len(block))
        yield bytes(block)


async def _soon(reading: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(_SECONDS):
            return await reading
    except TimeoutError:
        raise web.HTTPRequestTimeout(reason="the files did not arrive in time") from None
