"""What systemd hears: over a real socket, from the real program, and nothing for its watchdog from a dead one."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from attrs import frozen
from live import live, picture_bytes
from program import HANG_LIMIT, program

from imageserver.systemd import Systemd
from imageserver.testing import FakeClock
from imageserver.web import keys


@frozen
class Ear:
    """Where systemd listens."""

    address: str  # as NOTIFY_SOCKET names it
    sock: socket.socket

    async def hear(self) -> list[str]:
        """The lines of the next message."""
        loop = asyncio.get_running_loop()
        return (await asyncio.wait_for(loop.sock_recv(self.sock, 4096), HANG_LIMIT)).decode().splitlines()

    def has_heard(self) -> bool:
        """Whether anything has come; takes it away."""
        try:
            self.sock.recv(4096)
        except BlockingIOError:
            return False
        return True


@pytest.fixture(params=["path", "abstract"])
def ear(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Ear]:
    name = f"imageserver-{secrets.token_hex(8)}"
    address = f"@{name}" if request.param == "abstract" else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(f"\0{name}" if request.param == "abstract" else address)
        sock.setblocking(False)  # noqa: FBT003 - the standard library's own signature
        yield Ear(address, sock)


async def test_the_real_program_tells_its_life(tmp_path: Path, ear: Ear) -> None:
    """It asks for time, then READY=1 once it serves, WATCHDOG=1 again and again, STOPPING=1 at SIGTERM."""
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "one.jpg").write_bytes(picture_bytes())  # so that it has none to paint
    extra = {"NOTIFY_SOCKET": ear.address, "WATCHDOG_USEC": "400000"}
    async with program(tmp_path / "data", extra=extra) as server:
        assert await ear.hear() == ["EXTEND_TIMEOUT_USEC=60000000", "STATUS=starting"]
        assert await ear.hear() == ["READY=1", f"STATUS=serving on port {server.port}"]
        for _ in range(3):
            assert await ear.hear() == ["WATCHDOG=1"]
        server.process.send_signal(signal.SIGTERM)
        while (said := await ear.hear()) == ["WATCHDOG=1"]:
            pass
        assert said == ["STOPPING=1", "STATUS=stopping"]
        assert await asyncio.wait_for(server.process.wait(), HANG_LIMIT) == 0
        assert not ear.has_heard()


@asynccontextmanager
async def telling(systemd: Systemd, dead: list[str], clock: FakeClock) -> AsyncIterator[None]:
    task = asyncio.create_task(systemd.keep_telling(lambda: dead, clock))
    await clock.until_sleeping()
    yield
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_twice_in_its_time_and_never_when_dead(ear: Ear, caplog: pytest.LogCaptureFixture) -> None:
    """Every half of the watchdog's time a word, none while something is dead, and one as soon as it lives again."""
    clock, dead = FakeClock(), []  # type: ignore[var-annotated]  # of texts
    systemd = Systemd.of({"NOTIFY_SOCKET": ear.address, "WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())})
    assert systemd.watchdog == 60
    async with telling(systemd, dead, clock):
        assert await ear.hear() == ["WATCHDOG=1"]
        await clock.advance(29)
        assert not ear.has_heard()
        await clock.advance(1)
        assert await ear.hear() == ["WATCHDOG=1"]
        dead.append("journal")
        await clock.advance(30)
        assert await ear.hear() == ["STATUS=failing: journal"]
        await clock.advance(600)
        assert not ear.has_heard(), "this is what kills it"
        dead.clear()
        await clock.advance(1)
        assert await ear.hear() == ["WATCHDOG=1"]
        assert await ear.hear() == ["STATUS=serving"]
    assert "does not run as it must: journal; systemd starts it anew" in caplog.text
    assert caplog.text.count("does not run as it must") == 1


async def test_a_long_start_asks_for_time(ear: Ear) -> None:
    """However long it takes, twice in the time that it was given; where nobody listens it asks nobody."""
    clock = FakeClock()
    task = asyncio.create_task(Systemd(address=ear.address).ask_for_time(clock))
    for _ in range(4):
        await clock.until_sleeping()
        assert (await ear.hear())[0] == "EXTEND_TIMEOUT_USEC=60000000"
        await clock.advance(29)
        assert not ear.has_heard()
        await clock.advance(1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await Systemd().ask_for_time(clock)


async def test_the_watchdog_is_tied_to_healthz(tmp_path: Path, ear: Ear) -> None:
    """With a worker gone from a whole server the real check keeps the word back; before that it was given."""
    clock = FakeClock()
    async with live(tmp_path, options="disabled_providers: [atelier]\n", stored=1) as server:
        systemd = Systemd(address=ear.address, watchdog=10.0)
        task = asyncio.create_task(systemd.keep_telling(server.app[keys.OVERVIEW].not_running, clock))
        assert await ear.hear() == ["WATCHDOG=1"]
        supervisor = server.app[keys.OPTIONS]._crew._supervisor
        supervisor._running["worker 1"].cancel()
        while not supervisor._running["worker 1"].done():  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0)
        await clock.advance(5)
        assert await ear.hear() == ["STATUS=failing: worker 1"]
        await clock.advance(20)
        assert not ear.has_heard()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_only_its_own_watchdog_counts() -> None:
    """What is meant for another process, or makes no sense, is no watchdog; without a socket nobody is told."""
    socket_only = {"NOTIFY_SOCKET": "/run/systemd/notify"}
    for more in ({}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "soon"}, {"WATCHDOG_USEC": "9", "WATCHDOG_PID": "1"}):
        assert Systemd.of(socket_only | more).watchdog is None
    for nowhere in ({}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1234", "WATCHDOG_USEC": "9"}):
        systemd = Systemd.of(nowhere)
        assert (systemd.address, systemd.watchdog) == (None, None)
        systemd.tell("READY=1")


def test_a_deaf_systemd_holds_nobody_up(ear: Ear, caplog: pytest.LogCaptureFixture) -> None:
    """A full socket or one that is gone costs a line in the log, once."""
    systemd = Systemd(address=ear.address)
    done = threading.Event()

    def flood() -> None:
        for _ in range(5000):
            systemd.tell("WATCHDOG=1")
        done.set()

    thread = threading.Thread(target=flood, daemon=True)
    thread.start()
    assert done.wait(HANG_LIMIT), "it waits for somebody who does not read"
    thread.join()
    Systemd(address="@nobody-listens-here").tell("READY=1")
    assert caplog.text.count("systemd cannot be told that WATCHDOG=1") == 1
    assert "systemd cannot be told that READY=1" in caplog.text
