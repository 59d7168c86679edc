"""HTTP/1.1 as the frame's firmware speaks it: one request on one connection, read with all of its habits.

What it checks is stricter than what makes every single frame stumble: a header in another case is refused even where
today's firmware makes no use of that header.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from attrs import define, field, frozen

from imageserver.clock import Clock
from imageserver.frame_client.failure import FrameWouldFail
from imageserver.frame_client.head import Head, parse_head

_READ = 65_536
_HEADERS_LIMIT = 65_536  # bytes; ours, so that endless headers end
_CHUNK_LINE_LIMIT = 1024  # bytes; ours, long enough to show what stands in a chunk-size line


@frozen(kw_only=True)
class Limits:
    """How long a frame waits, in seconds, and how much we read for it, in bytes."""

    first_byte: float = 2.0  # measured: 1.8 s works, 2.2 s fails
    pause: float = 2.0  # measured: 1.9 s works, 2.2 s fails
    connect: float = 2.0  # the firmware gives its socket the same time
    linger: float = 3.0  # how much longer we wait than a frame, only to say how late the answer was
    body: int = 16 * 1024 * 1024  # ours: a frame has no limit, and no time for such a picture


@frozen(kw_only=True)
class Exchange:
    """One request and its answer, measured."""

    status: int
    size: int  # bytes of the body, without the framing of chunks
    first_byte: float  # seconds from the last byte of the request
    longest_pause: float  # seconds, between two arrivals after the first byte


async def exchange(
    host: str,
    port: int,
    method: str,
    path: str,
    payload: bytes,
    *,
    limits: Limits,
    clock: Clock,
    take: Callable[[bytes], None],
) -> Exchange:
    """Send one request and hand the body to `take`, piece by piece as it arrives.

    Raises FrameWouldFail for everything that a frame would count as no response or as a broken one.
    """
    reader, writer = await _connect(host, port, limits)
    try:
        writer.write(request_bytes(host, method, path, payload))
        try:
            await writer.drain()
        except OSError as error:
            raise FrameWouldFail(f"the connection broke while the request was sent ({error})") from error
        wire = _Wire(reader=reader, limits=limits, clock=clock)
        first_byte = await wire.first_byte()
        head = await _read_head(wire)
        size = await _read_body(wire, head, take)
        return Exchange(status=head.status, size=size, first_byte=first_byte, longest_pause=wire.longest_pause)
    finally:
        # The frame hangs up after the answer, whatever the server would like.
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def request_bytes(host: str, method: str, path: str, payload: bytes) -> bytes:
    """The request exactly as the firmware writes it: `Host` without a port, the content type on every request."""
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: [{host}]" if ":" in host else f"Host: {host}",
        "Content-Type: application/json",
        "Accept: */*",
    ]
    if payload:
        lines.append(f"Content-Length: {len(payload)}")
    return "\r\n".join([*lines, "", ""]).encode("utf-8") + payload


def seconds(value: float) -> str:
    """A time for people, with at most two decimals."""
    return f"{round(value, 2)} s"


async def _connect(host: str, port: int, limits: Limits) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    try:
        async with asyncio.timeout(limits.connect):
            return await asyncio.open_connection(host, port)
    except TimeoutError as error:
        raise FrameWouldFail(
            f"no connection to {host} port {port} within {seconds(limits.connect)}; a frame waits no longer"
        ) from error
    except OSError as error:
        raise FrameWouldFail(f"no connection to {host} port {port} ({error.strerror or error})") from error


@define(kw_only=True)
class _Wire:
    """What arrives, with the time each arrival took."""

    reader: asyncio.StreamReader
    limits: Limits
    clock: Clock
    held: bytearray = field(factory=bytearray)
    longest_pause: float = 0.0

    async def first_byte(self) -> float:
        """Wait for the beginning of the answer. Seconds it took."""
        limit = self.limits.first_byte
        waited = await self._arrival(limit)
        if waited is None:
            raise FrameWouldFail(
                f"no byte came within {seconds(limit + self.limits.linger)}; a frame waits {seconds(limit)}"
            )
        if waited >= limit:
            raise FrameWouldFail(f"the first byte came after {seconds(waited)}; a frame waits {seconds(limit)}")
        if not self.held:
            raise FrameWouldFail("the server closed the connection without an answer")
        return waited

    async def more(self, where: str) -> None:
        """Wait for at least one more byte, inside `where`."""
        limit = self.limits.pause
        before = len(self.held)
        waited = await self._arrival(limit)
        if waited is None:
            longest = limit + self.limits.linger
            raise FrameWouldFail(f"nothing came for {seconds(longest)} inside {where}; a frame waits {seconds(limit)}")
        self.longest_pause = max(self.longest_pause, waited)
        if waited >= limit:
            raise FrameWouldFail(f"a pause of {seconds(waited)} inside {where}; a frame waits {seconds(limit)}")
        if len(self.held) == before:
            raise FrameWouldFail(f"the connection ended inside {where}")

    async def line(self, where: str, limit: int) -> bytes:
        """Everything up to the next line feed, which is left out."""
        while (end := self.held.find(b"\n")) < 0:
            if len(self.held) > limit:
                raise FrameWouldFail(f"{where} hold a line of more than {limit} bytes")
            await self.more(where)
        line = bytes(self.held[:end])
        del self.held[: end + 1]
        return line

    async def _arrival(self, limit: float) -> float | None:
        """Read once. Seconds it took, or None when nothing came in the frame's time and our own on top of it."""
        asked = self.clock.monotonic()
        try:
            async with asyncio.timeout(limit + self.limits.linger):
                self.held += await self.reader.read(_READ)
        except TimeoutError:
            return None
        except OSError as error:
            raise FrameWouldFail(f"the connection broke ({error.strerror or error})") from error
        return self.clock.monotonic() - asked


async def _read_head(wire: _Wire) -> Head:
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


async def _read_body(wire: _Wire, head: Head, take: Callable[[bytes], None]) -> int:
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


async def _chunk_size(wire: _Wire) -> int:
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


async def _pass_on(wire: _Wire, size: int, take: Callable[[bytes], None]) -> None:
    left = size
    while left:
        if not wire.held:
            await wire.more("the body")
        piece = bytes(wire.held[:left])
        del wire.held[:left]
        left -= len(piece)
        take(piece)
