"""A real proxy in front of the server, which shows it under a path of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from live import Live
from multidict import CIMultiDict
from yarl import URL

_KEPT = ("Set-Cookie", "Location", "Content-Security-Policy", "Content-Disposition", "ETag", "Cache-Control", "Vary")


@asynccontextmanager
async def proxy(server: Live) -> AsyncIterator[URL]:
    """Shows the server under /home/frames/, and says who asks; as nginx does with the usual four lines."""

    async def pass_on(request: web.Request) -> web.Response:
        known = request.headers.get("X-Forwarded-For")
        headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
        headers |= {
            "X-Forwarded-For": f"{known}, {request.remote}" if known else str(request.remote),
            "X-Forwarded-Host": request.host,
            "X-Forwarded-Proto": "http",
            "X-Forwarded-Prefix": "/home/frames",
        }
        url = URL(f"http://127.0.0.1:{server.port}/{request.match_info['path']}").with_query(request.query_string)
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False) as http,
            http.request(
                request.method, url, headers=headers, data=await request.read(), allow_redirects=False
            ) as answer,
        ):
            kept = [(name, value) for name, value in answer.headers.items() if name in _KEPT]
            return web.Response(
                status=answer.status,
                body=await answer.read(),
                content_type=answer.content_type,
                headers=CIMultiDict(kept),
            )

    app = web.Application()
    app.router.add_route("*", "/home/frames/{path:.*}", pass_on)
    async with TestServer(app) as running:
        yield running.make_url("/home/frames/")
