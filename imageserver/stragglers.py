"""Closes connections that keep the server waiting: half a request, a body that stalls, an answer that nobody reads.

aiohttp has no deadline for any of them. Once a second all connections are looked at, so no request pays for it with a
timer or a task. Only time in which somebody looked counts: after a machine has slept, or was too busy, nobody is
closed for what this server missed.

What a connection is at cannot be asked of aiohttp in public; the private names stand in `_Connection` and nowhere else,
and tests/test_stragglers.py fails when one of them means something else.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import socket
import struct
import termios
from asyncio import Transport
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Literal

from aiohttp import web
from attrs import define, evolve, field, frozen

from imageserver.clock import Clock

EVERY = 1.0  # seconds between two looks
_QUIET = 60.0  # seconds between two lines in the log
# linux/tcp.h, struct tcp_info: tcpi_bytes_acked and tcpi_bytes_received, in Linux since 4.1
_TCP_INFO, _COUNTERS, _COUNTERS_AT = getattr(socket, "TCP_INFO", None), struct.Struct("=QQ"), 120

_log = logging.getLogger(__name__)

Waiting = Literal["head", "body", "goodbye", "answer"]
_COMPLAINT: dict[Waiting, str] = {
    "head": "did not finish its request",
    "body": "did not go on with what it was sending",
    "goodbye": "did not answer the goodbye",
    "answer": "did not read its answer",
}


@frozen(kw_only=True)
class Deadlines:
    """How slow a client may be. Real frames pause for two seconds at most, or have given up themselves."""

    head: float = 12.0  # seconds from a connection's first moment, or a later request's first byte, to its last header
    body: float = 13.0  # seconds for each `pace` bytes of a body, and for its end
    answer: float = 30.0  # seconds in which a client must have taken `pace` bytes more of what it asked for
    pace: int = 1024  # bytes; a slow reader that goes on is no straggler
    idle: int = 128  # connections of one address that ask for nothing; of more the oldest go

    def of(self, what: Waiting) -> float:
        """Seconds."""
        return {"head": self.head, "body": self.body, "goodbye": self.answer, "answer": self.answer}[what]


@frozen
class _Kernel:
    """What the system knows of a socket."""

    unsent: int  # bytes that the other side has not confirmed; 0 of an idle connection, which nobody asked for
    taken: int  # bytes that it has, since the beginning
    received: int  # bytes that came from it, since the beginning


@define(eq=False)
class _Connection:
    """One connection at this moment. All that is private to aiohttp is asked here."""

    handler: web.RequestHandler
    transport: Transport

    @property
    def is_gone(self) -> bool:
        """Whether its socket is closed; what it asked for may still be under way."""
        sock = self.transport.get_extra_info("socket")
        return sock is not None and sock.fileno() < 0

    @property
    def requests(self) -> int:
        """How many whole heads it has sent."""
        return self.handler._request_count

    @property
    def address(self) -> str:
        peer = self.handler.peername
        return str(peer[0]) if isinstance(peer, tuple) else ""

    @property
    def is_between_requests(self) -> bool:
        """Whether the next thing to happen is a request."""
        waiter = self.handler._waiter
        return waiter is not None and not waiter.done() and not self.handler._messages

    @property
    def is_idle(self) -> bool:
        """Whether it has had all its answers, is open, and asks for nothing; aiohttp closes it after a while."""
        return self.is_between_requests and not self.transport.is_closing()

    @property
    def body(self) -> int | None:
        """Bytes that came of a body which is not there whole; None when nothing is missing, or we do not read on."""
        request = self.handler._current_request
        if request is None or request.content.is_eof() or self.handler._reading_paused:
            return None
        return request.content.total_bytes

    @property
    def last_answered(self) -> float:
        """When it began to be idle, by the loop's time and some constant."""
        return self.handler._next_keepalive_close_time

    def cut_off(self) -> None:
        """End it for both sides, and let the system throw away what nobody reads.

        Whoever waits for this socket in the event loop is woken and hears an error. `abort` would wake nobody who
        sends a file: asyncio forgets such a wait, and whoever gets the number of this socket next would meet it.
        """
        sock = self.transport.get_extra_info("socket")
        if sock is None:
            self.transport.abort()
            return
        with contextlib.suppress(OSError):  # it has ended by itself
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.shutdown(socket.SHUT_RDWR)

    def kernel(self) -> _Kernel | None:
        """None where the system does not tell."""
        sock = self.transport.get_extra_info("socket")
        if _TCP_INFO is None or sock is None:
            return None
        try:
            info = sock.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _COUNTERS_AT + _COUNTERS.size)
            taken, received = _COUNTERS.unpack_from(info, _COUNTERS_AT)
            if self.is_idle:
                # What an idle client has not read yet lies with the system and costs us nothing; it may take its time.
                return _Kernel(0, taken, received)
            [unsent] = struct.unpack("i", fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4)))
        except (OSError, struct.error):  # closed at this moment, no TCP, an older system
            return None
        return _Kernel(unsent, taken, received)


def connections(server: web.Server) -> list[_Connection]:
    """Those that are open, and those that aiohttp has closed and that cannot end because nobody reads what is left."""
    found = [_Connection(handler, transport) for handler, transport in server._connections.items()]
    return [one for one in found if not one.is_gone]


@frozen
class _Wait:
    """What is waited for, how far it had come, and since when it has not come on."""

    what: Waiting
    request: int  # its number on this connection
    mark: int  # bytes
    since: float


@define(eq=False)
class _Watched:
    """What is remembered of a connection from one look to the next."""

    incoming: _Wait | None = None
    outgoing: _Wait | None = None
    is_cut_off: bool = False
    idle: tuple[int, int] | None = None  # after which request, and how many bytes had come when that was first seen


@define(kw_only=True, eq=False)
class Stragglers:
    """Looks at the connections of a server."""

    clock: Clock
    server: Callable[[], web.Server | None]
    deadlines: Deadlines = Deadlines()
    closed: int = field(init=False, default=0)  # connections, since the start
    _watched: dict[web.RequestHandler, _Watched] = field(init=False, factory=dict)
    _now: float = field(init=False, default=0.0)  # seconds in which somebody looked
    _looked: float | None = field(init=False, default=None)  # when, by the clock
    _quiet_until: float = field(init=False, default=0.0)

    async def run(self) -> None:
        """Look once a second. Ends only when it cannot go on, and says so: frames are served without it too."""
        try:
            while True:
                self.look()
                await self.clock.sleep(EVERY)
        except Exception:
            _log.exception("connections that keep the server waiting are no longer closed")

    def came_in(self, handler: web.RequestHandler, spent: float) -> None:
        """A connection spent so many seconds at the door: they count towards its first request."""
        self._watched[handler] = _Watched(incoming=_Wait("head", 0, 0, self._now - spent))

    def look(self) -> None:
        """Close whoever is overdue, and the oldest idle ones of an address that has too many."""
        self._move_on()
        server = self.server()
        before, self._watched = self._watched, {}
        idle: defaultdict[str, list[_Connection]] = defaultdict(list)
        for connection in connections(server) if server is not None else ():
            watched = self._watched[connection.handler] = before.get(connection.handler) or _Watched()
            self._note(connection, watched)
            if (why := self._complaint(watched)) is not None:
                self._cut_off(connection, watched, why)
            elif connection.is_between_requests:
                idle[connection.address].append(connection)
        for crowd in idle.values():
            self._thin_out(crowd, len(crowd) - self.deadlines.idle, f"had more than {self.deadlines.idle} others")

    def make_room(self) -> None:
        """The system has no more files: half of those that ask for nothing go, the oldest first."""
        server = self.server()
        crowd = [one for one in connections(server) if one.is_between_requests] if server is not None else []
        self._thin_out(crowd, (len(crowd) + 1) // 2, "asked for nothing when the system had no more files")

    def _move_on(self) -> None:
        now = self.clock.monotonic()
        if self._looked is not None:
            self._now += max(0.0, min(now - self._looked, 2 * EVERY))
        self._looked = now

    def _note(self, connection: _Connection, watched: _Watched) -> None:
        kernel = connection.kernel()
        self._expect(watched, self._incoming(connection, watched, kernel))
        owed = connection.transport.get_write_buffer_size() + (kernel.unsent if kernel is not None else 0)
        self._deliver(watched, owed, kernel)

    def _incoming(
        self, connection: _Connection, watched: _Watched, kernel: _Kernel | None
    ) -> tuple[Waiting, int, int] | None:
        """What the client owes, of which request, and how much of it has come; None when it is not its turn."""
        requests = connection.requests
        if connection.transport.is_closing():  # over TLS each side says goodbye; plain ones are gone at once
            return ("goodbye", requests, 0)
        if not connection.is_between_requests:
            body = connection.body
            return None if body is None else ("body", requests, body)
        if requests == 0:
            return ("head", 0, 0)
        if kernel is None:  # then it goes with the idle ones
            return None
        if watched.idle is None or watched.idle[0] != requests:
            watched.idle = requests, kernel.received
        return ("head", requests, 0) if kernel.received > watched.idle[1] else None

    def _expect(self, watched: _Watched, owed: tuple[Waiting, int, int] | None) -> None:
        if owed is None:
            watched.incoming = None
            return
        what, request, came = owed
        wait = watched.incoming
        if wait is None or (wait.what, wait.request) != (what, request) or came - wait.mark >= self.deadlines.pace:
            watched.incoming = _Wait(what, request, came, self._now)

    def _deliver(self, watched: _Watched, owed: int, kernel: _Kernel | None) -> None:
        wait = watched.outgoing
        if owed == 0:
            watched.outgoing = None
            return
        # Where the system does not count what was taken, what is left tells: it falls unless we have written more.
        taken = kernel.taken if kernel is not None else -owed
        if wait is None or taken - wait.mark >= self.deadlines.pace:
            watched.outgoing = _Wait("answer", 0, taken, self._now)
        elif taken < wait.mark:
            watched.outgoing = evolve(wait, mark=taken)

    def _complaint(self, watched: _Watched) -> str | None:
        """Why a connection is to be closed; None for one that is not."""
        for wait in (watched.incoming, watched.outgoing):
            if wait is not None and self._now - wait.since >= self.deadlines.of(wait.what):
                return _COMPLAINT[wait.what]
        return None

    def _thin_out(self, crowd: Iterable[_Connection], number: int, why: str) -> None:
        for connection in sorted(crowd, key=lambda one: one.last_answered)[: max(0, number)]:
            self._say(connection, why)
            connection.transport.abort()

    def _cut_off(self, connection: _Connection, watched: _Watched, why: str) -> None:
        if watched.is_cut_off:  # at the last look, and still there
            connection.transport.abort()
            return
        watched.is_cut_off = True
        self._say(connection, why)
        connection.cut_off()

    def _say(self, connection: _Connection, why: str) -> None:
        self.closed += 1
        if self._now >= self._quiet_until:
            self._quiet_until = self._now + _QUIET
            _log.info("a connection of %s was closed, because it %s", connection.address or "somebody", why)
