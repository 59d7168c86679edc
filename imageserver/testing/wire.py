"""How an answer can go wrong on its way, whatever it says: the same for every fake service."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import zlib
from collections.abc import Iterator
from enum import StrEnum

from aiohttp import web
from attrs import frozen

HUGE = 10 * 1024**3
_PIECE = 64 * 1024


class BadWire(StrEnum):
    """Named after what the client sees."""

    SILENT = "silent"  # takes the request and says nothing, for ever
    DRIP = "drip"  # one byte a second
    RESET = "reset"  # the connection is torn before the answer
    RESET_MID_BODY = "reset_mid_body"
    HUGE_BODY = "huge_body"  # 10 GB, or what the means say
    GZIP_BOMB = "gzip_bomb"  # a megabyte that unpacks to gigabytes
    LENGTH_TOO_LARGE = "length_too_large"  # Content-Length promises more than comes
    LENGTH_TOO_SMALL = "length_too_small"  # and less
    HTML = "html"  # 200 with a page
    CUT_TEXT = "cut_text"  # whole for HTTP, cut off in the middle for JSON
    EMPTY = "empty"  # 200 with nothing
    GARBAGE = "garbage"  # no HTTP
    REDIRECT = "redirect"  # to a port of this machine
    STATUS_408 = "status_408"
    STATUS_500_HTML = "status_500_html"
    STATUS_502 = "status_502"
    STATUS_503_HTML = "status_503_html"
    STATUS_504 = "status_504"


class Refusing(StrEnum):
    """Nothing is done and nothing is charged."""

    RATE_LIMITED = "rate_limited"
    RATE_LIMITED_RETRY_AFTER = "rate_limited_retry_after"


@frozen(kw_only=True)
class Answer:
    """What a service would say if nothing went wrong."""

    body: bytes
    content_type: str = "application/json"
    status: int = 200


@frozen(kw_only=True)
class Means:
    """What some of the modes need."""

    pace: float = 1.0  # seconds between two bytes that drip
    canary: str = "http://127.0.0.1:9/canary"  # where a redirect leads
    huge: int = HUGE  # bytes of a body that is too large, unpacked


def plain(answer: Answer) -> web.Response:
    """The answer as it should be."""
    return web.Response(body=answer.body, status=answer.status, content_type=answer.content_type)


def too_many(mode: Refusing) -> web.Response:
    """429, with or without a word on when to come back."""
    headers = {"Retry-After": "17"} if mode is Refusing.RATE_LIMITED_RETRY_AFTER else {}
    return web.Response(status=429, text="slow down", headers=headers)


async def spoiled(mode: BadWire, request: web.Request, answer: Answer, means: Means) -> web.StreamResponse:
    """Send the answer as this mode would have it."""
    if mode in _STATUSES:
        return web.Response(status=_STATUSES[mode], text="<html><h1>upstream</h1></html>", content_type="text/html")
    if mode is BadWire.HTML:
        return web.Response(text="<html><body>Please log in to the Wi-Fi</body></html>", content_type="text/html")
    if mode is BadWire.REDIRECT:
        return web.Response(status=307, headers={"Location": means.canary})
    if mode in (BadWire.CUT_TEXT, BadWire.EMPTY):
        body = answer.body[: len(answer.body) // 2] if mode is BadWire.CUT_TEXT else b""
        return web.Response(body=body, content_type=answer.content_type)
    if mode is BadWire.SILENT:
        await asyncio.Event().wait()  # ends with the client, or with the fake
    if mode in (BadWire.HUGE_BODY, BadWire.GZIP_BOMB):
        return await _endless(request, answer, means.huge, is_gzip=mode is BadWire.GZIP_BOMB)
    await _raw(mode, request, answer, means)
    return web.Response()


async def _endless(request: web.Request, answer: Answer, size: int, *, is_gzip: bool) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": answer.content_type})
    if is_gzip:
        response.headers["Content-Encoding"] = "gzip"
        pieces = _bomb(size)
    else:
        response.content_length = size
        pieces = (b'{"data":[{"b64_json":"' if first else b"A" * _PIECE for first in _firsts(size))
    with contextlib.suppress(ConnectionResetError):
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
    return response


def _firsts(size: int) -> Iterator[bool]:
    yield True
    for _ in range(size // _PIECE):
        yield False


def _bomb(size: int) -> Iterator[bytes]:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    yield packer.compress(b'{"data":[{"b64_json":"') + packer.flush(zlib.Z_FULL_FLUSH)
    # After a full flush nothing refers to what came before, so one packed block may be sent again and again.
    block = packer.compress(b"A" * 1024 * 1024) + packer.flush(zlib.Z_FULL_FLUSH)
    for _ in range(size // (1024 * 1024)):
        yield block


async def _raw(mode: BadWire, request: web.Request, answer: Answer, means: Means) -> None:
    transport = request.transport
    if transport is None:
        return
    body = answer.body
    length = {BadWire.LENGTH_TOO_LARGE: len(body) + 1000, BadWire.LENGTH_TOO_SMALL: len(body) // 2}.get(mode, len(body))
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {answer.content_type}\r\nContent-Length: {length}\r\n\r\n".encode()
    if mode is BadWire.GARBAGE:
        transport.write(b"\x16\x03\x01 this is not HTTP\r\n\r\n")
    elif mode is BadWire.DRIP:
        transport.write(head)
        for byte in body:
            if transport.is_closing():
                break
            transport.write(bytes([byte]))
            await asyncio.sleep(means.pace)
    elif mode is BadWire.RESET_MID_BODY:
        transport.write(head + body[: len(body) // 2])
        await asyncio.sleep(0)
    elif mode in (BadWire.LENGTH_TOO_LARGE, BadWire.LENGTH_TOO_SMALL):
        transport.write(head + body)
    if mode in (BadWire.RESET, BadWire.RESET_MID_BODY):
        line = transport.get_extra_info("socket")
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, not a good-bye
        transport.abort()
    else:
        transport.close()


_STATUSES = {
    BadWire.STATUS_408: 408,
    BadWire.STATUS_500_HTML: 500,
    BadWire.STATUS_502: 502,
    BadWire.STATUS_503_HTML: 503,
    BadWire.STATUS_504: 504,
}
