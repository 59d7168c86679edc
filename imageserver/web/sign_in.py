"""Coming in and going out: the first visit, signing in and out, the reader's language. Plain forms."""

from __future__ import annotations

import re
from urllib.parse import parse_qs

from aiohttp import web

from imageserver.access.bans import Banned
from imageserver.access.password import LONGEST, SHORTEST, PasswordUnfit
from imageserver.access.room import PasswordRefused
from imageserver.access.rules import Who
from imageserver.errors import BadRequest
from imageserver.web.access import ADDRESS
from imageserver.web.bodies import whole_body
from imageserver.web.cookies import give_language, give_session, take_session
from imageserver.web.html import ASKER, go_to, html_answer, said
from imageserver.web.keys import ACCESS
from imageserver.web.words import LANGUAGES, N_

_FIRST_PAGE = ""
_MOST_FIELDS = 10
_TOO_MANY = N_("Too many wrong attempts came from your address. Try again later.")
_UNFIT = {
    "short": N_("This password is too short."),
    "long": N_("This password is too long."),
    "letters": N_("This password has signs in it that nobody can type."),
}


async def sign_in_page(request: web.Request) -> web.Response:
    """GET /sign-in."""
    if not request.app[ACCESS].has_password:
        return go_to(request, "first-visit")
    if request[ASKER].who is Who.PERSON:
        return go_to(request, _FIRST_PAGE)
    try:
        request.app[ACCESS].bans.refuse_banned(request[ADDRESS])
    except Banned as error:
        return _sign_in(request, 429, _TOO_MANY, retry_after=error.retry_after)
    return _sign_in(request)


async def sign_in(request: web.Request) -> web.Response:
    """POST /sign-in: the password."""
    access = request.app[ACCESS]
    if not access.has_password:
        return go_to(request, "first-visit")
    form = await _form(request)
    try:
        secret = await access.sign_in(form.get("password", ""), request[ADDRESS])
    except Banned as error:
        return _sign_in(request, 429, _TOO_MANY, retry_after=error.retry_after)
    if secret is None:
        return _sign_in(request, 403, N_("That is not the password."))
    if request[ASKER].session:
        await access.sessions.end(request[ASKER].session)
    answer = go_to(request, _FIRST_PAGE)
    give_session(request, answer, secret)
    return answer


async def first_visit_page(request: web.Request) -> web.Response:
    """GET /first-visit: where the password is set, as long as there is none."""
    if request.app[ACCESS].has_password:
        return go_to(request, "sign-in")
    return _first_visit(request)


async def first_visit(request: web.Request) -> web.Response:
    """POST /first-visit: the code of the log, and a password. At the server's own computer no code is needed."""
    access = request.app[ACCESS]
    if access.has_password:
        return go_to(request, "sign-in")
    form = await _form(request)
    try:
        if _needs_code(request) and not access.knows_code(form.get("code", ""), request[ADDRESS]):
            return _first_visit(request, 403, "code", N_("That is not the code. It is a new one after each start."))
        if form.get("password") != form.get("again"):
            return _first_visit(request, 400, "again", N_("The two passwords are not the same."))
        secret = await access.set_first_password(form.get("password", ""))
    except Banned as error:
        return _first_visit(request, 429, "", _TOO_MANY, retry_after=error.retry_after)
    except PasswordUnfit as error:
        return _first_visit(request, 400, "password", _UNFIT[error.kind])
    except PasswordRefused:  # somebody was quicker
        secret = ""
    answer = go_to(request, _FIRST_PAGE if secret else "sign-in")
    if secret:
        give_session(request, answer, secret)
    return answer


async def sign_out(request: web.Request) -> web.Response:
    """POST /sign-out: this browser, or with `everywhere` all of them."""
    form = await _form(request)
    sessions, asker = request.app[ACCESS].sessions, request[ASKER]
    if asker.session and "everywhere" in form:
        await sessions.end_all()
    elif asker.session:
        await sessions.end(asker.session)
    answer = go_to(request, "sign-in" if request.app[ACCESS].has_password else _FIRST_PAGE)
    take_session(request, answer)
    return answer


async def language(request: web.Request) -> web.Response:
    """GET /language?to=&page=: remember the language, and back to the page."""
    chosen, page = request.query.get("to", ""), request.query.get("page", "")
    if chosen not in LANGUAGES:
        raise BadRequest(f"to: must be one of {', '.join(LANGUAGES)}")
    answer = go_to(request, page if re.fullmatch("[a-z-]{0,40}", page) else _FIRST_PAGE)
    give_language(request, answer, chosen)
    return answer


async def _form(request: web.Request) -> dict[str, str]:
    """The fields of a form, each once. Raises BadRequest; what is wrong is told without the fields."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise BadRequest("the body must be a form: application/x-www-form-urlencoded")
    body = await whole_body(request)
    try:
        fields = parse_qs(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise BadRequest("the form cannot be read") from None
    return {name: values[0] for name, values in fields.items()}


def _needs_code(request: web.Request) -> bool:
    return request[ASKER].who is not Who.HERE


def _first_visit(
    request: web.Request, status: int = 200, wrong: str = "", problem: str = "", *, retry_after: int | None = None
) -> web.Response:
    return html_answer(
        request,
        "first_visit.html",
        status=status,
        headers=_retry(retry_after),
        problem=said(request, problem) if problem else "",
        wrong=wrong,
        needs_code=_needs_code(request),
        shortest=SHORTEST,
        longest=LONGEST,
    )


def _sign_in(
    request: web.Request, status: int = 200, problem: str = "", *, retry_after: int | None = None
) -> web.Response:
    return html_answer(
        request,
        "sign_in.html",
        status=status,
        headers=_retry(retry_after),
        problem=said(request, problem) if problem else "",
    )


def _retry(seconds: int | None) -> dict[str, str]:
    return {} if seconds is None else {"Retry-After": str(seconds)}
