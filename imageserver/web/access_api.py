"""Passwords and tokens, for the command line. What is secret comes in a body and goes out once."""

from __future__ import annotations

import json

from aiohttp import web

from imageserver.access.password import PasswordUnfit
from imageserver.access.room import PasswordRefused
from imageserver.access.tokens import TokenRefused
from imageserver.errors import BadRequest
from imageserver.web.answers import error_answer, json_answer
from imageserver.web.bodies import whole_body
from imageserver.web.keys import ACCESS


async def set_password(request: web.Request) -> web.Response:
    """POST /api/v1/password {"password": …}: for the command line, which needs not know the old one."""
    password = (await _object(request)).get("password")
    if not isinstance(password, str):
        raise BadRequest("password: must be text")
    try:
        await request.app[ACCESS].set_password(password)
    except PasswordUnfit as error:
        return error_answer(400, error.reason, str(error))
    except PasswordRefused as error:
        return error_answer(409, error.reason, str(error))
    return json_answer({"status": "done"})


async def tokens(request: web.Request) -> web.Response:
    """GET /api/v1/tokens: their names and scopes, and when each was used."""
    return json_answer(
        {
            "tokens": [
                {"name": one.name, "scopes": one.scopes, "created": one.created, "last_used": one.last_used}
                for one in request.app[ACCESS].tokens.all()
            ]
        }
    )


async def add_token(request: web.Request) -> web.Response:
    """POST /api/v1/tokens {"name": …, "scopes": […]}: a new one, told this once."""
    body = await _object(request)
    name, scopes = body.get("name"), body.get("scopes")
    if not isinstance(name, str) or not isinstance(scopes, list) or not all(isinstance(one, str) for one in scopes):
        raise BadRequest("name: must be text; scopes: must be a list of texts")
    try:
        secret = await request.app[ACCESS].tokens.add(name, scopes)
    except TokenRefused as error:
        return error_answer(400, error.reason, str(error))
    return json_answer({"name": name, "token": secret}, status=201, headers={"Cache-Control": "no-store"})


async def remove_token(request: web.Request) -> web.Response:
    """DELETE /api/v1/tokens/{name}."""
    try:
        await request.app[ACCESS].tokens.remove(request.match_info["name"])
    except TokenRefused as error:
        return error_answer(404, "not_found", str(error))
    return json_answer({"status": "done"})


async def _object(request: web.Request) -> dict[str, object]:
    """The body; what is wrong with it is told without a word of it, for it may hold a password."""
    try:
        parsed = json.loads(await whole_body(request))
    except (ValueError, RecursionError):
        raise BadRequest("the body is no JSON") from None
    if not isinstance(parsed, dict):
        raise BadRequest("the body must be a JSON object")
    return parsed
