"""The description of everything that may be asked, for programs: openapi.yaml, kept by hand."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

FILE = Path(__file__).parent / "openapi.yaml"
_TEXT = FILE.read_bytes()  # read once, before the loop runs


async def openapi(_request: web.Request) -> web.Response:
    """GET /openapi.yaml."""
    return web.Response(body=_TEXT, content_type="application/yaml", headers={"Cache-Control": "no-cache"})
