"""The one gate: every request is compared with the table of routes before anything is done for it.

Frames' routes cost a look into a dictionary, and for the rest of their way they are what they were: no name, no proxy
and no ban keeps a picture from a wall.
"""

from __future__ import annotations

from aiohttp import web

from imageserver.access.bans import Banned
from imageserver.access.proxies import Arrival, ForwardingRefused
from imageserver.access.room import Access
from imageserver.access.rules import STRANGER, Asker, For, Who, may, missing_scope
from imageserver.web.answers import error_answer
from imageserver.web.cookies import PREFIX, give_session, session_secret
from imageserver.web.html import ASKER, go_to, html_answer, said, wants_html
from imageserver.web.keys import ACCESS
from imageserver.web.middlewares import Handler, own_pages_only
from imageserver.web.page_files import PAGE_FILES
from imageserver.web.words import N_

WHO_MAY: web.AppKey[dict[web.AbstractRoute, For]] = web.AppKey("who_may", dict)

ADDRESS = web.RequestKey("address", str)  # of the client, as far as it is known

_NEEDS = {
    For.OWNER: "the owner in person, and no token",
    For.COMMAND: "the command line's token, which lies in the data folder",
}
_REFUSALS = {  # what people read; programs get the code
    "untrusted_proxy": N_("This request came through a proxy that the server does not know."),
    "wrong_host": N_("The server does not know itself by this name."),
    "banned": N_("Too many wrong attempts came from your address. Try again later."),
}


@web.middleware
async def gate(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let through whoever may use the route."""
    route = request.app[WHO_MAY].get(request.match_info.route)
    access = request.app[ACCESS]
    if route is None and request.match_info.http_exception is None:
        raise RuntimeError(f"{request.match_info.route} is not in the table of routes, so nobody may use it")
    if route is None or route is For.FRAMES:  # None: there is no such path or method, and the answer says so
        if access.proxies:
            request = _from_frame(request, access)
        return await own_pages_only(request, handler)
    if route in (For.PAGES, For.DOOR) or wants_html(request):  # a refusal may be a page too
        await request.app[PAGE_FILES].ready()
    try:
        arrival = access.proxies.arrival(request.remote or "", request.headers.items())
    except ForwardingRefused as error:
        return _refused(request, 400, error.reason, str(error))
    request = _arrived(request, arrival)

    async def inside(request: web.Request) -> web.StreamResponse:
        return await _inside(request, handler, route, access)

    return await own_pages_only(request, inside)


async def _inside(request: web.Request, handler: Handler, route: For, access: Access) -> web.StreamResponse:
    bearer = _bearer(request)
    if bearer is not None and access.is_owner(bearer):  # by any name: no page of others can know this token
        request[ASKER] = Asker(who=Who.OWNER)
        return await handler(request)
    if "Host" in request.headers and not access.hosts.allows(request.host):
        message = f"this server is not called {request.host[:80]}: `hosts:` of options.yml adds names"
        return _refused(request, 421, "wrong_host", message)
    try:
        asker = _asker(request, route, access, bearer)
    except Banned as error:
        return _refused(request, 429, error.reason, str(error), retry_after=error.retry_after)
    request[ASKER] = asker
    if may(asker, route):
        answer = await handler(request)
        _renew(request, answer, asker, access)
        return answer
    return _not_for(request, asker, route, access)


def _not_for(request: web.Request, asker: Asker, route: For, access: Access) -> web.Response:
    """What somebody hears who may not use the route. A person is led to the door."""
    if asker.who is not Who.STRANGER:
        scope = missing_scope(route)
        needs = f"a token with the scope {scope}" if scope else _NEEDS[route]
        return error_answer(403, "forbidden", f"this needs {needs}")
    if _bearer(request) is not None:
        message = "this token is not known"
    elif wants_html(request):
        return go_to(request, "sign-in" if access.has_password else "first-visit")
    else:
        message = "this needs the password, or a token that `imageserver tokens add` makes"
    return error_answer(401, "unauthorized", message, headers={"WWW-Authenticate": 'Bearer realm="ImageServer"'})


def _asker(request: web.Request, route: For, access: Access, bearer: str | None) -> Asker:
    """Who asks. A token that is brought counts alone, good or bad. Raises Banned."""
    if bearer is not None and route is not For.DOOR:
        return access.program(bearer, request[ADDRESS])
    secret = session_secret(request)
    person = access.person(secret) if secret else STRANGER
    return person if person is not STRANGER else access.here(request.remote or "", request.headers.items())


def _renew(request: web.Request, answer: web.StreamResponse, asker: Asker, access: Access) -> None:
    """A session that is used lives on, and so does its cookie."""
    secret = session_secret(request)
    if asker.who is Who.PERSON and secret and access.sessions.use(asker.session) and not answer.prepared:
        give_session(request, answer, secret)


def _bearer(request: web.Request) -> str | None:
    """The token of an Authorization header. Other schemes are some proxy's business."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _from_frame(request: web.Request, access: Access) -> web.Request:
    """A frame behind a trusted proxy is told from others by its own address; nobody else's word is heard.

    What cannot be understood is passed over: a frame needs its picture.
    """
    try:
        return _arrived(request, access.proxies.arrival(request.remote or "", request.headers.items()))
    except ForwardingRefused:
        return request


def _arrived(request: web.Request, arrival: Arrival) -> web.Request:
    """The request as the client sent it."""
    host, scheme = arrival.host or request.headers.get("Host"), arrival.scheme or request.scheme
    if host is not None and host != request.host:
        request = request.clone(remote=arrival.address, scheme=scheme, host=host)
    elif (arrival.address, scheme) != (request.remote, request.scheme):
        request = request.clone(remote=arrival.address, scheme=scheme)
    request[ADDRESS] = arrival.address
    request[PREFIX] = arrival.prefix
    return request


def _refused(
    request: web.Request, status: int, code: str, message: str, *, retry_after: int | None = None
) -> web.Response:
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    if not wants_html(request):
        return error_answer(status, code, message, headers=headers)
    title = said(request, _REFUSALS[code])
    return html_answer(request, "refused.html", status=status, headers=headers, title=title, detail=message)
