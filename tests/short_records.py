"""A frame's way of speaking TLS: version 1.2, and records of 512 bytes, which openssl asks for as BearSSL does."""

from __future__ import annotations

import asyncio
import contextlib
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

HANG_LIMIT = 60.0
Begin = Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]


@asynccontextmanager
async def short_records(server: int) -> AsyncIterator[tuple[int, list[int]]]:
    """A plain port behind which a client speaks TLS 1.2 and asks for short records; the sizes of those that came."""
    sizes: list[int] = []
    going = set[asyncio.Task[None]]()

    def begun(handler: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]) -> Begin:
        return lambda reader, writer: going.add(asyncio.create_task(handler(reader, writer)))

    async def watched(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection("127.0.0.1", server)
        await both(pumped(reader, to_server), pumped(from_server, writer, RecordSizes(sizes).feed))

    async def encrypted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tls = await asyncio.create_subprocess_exec(
            *("openssl", "s_client", "-quiet", "-tls1_2", "-maxfraglen", "512", "-cipher", "ECDHE+AES128"),
            *("-connect", f"127.0.0.1:{behind.sockets[0].getsockname()[1]}"),
            stdin=PIPE, stdout=PIPE, stderr=DEVNULL,
        )  # fmt: skip
        assert tls.stdin is not None
        assert tls.stdout is not None
        await both(pumped(reader, tls.stdin), pumped(tls.stdout, writer))
        with contextlib.suppress(ProcessLookupError):
            tls.kill()
        await tls.wait()

    behind = await asyncio.start_server(begun(watched), "127.0.0.1", 0)
    before = await asyncio.start_server(begun(encrypted), "127.0.0.1", 0)
    async with behind, before:
        yield before.sockets[0].getsockname()[1], sizes
    if going:  # an openssl that the end of the test's loop leaves behind would fail another test
        await asyncio.wait(going, timeout=HANG_LIMIT)


class RecordSizes:
    """Notes the plain size of every TLS record with a part of an answer in it."""

    def __init__(self, sizes: list[int]) -> None:
        self._sizes = sizes
        self._held = bytearray()

    def feed(self, piece: bytes) -> None:
        self._held += piece
        while len(self._held) >= 5 and len(self._held) >= (whole := 5 + int.from_bytes(self._held[3:5], "big")):
            if self._held[0] == 0x17:
                self._sizes.append(whole - 5 - 8 - 16)  # without its nonce and its tag
            del self._held[:whole]


async def both(*pumps: Coroutine[Any, Any, None]) -> None:
    """Run two directions until one of them ends."""
    tasks = [asyncio.ensure_future(pump) for pump in pumps]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def pumped(
    source: asyncio.StreamReader, sink: asyncio.StreamWriter, see: Callable[[bytes], None] = lambda _piece: None
) -> None:
    """Hands on everything until the source ends or the sink is gone."""
    try:
        with contextlib.suppress(OSError):
            while piece := await source.read(65_536):
                see(piece)
                sink.write(piece)
                await sink.drain()
    finally:
        sink.close()
