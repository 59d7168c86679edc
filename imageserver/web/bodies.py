"""Request bodies: read whole, and field by field."""

from __future__ import annotations

import asyncio
import json

from aiohttp import web
from attrs import field, frozen

from imageserver.errors import BadRequest

_SECONDS = 10.0
_LONGEST_TEXT = 10_000  # characters


async def whole_body(request: web.Request) -> bytes:
    """The body, which the application has bounded in size. Raises BadRequest and web.HTTPException."""
    try:
        if request.content.is_eof():  # mostly it came together with its headers, and there is nothing to wait for
            return await request.read()
        async with asyncio.timeout(_SECONDS):  # aiohttp itself would wait for ever
            return await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout(reason="the body did not arrive in time") from None
    except web.RequestPayloadError as error:
        raise BadRequest(f"the body cannot be read: {str(error)[:80]}") from None


async def json_fields(request: web.Request) -> Fields:
    """The fields of a body that is a JSON object, or nothing at all. Raises BadRequest.

    What is wrong with it is told without a word of it, for it may hold what nobody else should read.
    """
    body = await whole_body(request)
    try:
        parsed = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError):
        raise BadRequest("the body is no JSON") from None
    if not isinstance(parsed, dict):
        raise BadRequest("the body must be a JSON object")
    return Fields(parsed)


@frozen
class Fields:
    """Reads fields and collects what is wrong with them, so that a client hears everything at once."""

    body: dict[str, object]
    problems: list[str] = field(factory=list)

    def text(self, name: str) -> str | None:
        """Text without white space around it; None where there is none."""
        value = self.body.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            self.problems.append(f"{name}: must be text")
            return None
        if len(value) > _LONGEST_TEXT:
            self.problems.append(f"{name}: longer than {_LONGEST_TEXT} characters")
            return None
        try:
            value.encode()
        except UnicodeEncodeError:
            self.problems.append(f"{name}: half a character (a lone surrogate)")
            return None
        return value.strip() or None

    def whole(self, name: str) -> int:
        """A whole number; 0 where it is none."""
        value = self.body.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        self.problems.append(f"{name}: must be a whole number")
        return 0

    def inside(self, name: str) -> Fields:
        """The fields of an object; they share the list of problems."""
        value = self.body.get(name)
        if isinstance(value, dict):
            return Fields(value, self.problems)
        self.problems.append(f"{name}: must be an object")
        return Fields({}, self.problems)

    def finish(self) -> None:
        """Raises BadRequest with all that was wrong."""
        if self.problems:
            raise BadRequest("; ".join(self.problems))
