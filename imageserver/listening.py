"""The listening sockets. One port speaks plain HTTP and TLS at once: the first byte of a connection tells which.

That byte is looked at and left where it is, so whoever is given the connection reads it from the beginning. Who
connects and says nothing, or begins a handshake and does not go on, holds a place for some seconds only.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import resource
import socket
from collections.abc import Callable, Sequence
from ssl import SSLContext
from weakref import WeakSet

from aiohttp import web
from attrs import frozen

from imageserver.errors import ImageServerError
from imageserver.stragglers import Stragglers

_HANDSHAKE = b"\x16"  # how every TLS connection begins, and no HTTP request does
_BACKLOG = 1024  # connections that may wait to be taken: a houseful of frames wakes at the same second
_AT_ONCE = 64  # connections taken in one turn of the loop; what goes on meanwhile must not wait for more
_FILES = 8192  # enough for a thousand frames, browsers and whoever only holds on
_SHORTEST = 0.5  # seconds: a handshake may always take that, and who took no longer was quick
_COMPLAINTS = 60.0  # seconds between two lines about the same trouble

_log = logging.getLogger(__name__)


class CannotListen(ImageServerError):
    """A port is taken or not allowed."""

    reason = "cannot_listen"


@frozen(kw_only=True)
class Door:
    """A port to listen on, and the option that asks for it."""

    option: str  # "port", "https_port", "frames.kitchen.port"
    host: str
    port: int  # 0 takes any free one
    tls_only: bool = False


@frozen(kw_only=True)
class Patience:
    """How long newcomers may take, and how many of them there may be. A newcomer has not asked for anything yet."""

    silence: float = 10.0  # seconds until the first byte
    handshake: float = 10.0  # seconds until it is agreed how to encrypt; a frame takes two
    whole: float = 12.0  # seconds for both together; what a newcomer took of them its first request has less
    goodbye: float = 60.0  # seconds for an encrypted connection's end: a slow frame may still be reading a picture
    newcomers: int = 512  # at each door; of more than these the oldest goes. Half of the files a process often has
    pause: float = 1.0  # seconds without taking anybody in, when the system has no more files


def open_doors(doors: Sequence[Door]) -> list[socket.socket]:
    """A listening socket for each door; with one that cannot be had, none. Raises CannotListen."""
    with contextlib.ExitStack() as opened:
        sockets = [opened.enter_context(_listen(door)) for door in doors]
        opened.pop_all()
    return sockets


def allow_files() -> None:
    """As many open files as the system lets this process have: each connection is one, and 1,024 are soon taken."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):  # macOS allows fewer than it says
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _listen(door: Door) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in door.host else socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((door.host, door.port))
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        where = f"{door.option}: {door.host or '*'} port {door.port}"
        raise CannotListen(f"{where} cannot be used: {error.strerror}. {_remedy(door, error)}") from None
    sock.setblocking(False)  # noqa: FBT003 - the standard library's own signature
    return sock


def _remedy(door: Door, error: OSError) -> str:
    if error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
        return "`host:` must be an address of this machine, or 0.0.0.0 for all of them"
    cause = "Ports below 1024 are for root." if error.errno == errno.EACCES else "Is another server running?"
    flag = "--port or " if door.option == "port" else ""
    return f"{cause} Choose another port with {flag}`{door.option}:` in options.yml"


class DoorSite(web.BaseSite):
    """Takes connections in at one door and hands them to the runner's server, encrypted or plain.

    `context` is asked for each connection that wants TLS; while it gives None, everybody is taken for plain HTTP.
    """

    def __init__(
        self,
        runner: web.BaseRunner,
        door: Door,
        sock: socket.socket,
        *,
        context: Callable[[], SSLContext | None] = lambda: None,
        patience: Patience = Patience(),
        stragglers: Stragglers | None = None,
    ) -> None:
        super().__init__(runner)
        self.door = door
        self.port: int = sock.getsockname()[1]  # the real one, where any free one was asked for
        self._sock = sock
        self._context = context
        self._patience = patience
        self._stragglers = stragglers
        self._loop = asyncio.get_running_loop()
        self._newcomers: dict[asyncio.Task[None], None] = {}  # the oldest first
        self._encrypted: WeakSet[asyncio.BaseTransport] = WeakSet()
        self._pause: asyncio.TimerHandle | None = None
        self._quiet_until: dict[str, float] = {}

    @property
    def name(self) -> str:
        """For the runner's own messages."""
        return f"{self.door.option} ({self.port})"

    async def start(self) -> None:
        """Begin to take connections in."""
        await super().start()
        self._loop.add_reader(self._sock, self._take_in)

    async def stop(self) -> None:
        """Close the door, and send newcomers away. Connections that were handed over are the runner's to close."""
        self._loop.remove_reader(self._sock)
        if self._pause is not None:
            self._pause.cancel()
        self._sock.close()
        await asyncio.sleep(0)  # every newcomer's task has begun, and so will close its connection
        for newcomer in self._newcomers:
            newcomer.cancel()
        await asyncio.gather(*self._newcomers, return_exceptions=True)
        await super().stop()

    async def cut_off(self) -> None:
        """After the runner's cleanup: end the connections whose other side has not answered the goodbye."""
        for transport in list(self._encrypted):
            if isinstance(transport, asyncio.WriteTransport):
                transport.abort()
        await asyncio.sleep(0)  # that is when they close

    def _take_in(self) -> None:
        places = self._patience.newcomers - len(self._newcomers)
        if places <= 0:
            self._send_away(1)
            return  # the loop calls again for whoever waits
        for _ in range(min(places, _AT_ONCE)):
            try:
                sock, _ = self._sock.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionAbortedError:
                continue  # gone again before its turn came
            except OSError as error:
                self._rest(error)
                return
            sock.setblocking(False)  # noqa: FBT003 - as above
            newcomer = self._loop.create_task(self._receive(sock))
            self._newcomers[newcomer] = None
            newcomer.add_done_callback(self._newcomers.pop)

    def _rest(self, error: OSError) -> None:
        # The loop would call again at once, for as long as somebody waits at the door.
        self._loop.remove_reader(self._sock)
        self._pause = self._loop.call_later(self._patience.pause, self._loop.add_reader, self._sock, self._take_in)
        self._send_away(len(self._newcomers) // 2)
        if self._stragglers is not None:
            self._stragglers.make_room()
        self._complain("nobody can connect to port %d for a moment: %s", self.port, error.strerror)

    def _send_away(self, number: int) -> None:
        for newcomer in list(self._newcomers)[:number]:
            # Not at once, because a task that is cancelled before it began would not close its connection.
            self._loop.call_soon(newcomer.cancel)

    async def _receive(self, sock: socket.socket) -> None:
        accepted = self._loop.time()
        with contextlib.ExitStack() as ours:
            ours.callback(sock.close)
            try:
                async with asyncio.timeout(self._patience.silence):
                    first = await self._first_byte(sock)
            except OSError:  # reset, or out of time: TimeoutError is one of them
                return
            if not first:
                return  # it hung up
            ours.pop_all()
        context = self._context()
        is_tls = self.door.tls_only or first == _HANDSHAKE
        if is_tls and context is None:
            self._complain(
                "a client wants HTTPS on port %d, and there are no certificates: `imageserver cert` makes them",
                self.port,
            )
        # From here on the connection belongs to its transport, which closes it, whatever happens.
        with contextlib.suppress(OSError):  # no TLS after all, hung up, out of time: everyday life
            await self._hand_over(sock, context if is_tls else None, accepted)

    async def _first_byte(self, sock: socket.socket) -> bytes:
        while True:
            try:
                return sock.recv(1, socket.MSG_PEEK)
            except (BlockingIOError, InterruptedError):
                readable = asyncio.Event()
                self._loop.add_reader(sock, readable.set)
                try:
                    await readable.wait()
                finally:
                    self._loop.remove_reader(sock)

    async def _hand_over(self, sock: socket.socket, context: SSLContext | None, accepted: float) -> None:
        server = self._runner.server
        assert server is not None  # sites are stopped before their server goes
        if context is None:
            _, protocol = await self._loop.connect_accepted_socket(server, sock)
        else:
            left = self._patience.whole - (self._loop.time() - accepted)
            transport, protocol = await self._loop.connect_accepted_socket(
                server,
                sock,
                ssl=context,
                ssl_handshake_timeout=min(self._patience.handshake, max(left, _SHORTEST)),
                ssl_shutdown_timeout=self._patience.goodbye,
            )
            self._encrypted.add(transport)
        spent = self._loop.time() - accepted
        if self._stragglers is not None and spent > _SHORTEST and isinstance(protocol, web.RequestHandler):
            self._stragglers.came_in(protocol, spent)

    def _complain(self, message: str, *facts: object) -> None:
        now = self._loop.time()
        if now >= self._quiet_until.get(message, 0.0):
            self._quiet_until[message] = now + _COMPLAINTS
            _log.warning(message, *facts)
