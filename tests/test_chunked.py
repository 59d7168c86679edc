"""Answers in chunks: what is on the wire, and in how many writes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from imageserver.web.chunked import ChunkedAnswer

PIECES = (b"a" * 16, b"b" * 300, b"c")


class Watched:
    """A transport that writes down how often it was written to."""

    def __init__(self, transport: asyncio.Transport, writes: list[int]) -> None:
        self._transport = transport
        self._writes = writes

    def write(self, data: bytes) -> None:
        self._writes.append(len(data))
        self._transport.write(data)

    def writelines(self, parts: Iterable[bytes]) -> None:
        self.write(b"".join(parts))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class Between(asyncio.Protocol):
    """Stands between the loop and aiohttp, so that aiohttp gets a transport that is watched."""

    def __init__(self, behind: asyncio.Protocol, writes: list[int]) -> None:
        self._behind = behind
        self._writes = writes
        self.data_received = behind.data_received  # type: ignore[method-assign]
        self.eof_received = behind.eof_received  # type: ignore[method-assign]
        self.connection_lost = behind.connection_lost  # type: ignore[method-assign]
        self.pause_writing = behind.pause_writing  # type: ignore[method-assign]
        self.resume_writing = behind.resume_writing  # type: ignore[method-assign]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._behind.connection_made(Watched(transport, self._writes))  # type: ignore[arg-type]


@asynccontextmanager
async def answering(blocks: Sequence[Sequence[bytes]]) -> AsyncIterator[tuple[int, list[int]]]:
    """A server whose answer is sent in these blocks: its port, and the sizes of its writes."""
    length = sum(len(piece) for block in blocks for piece in block)

    async def answer(request: web.Request) -> web.StreamResponse:
        given = ChunkedAnswer(request, "text/plain", length)
        await given.prepare(request)
        for block in blocks[:-1]:
            await given.send(block)
        await given.send(blocks[-1], is_last=True)
        return given

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    writes: list[int] = []
    assert runner.server is not None
    behind = runner.server
    server = await asyncio.get_running_loop().create_server(lambda: Between(behind(), writes), "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], writes
    finally:
        server.close()
        await server.wait_closed()
        await runner.cleanup()


async def heard(port: int, version: str, *, times: int = 1) -> bytes:
    """Everything that comes back for so many requests on one connection, until the server closes it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in range(times):
        last = "Connection: close\r\n" if number == times - 1 else ""
        writer.write(f"GET / HTTP/{version}\r\nHost: x\r\n{last}\r\n".encode())
    said = await reader.read()
    writer.close()
    await writer.wait_closed()
    return said


async def test_each_piece_is_a_chunk() -> None:
    """Lengths in hexadecimal digits, the last chunk at the end, no length of the whole."""
    async with answering([PIECES]) as (port, _):
        head, _, body = (await heard(port, "1.1")).partition(b"\r\n\r\n")
    assert b"\r\nTransfer-Encoding: chunked\r\n" in head
    assert b"content-length" not in head.lower()
    expected = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in PIECES)
    assert body == expected + b"0\r\n\r\n"


@pytest.mark.parametrize("blocks", [[PIECES], [PIECES[:1], PIECES[1:]], [[piece] for piece in PIECES]])
async def test_as_many_writes_as_blocks(blocks: Sequence[Sequence[bytes]]) -> None:
    """The headers go with the first block and the last chunk with the last one: one write each."""
    async with answering(blocks) as (port, writes):
        await heard(port, "1.1")
        assert len(writes) == len(blocks)


async def test_the_connection_goes_on() -> None:
    """A second request on the same connection is answered like the first."""
    async with answering([PIECES]) as (port, _):
        said = await heard(port, "1.1", times=2)
    assert said.count(b"HTTP/1.1 200 OK") == 2
    assert said.count(b"\r\n0\r\n\r\n") == 2


async def test_http_1_0_hears_no_chunks() -> None:
    """It is told the length, and gets the bytes alone."""
    async with answering([PIECES]) as (port, _):
        head, _, body = (await heard(port, "1.0")).partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head.lower()
    assert f"Content-Length: {sum(map(len, PIECES))}".encode() in head
    assert body == b"".join(PIECES)
