"""The page on which somebody wishes for a picture and sees it being made."""

from __future__ import annotations

from aiohttp import web
from attrs import frozen

from imageserver.web.frame_list import frame_lines
from imageserver.web.html import html_answer
from imageserver.web.keys import JOURNAL, OVERVIEW, ProviderLine

_MOST_FRAMES = 100


@frozen(kw_only=True)
class Choice:
    """A provider that may be chosen."""

    code: str
    title: str
    price: str  # empty: free
    is_dear: bool  # it costs something, and nobody has said how much


async def page(request: web.Request) -> web.Response:
    """GET /ask; with `?job=` it shows how that one goes."""
    lines = [line for line in await request.app[OVERVIEW].providers() if line.serves and line.paints]
    job_id = request.query.get("job", "")
    job = await request.app[JOURNAL].jobs.get(job_id) if job_id else None
    frames = [line for line in frame_lines(request.app) if line.named or line.last_seen is not None]
    return html_answer(
        request,
        "ask.html",
        choices=[_choice(line) for line in lines if line.takes_prompt],
        prices=_prices([line for line in lines if line.takes_prompt and line.status != "last resort"]),
        frames=frames[:_MOST_FRAMES],
        frame=request.query.get("frame", ""),
        job=job,
    )


def _choice(line: ProviderLine) -> Choice:
    price = "" if line.books is None or line.books.price == "0" else line.books.price
    return Choice(
        code=line.code,
        title=line.title,
        price=price,
        is_dear=line.books is not None and line.books.is_paid and not price,
    )


def _prices(lines: list[ProviderLine]) -> tuple[str, str]:
    """The lowest and the highest price among those that may be asked."""
    prices = sorted(("0" if line.books is None else line.books.price for line in lines), key=float)
    return (prices[0], prices[-1]) if prices else ("0", "0")
