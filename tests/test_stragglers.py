"""Promise P12: who keeps the server waiting is closed, and who is only slow is not. Real sockets, a clock of our own.

Each hostile client is also met by a server that nobody looks after: there it stays, so that its end means something.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
import struct
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from attrs import define, field

from imageserver import stragglers as room
from imageserver.certificates import make_certificate
from imageserver.certificates.loading import load_context
from imageserver.listening import Door, DoorSite, Patience, open_doors
from imageserver.stragglers import Deadlines, Stragglers, connections
from imageserver.testing import FakeClock

HANG_LIMIT = 30.0  # seconds; nothing here takes a fraction of it
NEVER = 3600.0
LARGE = 24 * 1024 * 1024  # bytes: more than the system keeps for anybody
PROMISED = 15.0  # seconds after which whoever leaves something half said is gone
HALF = b"GET / HTTP/1.1\r\nHost: x\r\nX-"
WHOLE = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"

# Elsewhere than on Linux the server has less to go by.
counted = pytest.mark.skipif(not hasattr(socket, "TCP_INFO"), reason="this system does not count what clients take")


async def hello(_request: web.Request) -> web.Response:
    return web.Response(text="hello")


async def large(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    answer.content_length = LARGE
    await answer.prepare(request)
    for _ in range(LARGE // 2**16):
        await answer.write(bytes(2**16))
    await answer.write_eof()
    return answer


@define(kw_only=True)
class Served:
    """A small server, with or without somebody who looks after it."""

    port: int
    clock: FakeClock
    runner: web.AppRunner
    stragglers: Stragglers
    patient: asyncio.Event  # lets /wait answer
    lost: list[str] = field(factory=list)  # what reading handlers heard when their client was closed

    async def passes(self, seconds: float) -> None:
        """So much time, second by second."""
        await self.clock.advance(seconds)

    async def until(self, is_so: Callable[[], bool]) -> None:
        """The server comes to see what a client has done."""
        async with asyncio.timeout(HANG_LIMIT):
            while not is_so():  # noqa: ASYNC110 - sockets have no events for what the other side has seen
                await asyncio.sleep(0.001)

    @property
    def there(self) -> list[room._Connection]:
        assert self.runner.server is not None
        return connections(self.runner.server)

    def received(self, number: int) -> Callable[[], bool]:
        """Whether so many bytes have come over all connections and were read."""
        return lambda: sum(kernel.received for one in self.there if (kernel := one.kernel())) >= number


@asynccontextmanager
async def serving(
    folder: Path, *, is_looked_after: bool = True, context: ssl.SSLContext | None = None, **means: Any
) -> AsyncIterator[Served]:
    """An application behind a door."""
    patient, lost = asyncio.Event(), []

    async def wait(_request: web.Request) -> web.Response:
        await patient.wait()
        return web.Response(text="at last")

    async def upload(request: web.Request) -> web.Response:
        size = 0
        try:
            async for piece in request.content.iter_any():
                size += len(piece)
        except Exception as error:
            lost.append(type(error).__name__)
            raise web.HTTPBadRequest from None
        return web.Response(text=str(size))

    async def file(_request: web.Request) -> web.FileResponse:
        return web.FileResponse(folder / "large")

    (folder / "large").write_bytes(bytes(LARGE))
    app = web.Application(client_max_size=2**30)
    app.router.add_get("/", hello)
    app.router.add_post("/body", upload)
    app.router.add_get("/large", large)
    app.router.add_get("/wait", wait)
    app.router.add_get("/file", file)
    runner = web.AppRunner(app, keepalive_timeout=NEVER, shutdown_timeout=0.01, lingering_time=0)
    await runner.setup()
    clock = FakeClock()
    stragglers = Stragglers(clock=clock, server=lambda: runner.server, **means)
    door = Door(option="port", host="127.0.0.1", port=0)
    patience = Patience(silence=NEVER, handshake=NEVER, whole=NEVER)
    [sock] = open_doors([door])
    site = DoorSite(runner, door, sock, context=lambda: context, patience=patience, stragglers=stragglers)
    await site.start()
    looking = asyncio.create_task(stragglers.run()) if is_looked_after else None
    try:
        yield Served(port=site.port, clock=clock, runner=runner, stragglers=stragglers, patient=patient, lost=lost)
    finally:
        assert looking is None or not looking.done(), "it stopped looking"
        if looking is not None:
            looking.cancel()
        await runner.cleanup()
        await site.cut_off()


class Client:
    """A socket that does as it is told, and reads nothing by itself."""

    def __init__(self, port: int, *, source: str = "127.0.0.1", narrow: bool = False) -> None:
        self.sock = socket.socket()
        if narrow:  # before it connects, or its window is larger
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.sock.bind((source, 0))
        self.sock.connect(("127.0.0.1", port))
        self.sock.setblocking(False)  # noqa: FBT003 - the standard library's own signature

    async def say(self, text: bytes) -> None:
        with contextlib.suppress(OSError):  # it may be closed by now
            await asyncio.get_running_loop().sock_sendall(self.sock, text)

    async def read(self, most: int = 65_536) -> bytes:
        async with asyncio.timeout(HANG_LIMIT):
            try:
                return await asyncio.get_running_loop().sock_recv(self.sock, most)
            except ConnectionResetError:
                return b""

    async def ends(self) -> bool:
        """True as soon as the server has ended it; a busy system may take a moment to tell."""
        async with asyncio.timeout(HANG_LIMIT):
            while not await self.is_closed():  # noqa: ASYNC110 - the same
                await asyncio.sleep(0.001)
        return True

    async def is_closed(self) -> bool:
        """Whether the server has ended it by now; what it sent before is read over."""
        await asyncio.sleep(0)
        try:
            while self.sock.recv(2**20):
                pass
        except BlockingIOError:
            return False
        except ConnectionResetError:
            pass
        return True


@asynccontextmanager
async def client(served: Served, **means: Any) -> AsyncIterator[Client]:
    one = Client(served.port, **means)
    try:
        yield one
    finally:
        one.sock.close()


async def half_a_head(served: Served, one: Client) -> None:
    await one.say(HALF)
    # Known a moment before aiohttp begins to wait for its head, and time counts from then on.
    await served.until(lambda: [connection.is_between_requests for connection in served.there] == [True])


async def half_a_second_head(served: Served, one: Client) -> None:
    await one.say(WHOLE)
    assert b"hello" in await one.read()
    await served.passes(20)  # it may be idle for longer than that
    await one.say(HALF)
    await served.until(served.received(len(WHOLE + HALF)))
    await served.passes(1)


async def a_stalled_body(served: Served, one: Client) -> None:
    await one.say(POST + bytes(5000))
    await served.until(lambda: [connection.body for connection in served.there] == [5000])
    await served.passes(1)


HALVES = [half_a_head, half_a_second_head, a_stalled_body]


@counted
@pytest.mark.parametrize("does", HALVES, ids=lambda does: does.__name__)
async def test_who_leaves_something_half_said_is_closed(tmp_path: Path, does: Any) -> None:
    """Within 15 seconds, and not within ten: a frame far from its router may need a few."""
    async with serving(tmp_path) as served, client(served) as one:
        await does(served, one)
        await served.passes(10)
        assert not await one.is_closed()
        await served.passes(PROMISED - 1 - 10)
        assert await one.ends()
        assert served.stragglers.closed == 1
        if does is a_stalled_body:
            await served.until(lambda: served.lost != [])  # whoever reads it hears of it, and ends


@pytest.mark.parametrize("does", HALVES, ids=lambda does: does.__name__)
async def test_with_nobody_who_looks_they_would_stay(tmp_path: Path, does: Any) -> None:
    """The control: an hour later the same clients are still there, so it is the look that closes them."""
    async with serving(tmp_path, is_looked_after=False) as served, client(served) as one:
        await does(served, one)
        await served.passes(3600)
        assert not await one.is_closed()


@pytest.mark.parametrize(("first", "path"), [(b"GET /", ""), (POST, "/body")], ids=["head", "body"])
async def test_drops_are_no_progress(tmp_path: Path, first: bytes, path: str) -> None:
    """A byte each second is closed like one that has stopped."""
    async with serving(tmp_path) as served, client(served) as one:
        await one.say(first)
        await served.until(lambda: len(served.there) == 1)
        if path:
            await served.until(lambda: served.there[0].body == 0)
        for _ in range(int(PROMISED)):
            await one.say(b"x")
            await served.passes(1)
        assert await one.ends()


async def test_a_slow_body_that_goes_on_is_taken(tmp_path: Path) -> None:
    """Two KiB each ten seconds arrive whole, however long that takes; nothing waits for what the server does then."""
    async with serving(tmp_path) as served, client(served) as one:
        await one.say(POST)
        for number in range(1, 50):
            await one.say(bytes(2000))
            await served.until(lambda number=number: [c.body for c in served.there] == [2000 * number])  # type: ignore[misc]
            await served.passes(10)
        await one.say(bytes(2000))
        assert (await one.read()).endswith(b"100000")


async def test_who_waits_for_an_answer_is_no_straggler(tmp_path: Path) -> None:
    """An answer that takes an hour is the server's own business."""
    async with serving(tmp_path) as served, client(served) as one:
        await one.say(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        await served.until(lambda: [connection.requests for connection in served.there] == [1])
        await served.passes(3600)
        served.patient.set()
        assert (await one.read()).endswith(b"at last")


async def test_an_idle_connection_is_left_to_its_own_timeout(tmp_path: Path) -> None:
    """Here that is an hour, and the next request is answered as the first was."""
    async with serving(tmp_path) as served, client(served) as one:
        for _ in range(3):
            await one.say(WHOLE)
            assert (await one.read()).endswith(b"hello")
            await served.passes(300)
        assert served.stragglers.closed == 0


@counted
@pytest.mark.parametrize("path", ["/large", "/file"])
async def test_who_does_not_read_is_closed(tmp_path: Path, path: str) -> None:
    """Half a minute after the last byte was taken, whether aiohttp writes or the system sends the file."""
    async with serving(tmp_path) as served, client(served, narrow=True) as one:
        await one.say(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await until_stuck(served)
        await served.passes(1)
        await served.passes(28)
        assert served.stragglers.closed == 0
        await served.passes(3)
        assert served.stragglers.closed == 1
        await served.until(lambda: served.there == [])
        # the system keeps nothing for it either (a busy one tells a moment later), and whoever wrote or sent has ended
        await served.until(lambda: one.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNRESET)
        assert served.runner.server is not None
        await served.until(lambda: served.runner.server.connections == [])  # type: ignore[union-attr]
        if sys.platform == "linux":
            async with asyncio.timeout(HANG_LIMIT):  # a thread of aiohttp's closes it
                while str(tmp_path / "large") in await asyncio.to_thread(files_of_this_process):  # noqa: ASYNC110 - as above
                    await asyncio.sleep(0.01)


def files_of_this_process() -> set[str]:
    found = set()
    for one in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # the one that lists them
            found.add(str(one.readlink()))
    return found


@counted
async def test_with_nobody_who_looks_a_deaf_client_stays(tmp_path: Path) -> None:
    """The control."""
    async with serving(tmp_path, is_looked_after=False) as served, client(served, narrow=True) as one:
        await one.say(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        await until_stuck(served)
        await served.passes(3600)
        assert len(served.there) == 1


async def until_stuck(served: Served) -> None:
    """The system keeps all that it will keep for this client."""
    before = None
    async with asyncio.timeout(HANG_LIMIT):
        while (
            (now := [one.kernel() for one in served.there]) != before
            or not now
            or not any(one.unsent for one in now if one)
        ):
            before = now
            await asyncio.sleep(0.5)  # longer than a system keeps back that something has arrived


@counted
@pytest.mark.parametrize("path", ["/large", "/file"])
async def test_a_slow_reader_that_goes_on_is_served(tmp_path: Path, path: str) -> None:
    """Some KiB each twenty seconds, for a quarter of an hour: never closed."""
    async with serving(tmp_path) as served, client(served, narrow=True) as one:
        await one.say(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await until_stuck(served)
        for _ in range(45):
            [before] = [connection.kernel() for connection in served.there]
            assert before is not None
            while (now := served.there[0].kernel()) is not None and now.taken < before.taken + 1024:
                await one.read(4096)
            await served.passes(20)
        assert served.stragglers.closed == 0
        await until_stuck(served)
        await served.passes(32)
        assert served.stragglers.closed == 1


@counted
async def test_over_tls_it_is_the_same(tmp_path: Path) -> None:
    """Half a head, and a client that reads nothing, behind a handshake; another that is asked for a goodbye in vain."""
    make_certificate(tmp_path, names=["localhost"], addresses=[ip_address("127.0.0.1")], now=datetime.now(UTC))
    trust = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
    async with serving(tmp_path, context=load_context(tmp_path)) as served:
        pairs = [await asyncio.open_connection("127.0.0.1", served.port, ssl=trust) for _ in range(3)]
        pairs[0][1].write(HALF)
        pairs[1][1].write(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        pairs[2][1].write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        for _, writer in pairs[1:]:  # the one reads no answer, the other gives none to the goodbye
            assert isinstance(writer.transport, asyncio.Transport)
            writer.transport.pause_reading()
        await served.until(lambda: sorted(one.requests for one in served.there) == [0, 1, 1])
        await served.until(lambda: sum(one.transport.is_closing() for one in served.there) == 1)
        await served.passes(PROMISED)
        assert served.stragglers.closed == 1
        await until_stuck(served)
        await served.passes(32)
        assert served.stragglers.closed == 3
        await served.until(lambda: served.there == [])
        for _, writer in pairs:
            writer.transport.abort()


async def test_time_in_which_nobody_looked_does_not_count(tmp_path: Path) -> None:
    """A machine that slept for an hour closes nobody for that."""
    async with serving(tmp_path, is_looked_after=False) as served, client(served) as one:
        await half_a_head(served, one)
        served.stragglers.look()
        for _ in range(5):
            await served.passes(3600)
            served.stragglers.look()
        assert not await one.is_closed()
        for _ in range(3):
            await served.passes(1)
            served.stragglers.look()
        assert await one.ends()


async def test_time_at_the_door_counts(tmp_path: Path) -> None:
    """Who took ten seconds for its first byte has two left for the rest of its head."""
    async with serving(tmp_path) as served, client(served) as one:
        await half_a_head(served, one)
        served.stragglers.came_in(served.there[0].handler, 10.0)
        await served.passes(1)
        assert not await one.is_closed()
        await served.passes(2)
        assert await one.ends()


async def test_the_door_says_how_long_somebody_took(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was slow at the door is known to whoever looks, before the first look; who was quick is not."""
    monkeypatch.setattr("imageserver.listening._SHORTEST", NEVER)  # so that even a busy machine is quick
    async with serving(tmp_path, is_looked_after=False) as served:
        async with client(served) as quick:
            await half_a_head(served, quick)
            assert served.stragglers._watched == {}
        await served.until(lambda: served.there == [])
        monkeypatch.setattr("imageserver.listening._SHORTEST", -1.0)
        async with client(served) as slow:
            await half_a_head(served, slow)
            await served.until(lambda: served.there[0].handler in served.stragglers._watched)
            waited = served.stragglers._watched[served.there[0].handler].incoming
            assert waited is not None
            assert waited.since < 0 == waited.request


async def test_one_address_holds_a_bounded_number_of_idle_connections(tmp_path: Path) -> None:
    """The oldest go, and nobody else's: one that waits for its answer stays, and whoever comes from there is served."""
    async with serving(tmp_path, deadlines=Deadlines(idle=5)) as served, contextlib.AsyncExitStack() as stack:

        async def come(source: str, path: str = "/") -> Client:
            one = Client(served.port, source=source)
            stack.callback(one.sock.close)
            await one.say(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            if path == "/":
                assert (await one.read()).endswith(b"hello")
            return one

        busy = await come("127.0.0.1", "/wait")
        other = await come("127.0.0.2")
        crowd = [await come("127.0.0.1") for _ in range(12)]
        await served.until(lambda: len(served.there) == 14)
        await served.passes(1)
        assert all([await one.ends() for one in crowd[:7]])
        assert not any([await one.is_closed() for one in crowd[7:]])
        assert not await other.is_closed()
        assert (await come("127.0.0.1")) is not None
        served.patient.set()
        assert (await busy.read()).endswith(b"at last")


async def test_room_is_made_when_files_run_out(tmp_path: Path) -> None:
    """Half of those that ask for nothing go, the oldest first."""
    async with serving(tmp_path, is_looked_after=False) as served, aiohttp.ClientSession() as http:
        crowd = []
        for _ in range(4):
            crowd.append(Client(served.port))
            await crowd[-1].say(WHOLE)
            await crowd[-1].read()
        asking = asyncio.create_task(_text(http, f"http://127.0.0.1:{served.port}/wait"))
        await served.until(lambda: sum(not one.is_between_requests for one in served.there) == 1)
        served.stragglers.make_room()
        assert all([await one.ends() for one in crowd[:2]])
        assert not any([await one.is_closed() for one in crowd[2:]])
        served.patient.set()
        assert await asking == "at last"
        for one in crowd:
            one.sock.close()


async def _text(http: aiohttp.ClientSession, address: str) -> str:
    async with http.get(address) as answer:
        return await answer.text()


@counted
async def test_the_private_names_mean_what_we_take_them_for(tmp_path: Path) -> None:
    """What is asked of aiohttp beside its public names, in each state that a connection can be in."""
    async with serving(tmp_path, is_looked_after=False) as served, client(served) as one:
        head = b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 3000\r\n"
        await one.say(head)
        await served.until(lambda: [connection.is_between_requests for connection in served.there] == [True])
        [connection] = served.there
        assert isinstance(connection.handler, web.RequestHandler)
        assert isinstance(connection.transport, asyncio.Transport)
        assert (connection.requests, connection.is_between_requests, connection.body) == (0, True, None)
        assert connection.address == "127.0.0.1"
        await one.say(b"\r\n" + bytes(1000))
        await served.until(lambda: connection.body == 1000)
        assert (connection.requests, connection.is_between_requests, connection.is_idle) == (1, False, False)
        connection.handler.pause_reading()
        assert connection.body is None  # we do not read on, so nobody is late
        connection.handler.resume_reading()
        before = connection.last_answered
        await one.say(bytes(2000))
        assert (await one.read()).endswith(b"3000")
        await served.until(lambda: connection.is_idle)
        assert (connection.requests, connection.body) == (1, None)
        assert connection.last_answered > before
        # the system confirms late what a client has read
        await served.until(lambda: (kernel := connection.kernel()) is not None and kernel.taken > 100)
        kernel = connection.kernel()
        assert kernel is not None
        assert (kernel.received, kernel.unsent) == (len(head) + 2 + 3000, 0)
        assert not connection.is_gone
        connection.transport.abort()
        await served.until(lambda: connection.is_gone)
        assert connection.kernel() is None
        assert served.there == []


def test_what_the_system_says_of_a_socket_is_where_we_look() -> None:
    """The two counters stand behind one another in every Linux since 4.1."""
    assert (room._COUNTERS_AT, room._COUNTERS.size) == (120, struct.calcsize("=QQ"))


async def test_it_says_so_when_it_cannot_go_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A server without a name that we need is served all the same; the log tells."""
    clock = FakeClock()

    def changed() -> web.Server:
        raise AttributeError("_connections")

    await Stragglers(clock=clock, server=changed).run()
    assert "are no longer closed" in caplog.text
