"""Who asks: from a request to the frame it comes from."""

from __future__ import annotations

from aiohttp import web
from attrs import evolve

from imageserver.access.hosts import is_address_or_local
from imageserver.frames import Frame
from imageserver.web.keys import FRAMES, SIGHTINGS, WHERE

SAYS_WHO = "X-Frame"  # a header for programs and proxies that know a frame's name; no firmware sends it
_KEY = "X-Key"  # what a stock AiFrame's owner entered as the key, once a real one: it goes nowhere but into a hash


def asking(request: web.Request) -> Frame:
    """The frame that asks; it counts as seen."""
    frame = who(request)
    request.app[SIGHTINGS].saw(frame.key, request.remote or "")
    return frame


def who(request: web.Request) -> Frame:
    """The frame that a request comes from, without taking note of it."""
    here = request.transport.get_extra_info("sockname") if request.transport is not None else None
    port = here[1] if isinstance(here, tuple) else None
    frame = request.app[FRAMES].asking(
        request.remote or "", port=port, name=request.headers.get(SAYS_WHO), key=_entered(request)
    )
    if not request.app[WHERE] and is_address_or_local(request.host):
        # In a container nobody knows what the house calls this computer, but this frame does; only it is told.
        return evolve(frame, called=f"{request.scheme}://{request.host}")
    return frame


def _entered(request: web.Request) -> str | None:
    """The firmware puts a word before it: `X-Key: Key living-room`."""
    return request.headers.get(_KEY, "").strip().removeprefix("Key").strip() or None
