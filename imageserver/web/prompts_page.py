"""The page with the prompt library."""

from __future__ import annotations

import asyncio

from aiohttp import web

from imageserver.web.html import html_answer
from imageserver.web.keys import PROMPTS


async def page(request: web.Request) -> web.Response:
    """GET /prompts."""
    library = request.app[PROMPTS]
    standing = await asyncio.to_thread(library.standing)
    return html_answer(request, "prompts.html", standing=standing, most=library.amount)
