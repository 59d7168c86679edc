"""A server on port 0 that says exactly the bytes it is told to, and the pictures it sends."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, tzinfo
from typing import Any

from attrs import define, field, frozen
from PIL import Image

from imageserver.frame_client import FrameClient, Limits
from imageserver.frame_client.client import ResultAnswer

# How late a server was is measured by a frame's clock, which tests move. These are waited for really, and a busy
# machine may take seconds even for a connection within itself.
PATIENT = Limits(connect=60.0, handshake=60.0, linger=60.0)


class FakeClock:
    """Time that moves only when it is told to."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.slept: list[float] = []

    @property
    def zone(self) -> tzinfo:
        return UTC

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
        await asyncio.sleep(0)


@frozen(kw_only=True)
class Request:
    """One request, byte for byte."""

    head: str
    body: bytes

    @property
    def line(self) -> str:
        return self.head.split("\r\n", 1)[0]


Answerer = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


@define
class FakeServer:
    """What the frame said, and where it said it."""

    port: int = 0
    requests: list[Request] = field(factory=list)
    over: asyncio.Event = field(factory=asyncio.Event)

    def client(self, *, limits: Limits | None = None, clock: FakeClock | None = None) -> FrameClient:
        """A frame that asks this server and never waits on the wall clock."""
        return FrameClient("127.0.0.1", self.port, limits=limits or PATIENT, clock=clock or FakeClock(), poll=30.0)


@contextlib.asynccontextmanager
async def serve(answer: Answerer) -> AsyncIterator[FakeServer]:
    """A server that hands every request to `answer`, and whose `over` is set when the test is done with it."""
    fake = FakeServer()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = next((int(line[15:]) for line in head.split("\r\n") if line.startswith("Content-Length:")), 0)
            request = Request(head=head, body=await reader.readexactly(length))
            fake.requests.append(request)
            await answer(request, writer)

    async with talking(talk) as fake.port:
        try:
            yield fake
        finally:
            fake.over.set()


@contextlib.asynccontextmanager
async def talking(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    context: ssl.SSLContext | None = None,
) -> AsyncIterator[int]:
    """A server that talks to everybody and then hangs up; gives its port. No connection outlives it.

    One that was left to the end of the test's loop would stay open, and its warning would fail some later test.
    """
    all_talks = set[asyncio.Task[None]]()

    async def whole_talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        finally:
            writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        all_talks.add(asyncio.create_task(whole_talk(reader, writer)))

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    except BaseException:  # the test has failed: what some of them wait for may never come
        for one in all_talks:
            one.cancel()
        raise
    finally:
        server.close()
        if all_talks:
            await asyncio.wait(all_talks)
        await server.wait_closed()


@contextlib.asynccontextmanager
async def serve_bytes(*answers: bytes) -> AsyncIterator[FakeServer]:
    """A server that gives these answers in turn, the last one again and again."""
    left = list(answers)

    async def answer(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(left.pop(0) if len(left) > 1 else left[0])
        await writer.drain()

    async with serve(answer) as fake:
        yield fake


async def ask_result(*answers: bytes) -> ResultAnswer:
    """What a frame makes of these bytes as the answer to its question for a result."""
    async with serve_bytes(*answers) as fake:
        return await fake.client().result("abc")


def plain(body: bytes | str, *, status: str = "200 OK", headers: str = "") -> bytes:
    """An answer with Content-Length."""
    data = body.encode() if isinstance(body, str) else body
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n{headers}\r\n"
    return head.encode() + data


CHUNKED_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunked(body: bytes | str, *, size: int = 4096, end: bytes = b"0\r\n\r\n") -> bytes:
    """An answer in chunks of `size` bytes."""
    data = body.encode() if isinstance(body, str) else body
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return CHUNKED_HEAD + b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + end


def result_json(jpeg: bytes, before: str = "") -> str:
    """A result that is done, with more members before `response` where the test wants them."""
    text = base64.b64encode(jpeg).decode()
    return f'{{"id":"abc","status":"done",{before}"response":{{"image":"{text}"}}}}'


def started_json(**members: Any) -> str:
    return json.dumps({"id": "abc", "status": "pending", **members})


def drawn(width: int = 320, height: int = 480, mode: str = "RGB") -> Image.Image:
    """A picture with colour and detail in every corner."""
    across = Image.linear_gradient("L").resize((width, height))
    around = Image.radial_gradient("L").resize((width, height))
    waves = around.point([(value * 7) % 256 for value in range(256)])
    picture = Image.merge("RGB", (across, waves, around))
    return picture.convert(mode)


def jpeg_of(picture: Image.Image, **options: Any) -> bytes:
    """Encode with Pillow; quality 90 and 4:2:0 unless said otherwise."""
    file = io.BytesIO()
    picture.save(file, **{"format": "JPEG", "quality": 90, "subsampling": 2, **options})
    return file.getvalue()


@define
class Surgery:
    """A JPEG taken apart into its segments, to be put together wrongly."""

    segments: list[tuple[int, bytes]]
    scan: bytes  # from the first byte behind the SOS segment to the end

    @classmethod
    def open(cls, jpeg: bytes) -> Surgery:
        segments, at = [], 2
        while True:
            marker, length = jpeg[at + 1], int.from_bytes(jpeg[at + 2 : at + 4], "big")
            segments.append((marker, jpeg[at + 4 : at + 2 + length]))
            at += 2 + length
            if marker == 0xDA:
                return cls(segments, jpeg[at:])

    def payload(self, marker: int) -> bytes:
        """All payloads of that marker, joined."""
        return b"".join(payload for kind, payload in self.segments if kind == marker)

    def replaced(self, marker: int, payload: bytes, *, becomes: int | None = None) -> Surgery:
        """With one segment of that kind, at the place of the first."""
        first = next(index for index, (kind, _) in enumerate(self.segments) if kind == marker)
        rest = [segment for segment in self.segments[first:] if segment[0] != marker]
        return Surgery([*self.segments[:first], (becomes or marker, payload), *rest], self.scan)

    def without(self, marker: int) -> Surgery:
        return Surgery([segment for segment in self.segments if segment[0] != marker], self.scan)

    def with_first(self, marker: int, payload: bytes) -> Surgery:
        return Surgery([(marker, payload), *self.segments], self.scan)

    def close(self) -> bytes:
        parts = [b"\xff" + bytes([kind]) + (len(data) + 2).to_bytes(2, "big") + data for kind, data in self.segments]
        return b"\xff\xd8" + b"".join(parts) + self.scan
