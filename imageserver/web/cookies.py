"""The cookies that the server gives: one for a session, one for a language."""

from __future__ import annotations

from aiohttp import web

from imageserver.access.sessions import LIFETIME
from imageserver.web.words import COOKIE as LANGUAGE

PREFIX = web.RequestKey("prefix", str)  # the path under which a trusted proxy shows the server; left by the middleware
_SESSION = "imageserver_session"
# A browser lets no answer over plain HTTP replace a cookie that came over TLS, and this server speaks both on one port.
_SESSION_TLS = f"__Secure-{_SESSION}"
_YEAR = 365 * 86_400


def session_secret(request: web.Request) -> str | None:
    """The secret of a session that the browser brings, whether it still opens one or not."""
    found = request.cookies.get(_SESSION_TLS) if request.secure else None
    return found or request.cookies.get(_SESSION)


def give_session(request: web.Request, answer: web.StreamResponse, secret: str) -> None:
    """Let the browser keep a session's secret, and send it to nobody else's pages."""
    answer.set_cookie(
        _SESSION_TLS if request.secure else _SESSION,
        secret,
        max_age=int(LIFETIME),
        path=_path(request),
        secure=request.secure or None,
        httponly=True,
        samesite="Strict",
    )


def take_session(request: web.Request, answer: web.StreamResponse) -> None:
    """Let the browser forget it."""
    for name in (_SESSION, _SESSION_TLS) if request.secure else (_SESSION,):
        answer.set_cookie(
            name, "", max_age=0, path=_path(request), secure=request.secure or None, httponly=True, samesite="Strict"
        )


def give_language(request: web.Request, answer: web.StreamResponse, language: str) -> None:
    """Let the browser remember what its owner reads."""
    answer.set_cookie(
        LANGUAGE,
        language,
        max_age=_YEAR,
        path=_path(request),
        secure=request.secure or None,
        httponly=True,
        samesite="Lax",  # also for whoever comes by a link from elsewhere
    )


def _path(request: web.Request) -> str:
    """The proxy's path where it is known. Without one the browser takes the folder of the address that it asked for
    (RFC 6265, 5.1.4), and every address that gives a cookie stands at the top.
    """
    prefix = request.get(PREFIX, "")
    return f"{prefix}/" if prefix else ""
