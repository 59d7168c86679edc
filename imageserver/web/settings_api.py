"""The settings for pages and programs: what counts and where it comes from; changes go into the owner's own file."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from aiohttp import web

from imageserver.config.changes import Wanted
from imageserver.errors import BadRequest, ConfigError, OptionsMistaken, OptionsRefused
from imageserver.web.answers import json_answer
from imageserver.web.bodies import Fields, json_fields
from imageserver.web.keys import ACCESS, SETTINGS


async def settings(request: web.Request) -> web.Response:
    """GET /api/v1/settings: every setting in use, with its origin; of a secret only that it is there."""
    standing = await request.app[SETTINGS].look()
    body = attrs.asdict(standing)
    body["problems"] = [str(problem) for problem in standing.problems]
    body["password"] = where_the_password_is(request)
    return json_answer(body)


async def change(request: web.Request) -> web.Response:
    """PATCH /api/v1/settings {"version", "options", "providers"}: written into the options file, comments kept.

    `null` takes a key out of the file, so that its default counts again.
    """
    fields = await json_fields(request)
    version = needed_version(fields)
    options = fields.inside("options").body if fields.body.get("options") is not None else {}
    providers = _sections(fields, "providers")
    if not options and not providers and not fields.problems:
        fields.problems.append("options, providers: one of them is needed")
    fields.finish()
    return await changed(request, Wanted(version=version, options=options, providers=providers))


async def changed(request: web.Request, wanted: Wanted, *, status: int = 200, **more: object) -> web.Response:
    """Make a change; the answer says what of it counts after a restart only, or why nothing was changed.

    A refusal is told whole, however long: all mistakes at once.
    """
    try:
        report = await request.app[SETTINGS].change(wanted)
    except OptionsMistaken as error:
        return _refused(400, "mistakes", str(error))
    except ConfigError as error:
        return _refused(409, "broken_options", f"{error}\nCorrect the file first.")
    except OptionsRefused as error:
        return _refused(409, error.refusal, str(error))
    except BadRequest as error:
        return _refused(400, error.reason, str(error))
    body = {"needs_restart": list(report.needs_restart), "problems": list(report.problems)}
    return json_answer({**more, **body}, status=status)


def where_the_password_is(request: web.Request) -> str | None:
    """Where the password for these pages comes from; None: there is none."""
    access = request.app[ACCESS]
    if not access.has_password:
        return None
    return "database" if access.password_file is None else "password_file"


def needed_version(fields: Fields) -> str:
    """The version of the file that was looked at: whoever changes what others see must have seen it."""
    version = fields.text("version")
    if version is None:
        fields.problems.append("version: missing; GET /api/v1/settings gives it")
    return version or ""


def _sections(fields: Fields, name: str) -> Mapping[str, Mapping[str, object]]:
    if fields.body.get(name) is None:
        return {}
    inner = fields.inside(name)
    return {code: inner.inside(code).body for code in inner.body}


def _refused(status: int, code: str, message: str) -> web.Response:
    return json_answer({"error": {"code": code, "message": message}}, status=status)
