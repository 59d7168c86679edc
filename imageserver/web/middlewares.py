"""What every request goes through: our shape of errors, and the refusal of other people's web pages."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from urllib.parse import urlsplit

from aiohttp import web

from imageserver.access.hosts import is_of_this_house
from imageserver.errors import (
    BadRequest,
    PictureNotMoved,
    PromptRefused,
    RenditionsBusy,
    TooManyWaiting,
    TooManyWatching,
    UnknownProvider,
)
from imageserver.web.answers import error_answer
from imageserver.web.keys import ACCESS

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_RETRY_AFTER = 30  # seconds: a frame's own rhythm
_CODES = {413: "too_large"}  # its phrase is another one in each version of Python
_SAFE = ("GET", "HEAD", "OPTIONS")

_log = logging.getLogger(__name__)


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever goes wrong into JSON of our shape; nothing inside shows to the outside."""
    try:
        return await handler(request)
    except (BadRequest, UnknownProvider, PictureNotMoved) as error:
        return error_answer(409 if isinstance(error, PictureNotMoved) else 400, error.reason, str(error))
    except PromptRefused as error:
        return error_answer(409 if error.refusal == "broken_library" else 400, error.refusal, str(error))
    except (TooManyWaiting, TooManyWatching, RenditionsBusy) as error:
        status = 503 if isinstance(error, RenditionsBusy) else 429
        return error_answer(status, error.reason, str(error), headers={"Retry-After": str(_RETRY_AFTER)})
    except web.HTTPException as error:
        if error.status < 400:
            raise
        headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
        code = _CODES.get(error.status) or HTTPStatus(error.status).phrase.lower().replace(" ", "_")
        return error_answer(error.status, code, error.reason or code, headers=headers)
    except ConnectionResetError:
        raise  # the client has gone; there is nobody to answer
    except Exception:
        _log.exception("%s %s failed", request.method, request.path)
        return error_answer(500, "internal", "something went wrong in the server; its log says what")


async def own_pages_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what a foreign web page makes a browser send. Frames send neither header."""
    if request.method not in _SAFE and is_foreign(request):
        return error_answer(403, "foreign_page", "a page of another site may not do this")
    return await handler(request)


def is_foreign(request: web.Request) -> bool:
    """Whether a page of another site makes a browser send this."""
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        return True
    origin = request.headers.get("Origin")
    if origin is None:
        return False
    try:
        netloc, host = urlsplit(origin).netloc, urlsplit(f"//{request.host}").hostname or ""
    except ValueError:
        return True
    # A name of the internet may point here for a moment (DNS rebinding), and then both headers agree.
    return netloc != request.host or not (is_of_this_house(host) or request.app[ACCESS].hosts.allows(request.host))
