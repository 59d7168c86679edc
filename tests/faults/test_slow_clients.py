"""Promise P12 over the whole server: hostile clients of every kind are closed, and a frame beside them is served."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import resource
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hurried import program_code
from live import OWNER, Live, live
from patient import patient_frame
from program import HANG_LIMIT, program

from imageserver.listening import Door, DoorSite, open_doors
from imageserver.stragglers import Stragglers, connections
from imageserver.testing import FakeClock

HEAD = "Host: x\r\nAuthorization: Bearer the-owners-token\r\nContent-Length: 5000\r\n"
FORM = "Content-Type: multipart/form-data; boundary=x"
# What each of them says before it falls silent. All of them keep a place that a frame might need.
SILENT = {
    "half a head": "GET /frame.jpg HTTP/1.1\r\nHost: x\r\n",
    "half a wish": f"POST /operation/start HTTP/1.1\r\n{HEAD}\r\n{{",
    "half a picture": f"POST /api/v1/pictures HTTP/1.1\r\n{HEAD}Content-Type: image/jpeg\r\n\r\n\xff",
    "half a form": f"POST /api/v1/pictures HTTP/1.1\r\n{HEAD}{FORM}\r\n\r\n--x\r\n",
    "half a prompt": f"POST /prompt/add HTTP/1.1\r\n{HEAD}\r\n{{",
}
CROWD = 100  # idle ones beside them


@asynccontextmanager
async def looked_after(server: Live, clock: FakeClock, *, is_looked_after: bool = True) -> AsyncIterator[int]:
    """The server's runner behind a door of ours; the port."""
    door = Door(option="port", host="127.0.0.1", port=0)
    [sock] = open_doors([door])
    stragglers = Stragglers(clock=clock, server=lambda: server.runner.server)
    site = DoorSite(server.runner, door, sock, stragglers=stragglers)
    await site.start()
    looking = asyncio.create_task(stragglers.run()) if is_looked_after else None
    yield site.port
    if looking is not None:
        looking.cancel()


@pytest.mark.parametrize("is_looked_after", [True, False], ids=["looked after", "the control"])
async def test_hostile_clients_are_closed_and_a_frame_is_served(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, is_looked_after: bool
) -> None:
    """Fifteen seconds later they are gone, each without a line of alarm; with nobody who looks they are all there."""
    clock = FakeClock()
    async with (
        live(tmp_path, stored=2, options="disabled_providers: [atelier]\n") as server,
        looked_after(server, clock, is_looked_after=is_looked_after) as port,
    ):
        assert server.runner.server is not None
        there = server.runner.server
        hostile = {name: await asyncio.open_connection("127.0.0.1", port) for name in SILENT}
        for name, (_, writer) in hostile.items():
            writer.write(SILENT[name].encode("latin-1"))
        idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(CROWD)]
        for reader, writer in idle:
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")
        async with asyncio.timeout(HANG_LIMIT):
            while sum(one.body is not None for one in connections(there)) < 4:  # noqa: ASYNC110 - theirs, no event
                await asyncio.sleep(0.001)
        frame = patient_frame(port, poll=0.01)
        assert await frame.picture("old")
        await clock.advance(15)
        if is_looked_after:
            for reader, _ in hostile.values():
                with contextlib.suppress(ConnectionResetError):
                    await asyncio.wait_for(reader.read(), HANG_LIMIT)
        assert {name for name, (reader, _) in hostile.items() if not reader.at_eof() and not reader.exception()} == (
            set() if is_looked_after else set(SILENT)
        )
        assert await frame.picture("old")
        async with server.http.get("/healthz", headers=OWNER) as answer:
            assert answer.status == 200
        for _, writer in [*hostile.values(), *idle]:
            writer.transport.abort()
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_the_program_itself_looks_after_its_connections(tmp_path: Path) -> None:
    """`imageserver serve`, with a clock that hurries: half a head is closed long before anything else would."""
    async with program(tmp_path, code=program_code(50)) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(SILENT["half a head"].encode())
        with contextlib.suppress(ConnectionResetError):
            # aiohttp's own timeout for it is 30 s
            assert await asyncio.wait_for(reader.read(), 20) == b""
        writer.close()
        assert await running.frame.picture()
        if sys.platform == "linux":  # only there one process may ask for another's limits
            soft, hard = resource.prlimit(running.process.pid, resource.RLIMIT_NOFILE)
            assert soft >= (8192 if hard == resource.RLIM_INFINITY else min(8192, hard))


def test_sockets_know_their_counters() -> None:
    """Where CI runs the server must have all its means, or half of this file proves less than it says."""
    assert hasattr(socket, "TCP_INFO") or sys.platform != "linux"
