"""HTTP/1.1 as the frames' firmware speaks it: one request on one connection, read with all of its habits.

Over TLS as well: 1.2, and whatever certificate there is. The records of 512 bytes that a frame asks for, Python cannot
ask for.

What it checks is stricter than what makes every single frame stumble: a header in another case is refused even where
today's firmware makes no use of that header.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from attrs import frozen

from imageserver.clock import Clock
from imageserver.frame_client.failure import BrokenOff, FrameWouldFail, NoConnection
from imageserver.frame_client.head import Head, parse_head
from imageserver.frame_client.wire import Limits, Meter, Wire, seconds

_HEADERS_LIMIT = 65_536  # bytes; ours, so that endless headers end
_CHUNK_LINE_LIMIT = 1024  # bytes; ours, long enough to show what stands in a chunk-size line


@frozen(kw_only=True)
class Exchange:
    """One request and its answer, measured."""

    status: int
    size: int  # bytes of the body, without the framing of chunks
    first_byte: float  # seconds from the last byte of the request
    longest_pause: float  # seconds, between two arrivals after the first byte


@frozen(kw_only=True)
class Place:
    """Where the server is."""

    host: str
    port: int
    tls: bool = False


# Makes a socket that is connected; raises OSError. What it opened it closes when it fails or is cancelled.
Dial = Callable[[], Awaitable[socket.socket]]


async def exchange(
    place: Place,
    request: bytes,
    *,
    limits: Limits,
    clock: Clock,
    take: Callable[[bytes], None],
) -> Exchange:
    """Send one request and hand the body of its answer to `take`, piece by piece as it arrives.

    Raises FrameWouldFail for everything that a frame would count as no response or as a broken one.
    """
    async with connected(place, limits=limits) as connection:
        return await connection.ask(request, limits=limits, clock=clock, take=take)


@frozen
class Connection:
    """A connection for one request, as the firmware makes it."""

    _reader: asyncio.StreamReader
    _writer: asyncio.StreamWriter

    async def ask(
        self,
        request: bytes,
        *,
        limits: Limits,
        clock: Clock,
        take: Callable[[bytes], None],
        meter: Meter | None = None,
    ) -> Exchange:
        """As `exchange`; `meter` is filled in also where that fails. Whatever `take` raises ends it."""
        meter = meter or Meter()
        self._writer.write(request)
        try:
            await self._writer.drain()
        except OSError as error:
            raise BrokenOff(f"the connection broke while the request was sent ({error})") from error
        wire = Wire(reader=self._reader, limits=limits, clock=clock, meter=meter)
        first_byte = await wire.first_byte()
        head = await _read_head(wire)
        size = await _read_body(wire, head, take)
        return Exchange(status=head.status, size=size, first_byte=first_byte, longest_pause=meter.longest_pause)

    def fall_silent(self) -> None:
        """Take nothing more from the network and say nothing: a device without power."""
        transport = self._writer.transport
        assert isinstance(transport, asyncio.ReadTransport)
        transport.pause_reading()

    def reset(self) -> None:
        """End it as a device does that has its power back and knows of no connection."""
        self._writer.transport.abort()


@contextlib.asynccontextmanager
async def connected(place: Place, *, limits: Limits, dial: Dial | None = None) -> AsyncIterator[Connection]:
    """A new connection, hung up at the end. `dial` makes the socket, where it is to be a special one.

    Raises NoConnection, with the OSError as its cause.
    """
    reader, writer = await _connect(place, limits, dial)
    try:
        yield Connection(reader, writer)
    finally:
        # The frame hangs up after the answer, whatever the server would like.
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def request_bytes(method: str, path: str, headers: Sequence[str], payload: bytes = b"") -> bytes:
    """A request with exactly these header lines."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", *headers, "", ""]).encode("utf-8") + payload


def host_header(host: str) -> str:
    """`Host` as the firmware writes it: without a port."""
    return f"Host: [{host}]" if ":" in host else f"Host: {host}"


async def _connect(
    place: Place, limits: Limits, dial: Dial | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    where = f"{place.host} port {place.port}"
    patience = limits.connect + (limits.handshake if place.tls else 0.0)
    options: dict[str, Any] = {}
    if place.tls:
        options = {"ssl": _tls(), "ssl_handshake_timeout": limits.handshake, "ssl_shutdown_timeout": limits.linger}
    try:
        async with asyncio.timeout(patience):
            if dial is None:
                return await asyncio.open_connection(place.host, place.port, **options)
            if place.tls:
                options["server_hostname"] = place.host
            return await asyncio.open_connection(sock=await dial(), **options)
    except TimeoutError as error:
        raise NoConnection(f"no connection to {where} within {seconds(patience)}; a frame waits no longer") from error
    except ssl.SSLError as error:
        raise NoConnection(f"no TLS with {where} ({error.reason or error}); does it speak HTTPS?") from error
    except OSError as error:
        why = error.strerror or str(error) or "the server hung up"
        raise NoConnection(f"no connection to {where} ({why})") from error


@functools.cache
def _tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


async def _read_head(wire: Wire) -> Head:
    lines: list[bytes] = []
    size = 0
    while True:
        line = await wire.line("the headers", _HEADERS_LIMIT)
        if not line.endswith(b"\r"):
            raise FrameWouldFail(f"the header line {line[:60]!r} does not end in CR LF; a frame stops reading there")
        if line == b"\r":
            return parse_head(lines)
        lines.append(line[:-1])
        size += len(line) + 1
        if size > _HEADERS_LIMIT:
            raise FrameWouldFail(f"the headers are longer than {_HEADERS_LIMIT} bytes")


async def _read_body(wire: Wire, head: Head, take: Callable[[bytes], None]) -> int:
    if not head.chunked:
        _within(head.length, wire.limits)
        await _pass_on(wire, head.length, take)
        return head.length
    total = 0
    while size := await _chunk_size(wire):
        total += size
        _within(total, wire.limits)
        await _pass_on(wire, size, take)
        if await wire.line("the body", _CHUNK_LINE_LIMIT) != b"\r":
            raise FrameWouldFail("a chunk is longer than its size line says")
    if await wire.line("the body", _CHUNK_LINE_LIMIT) != b"\r":
        raise FrameWouldFail("the last chunk is followed by a trailer; a frame cannot read trailers")
    if not total:
        raise FrameWouldFail("the answer has no body; a frame counts that as no response at all")
    return total


def _within(size: int, limits: Limits) -> None:
    if size > limits.body:
        raise FrameWouldFail(f"the body is larger than {limits.body} bytes; a frame would read it for ever")


async def _chunk_size(wire: Wire) -> int:
    line = await wire.line("the body", _CHUNK_LINE_LIMIT)
    if not line.endswith(b"\r"):
        raise FrameWouldFail(f"the chunk-size line {line[:40]!r} does not end in CR LF")
    digits = line[:-1]
    if b";" in digits:
        raise FrameWouldFail(f"the chunk-size line {digits[:40]!r} has an extension; a frame cannot read it")
    if not digits or not all(digit in b"0123456789abcdefABCDEF" for digit in digits):
        raise FrameWouldFail(f"the chunk-size line {digits[:40]!r} is no hexadecimal number")
    if len(digits) > 8:
        raise FrameWouldFail(f"the chunk-size line has {len(digits)} digits; a frame reads at most 8")
    return int(digits, 16)


async def _pass_on(wire: Wire, size: int, take: Callable[[bytes], None]) -> None:
    left = size
    while left:
        if not wire.held:
            await wire.more("the body")
        piece = bytes(wire.held[:left])
        del wire.held[:left]
        left -= len(piece)
        take(piece)
