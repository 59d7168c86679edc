"""The shapes of our JSON. Frames keep only a few hundred bytes of it: short, and ASCII."""

from __future__ import annotations

import json
from collections.abc import Mapping

from aiohttp import web

_LONGEST_MESSAGE = 300  # characters


def json_answer(body: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """An answer with this JSON in it; what is not ASCII is escaped."""
    return web.Response(
        body=json.dumps(body).encode("ascii"), status=status, content_type="application/json", headers=headers
    )


def error_answer(status: int, code: str, message: str, *, headers: Mapping[str, str] | None = None) -> web.Response:
    """The one shape of every error. A frame needs a body: without one it hears no answer at all."""
    short = message if len(message) <= _LONGEST_MESSAGE else f"{message[: _LONGEST_MESSAGE - 3]}..."
    return json_answer({"error": {"code": code, "message": short}}, status=status, headers=headers)
