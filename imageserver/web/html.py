"""Pages for people: templates, the headers that go with them, and addresses that are good under any path."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from aiohttp import web

from imageserver.access.rules import STRANGER, Asker, For, Who, may
from imageserver.web.words import LANGUAGES, N_, language_of, load_words, translations

ASKER = web.RequestKey("asker", Asker)  # left by the middleware
PATHS = web.AppKey("paths", frozenset[str])  # of all routes that there are
_HERE = Path(__file__).parent
_TYPES = {".css": "text/css", ".js": "text/javascript"}
# What stands in the navigation of every page, in this order: the path, and its name for the reader.
_WAYS = (
    ("", N_("Now")),
    ("gallery", N_("Gallery")),
    ("ask", N_("Ask")),
    ("prompts", N_("Prompts")),
    ("providers", N_("Providers")),
    ("house", N_("Frames")),
    ("numbers", N_("Numbers")),
    ("settings", N_("Settings")),
)
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    # With no-referrer a browser would send `Origin: null` from our own forms.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Vary": "Accept-Language, Cookie",
}


def html_answer(
    request: web.Request,
    template: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **values: object,
) -> web.Response:
    """A page in the reader's language. Templates get `values`, and what every page shows."""
    from imageserver.web.page_templates import template_of  # is there since `load_files`

    language = language_of(request)
    asker = request.get(ASKER, STRANGER)
    here = request.path.strip("/")
    paths = request.app[PATHS] if may(asker, For.PAGES) else frozenset()
    text = template_of(language, template).render(
        language=language,
        languages=LANGUAGES,
        top=above(request),
        page=request.path.rpartition("/")[2],
        ways=[(way, name, way == here) for way, name in _WAYS if f"/{way}" in paths],
        is_signed_in=asker.who is Who.PERSON,
        **values,
    )
    return web.Response(text=text, status=status, content_type="text/html", headers={**_HEADERS, **(headers or {})})


def said(request: web.Request, message: str) -> str:
    """A message of the catalogue in the reader's language."""
    return translations(language_of(request)).gettext(message)


def above(request: web.Request) -> str:
    """The way from this request's address to the first page: `./`, or `../` for each folder.

    No address of ours begins with a slash, so that a proxy may show the server under a path of its own.
    """
    return "../" * (request.path.count("/") - 1) or "./"


def go_to(request: web.Request, page: str) -> web.Response:
    """Send a browser to another page of ours, to look at it."""
    return web.Response(status=303, headers={"Location": f"{above(request)}{page}", "Cache-Control": "no-store"})


def wants_html(request: web.Request) -> bool:
    """Whether a person looks at the answer, and not an <img> or a program."""
    return request.method in ("GET", "HEAD", "POST") and "text/html" in request.headers.get("Accept", "")


async def static(request: web.Request) -> web.Response:
    """GET /static/{file}: what pages are made of besides HTML."""
    found = _files().get(request.match_info["file"])
    if found is None:
        raise web.HTTPNotFound
    body, kind, etag = found
    # Asked for anew each time, and mostly not sent again: after an update no page meets yesterday's script.
    headers = {"ETag": f'"{etag}"', "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    if any(known.value in (etag, "*") for known in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, content_type=kind, charset="utf-8", headers=headers)


@cache
def _files() -> dict[str, tuple[bytes, str, str]]:
    """Every file of `static/` by its name: what is in it, its type, its ETag."""
    return {
        path.name: (data := path.read_bytes(), _TYPES[path.suffix], hashlib.sha256(data).hexdigest()[:24])
        for path in (_HERE / "static").iterdir()
        if path.suffix in _TYPES
    }


def load_files() -> None:
    """Read templates, translations and static files, in a thread; whoever looks finds them in memory.

    What makes HTML of templates is imported only now: a server that only frames ask needs none of it.
    """
    from imageserver.web.page_templates import load_templates

    load_words()
    load_templates()
    _files()
