"""The gallery: all pictures on one page, which works without its script as well."""

from __future__ import annotations

from urllib.parse import urlencode

from aiohttp import web

from imageserver.web.frame_list import frame_lines
from imageserver.web.html import html_answer
from imageserver.web.keys import JOURNAL
from imageserver.web.picture_api import found
from imageserver.web.picture_lines import line_of
from imageserver.web.words import N_

_COUNT = 48  # pictures of a page: full rows with 2, 3, 4, 6 and 8 beside each other
_MOST_FRAMES = 200  # to choose from
# What the reader may choose to see, and the parameters of /api/v1/pictures that give it.
SHOWS = {
    "": (N_("All pictures"), {}),
    "favourites": (N_("Favourites"), {"favourite": "true"}),
    "hidden": (N_("Hidden"), {"hidden": "true"}),
    "deleted": (N_("Deleted"), {"deleted": "true"}),
}


async def gallery(request: web.Request) -> web.Response:
    """GET /gallery?q=&provider=&show=&after=: a page of pictures, and the way to the next."""
    show = request.query.get("show", "")
    chosen = SHOWS.get(show, SHOWS[""])[1]
    asked = {name: request.query[name] for name in ("q", "provider", "after") if request.query.get(name)}
    if request.query.get("provider") == "-":  # a form cannot tell an empty field from one that is not there
        asked["provider"] = ""
    url = request.rel_url.with_query(asked | chosen)
    page = await found(request.clone(rel_url=url), most=_COUNT, usual=_COUNT)
    kept = {name: request.query[name] for name in ("q", "provider", "show") if request.query.get(name)}
    asked.pop("after", None)
    return html_answer(
        request,
        "gallery.html",
        lines=[line_of(picture) for picture in page.pictures],
        more=None if page.after is None else f"gallery?{urlencode(kept | {'after': page.after})}",
        after=page.after,
        api=f"api/v1/pictures?{urlencode(asked | chosen | {'count': _COUNT})}",
        shows=[(name, title, name == show) for name, (title, _) in SHOWS.items()],
        makers=await request.app[JOURNAL].albums.makers(),
        provider=request.query.get("provider", ""),
        words=request.query.get("q", ""),
        is_searched=bool(kept),
        frames=[line.frame for line in frame_lines(request.app)[:_MOST_FRAMES]],
    )
