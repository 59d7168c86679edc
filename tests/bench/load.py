"""The load client, a process of its own: `python -m tests.bench.load JOB`, the job as JSON.

It connects, says `ready`, begins at a line on its standard input, and prints what it counted as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

import attrs
from attrs import define, field, frozen

from .tls import client_context

_LAST_CHUNK = b"\r\n0\r\n\r\n"
_DONE = b'"status":"done"'  # so close together, because frames look for it
_PENDING = b'"pending"'


@frozen(kw_only=True)
class Job:
    """What to do. With a `path` only that is asked for; without one a start and its result, again and again."""

    port: int
    host: str = "127.0.0.1"
    connections: int
    seconds: float
    path: str = ""
    frames: tuple[str, ...] = ("",)  # names that are said in turn, in X-Frame
    wish: str = '{"type":"old"}'  # what a start asks for
    only_starts: bool = False  # results are not asked for, and a queue that is full is a matter of course
    pause: float = 0.0  # seconds after each answer
    rest: float = 0.0  # seconds between a start and the question for its result, 30 with a real frame
    tls: bool = False
    short_records: bool = False


@define(kw_only=True)
class Count:
    """What came back."""

    answers: int = 0
    pending: int = 0
    wrong: int = 0
    bytes: int = 0
    seconds: float = 0.0
    cpu: float = 0.0  # seconds that this client used
    first_ms: list[float] = field(factory=list)  # from each question for a result to its answer's first byte
    start_ms: list[float] = field(factory=list)  # the same for each start
    gap_ms: float = 0.0  # the longest pause inside an answer


@frozen
class Reply:
    """An answer, and when its first byte came."""

    status: int
    body: bytes  # of a chunked answer with the lengths between the chunks
    first: float
    size: int
    gap: float = 0.0  # seconds of the longest pause between two pieces

    @property
    def is_done(self) -> bool:
        """Whether it has a picture."""
        return self.status == 200 and _DONE in self.body[:200]

    @property
    def is_pending(self) -> bool:
        """Whether the picture is still being made."""
        return self.status == 200 and not self.is_done and _PENDING in self.body


class Connection(asyncio.Protocol):
    """One keep-alive connection that asks one thing after the other."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._reply: asyncio.Future[Reply] | None = None
        self._parts: list[bytes] = []
        self._head = b""
        self._size, self._missing, self._first = 0, 0, 0.0
        self._last, self._gap = 0.0, 0.0
        self.is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it to write to."""
        self.is_open = True
        self._transport = transport  # type: ignore[assignment]  # asyncio's TLS transport is no asyncio.Transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever waits hears of it, and so does whoever asks next."""
        self.is_open = False
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(exc or ConnectionResetError("the server hung up"))

    def ask(self, request: bytes) -> asyncio.Future[Reply]:
        """Send a request; the answer comes when it is whole. Raises ConnectionResetError where the server hung up."""
        assert self._transport is not None
        if not self.is_open:
            raise ConnectionResetError("the server had hung up before it was asked")
        self._parts, self._head, self._size, self._missing = [], b"", 0, -1
        self._reply = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._reply

    def data_received(self, data: bytes) -> None:
        """A piece of an answer."""
        now = time.perf_counter()
        if not self._parts:
            self._first, self._gap = now, 0.0
        else:
            self._gap = max(self._gap, now - self._last)
        self._last = now
        self._parts.append(data)
        self._size += len(data)
        if not self._head:
            self._read_head()
        is_chunked = self._missing < 0
        if self._head and (self._ends_in(_LAST_CHUNK) if is_chunked else self._size >= self._missing):
            assert self._reply is not None
            body = b"".join(self._parts)[len(self._head) :]
            self._reply.set_result(Reply(int(self._head[9:12]), body, self._first, self._size, self._gap))

    def _read_head(self) -> None:
        head, found, _ = b"".join(self._parts).partition(b"\r\n\r\n")
        if found:
            self._head = head + found
            _, said, rest = head.lower().partition(b"content-length:")
            if said:
                self._missing = len(self._head) + int(rest.partition(b"\r\n")[0])

    def _ends_in(self, ending: bytes) -> bool:
        last = self._parts[-1]
        return (last if len(last) >= len(ending) else b"".join(self._parts[-len(ending) :])).endswith(ending)

    def close(self) -> None:
        """Hang up."""
        assert self._transport is not None
        self._transport.abort()


async def connect(job: Job, number: int = 0) -> Connection:
    """One connection as the job says.

    Those that rest between two questions are frames: each has an address of its own, for of one address the server
    keeps a hundred or so that ask for nothing.
    """
    source = (f"127.1.{number // 250}.{number % 250 + 1}", 0) if job.rest else None
    context = client_context(short_records=job.short_records) if job.tls else None
    _, connection = await asyncio.get_running_loop().create_connection(
        Connection, job.host, job.port, ssl=context, local_addr=source
    )
    return connection


def get(path: str, frame: str = "") -> bytes:
    """A request for a path."""
    return f"GET {path} HTTP/1.1\r\nHost: frames{_who(frame)}\r\n\r\n".encode()


def start_request(frame: str = "", body: str = '{"type":"old"}') -> bytes:
    """A wish."""
    return (
        f"POST /operation/start HTTP/1.1\r\nHost: frames{_who(frame)}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def _who(frame: str) -> str:
    return f"\r\nX-Frame: {frame}" if frame else ""


async def pair(
    connection: Connection, frame: str = "", count: Count | None = None, rest: float = 0.0
) -> tuple[Reply, str, float]:
    """A start and one question for its result: the answer, its path, and the ms until its first byte."""
    asked = time.perf_counter()
    started = await connection.ask(start_request(frame))
    if started.status != 200:
        raise RuntimeError(f"start was answered {started.status}: {started.body[:200]!r}")
    if count is not None:
        count.start_ms.append(1000 * (started.first - asked))
    if rest:
        await asyncio.sleep(rest)
    path = f"/operation/result/{json.loads(started.body)['id']}"
    asked = time.perf_counter()
    reply = await connection.ask(get(path, frame))
    return reply, path, 1000 * (reply.first - asked)


async def _flood(job: Job, connection: Connection, end: float, count: Count) -> None:
    while time.perf_counter() < end:
        reply = await connection.ask(start_request(job.frames[0], job.wish))
        if reply.status == 200:
            count.answers += 1
        elif reply.status == 429:
            count.pending += 1
        else:
            count.wrong += 1
        await asyncio.sleep(job.pause)


async def _drive(job: Job, connection: Connection, number: int, end: float, count: Count) -> None:
    if job.only_starts:
        await _flood(job, connection, end, count)
        return
    await asyncio.sleep(job.rest * number / job.connections)  # frames do not all wake at the same moment
    if not connection.is_open:  # the server lets go who connects and says nothing
        connection = await connect(job, number)
    request, size, turn = get(job.path, job.frames[0]), 0, number
    while time.perf_counter() < end:
        if job.path:
            asked = time.perf_counter()
            reply = await connection.ask(request)
            first_ms = 1000 * (reply.first - asked)
            count.wrong += bool(size) and reply.size != size  # the same picture is the same answer
            size = reply.size
        else:
            reply, _path, first_ms = await pair(connection, job.frames[turn % len(job.frames)], count, job.rest)
            turn += job.connections
        count.first_ms.append(first_ms)
        count.gap_ms = max(count.gap_ms, 1000 * reply.gap)
        count.bytes += reply.size
        if reply.is_done:
            count.answers += 1
        elif reply.is_pending:
            count.pending += 1
        else:
            count.wrong += 1
        if job.pause:
            await asyncio.sleep(job.pause)
    connection.close()


async def run(job: Job) -> Count:
    """Connect, wait for the word, drive, count."""
    connections = [await connect(job, number) for number in range(job.connections)]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)
    count, begun, cpu = Count(), time.perf_counter(), time.process_time()
    end = begun + job.seconds
    await asyncio.gather(
        *(_drive(job, connection, number, end, count) for number, connection in enumerate(connections))
    )
    count.seconds, count.cpu = time.perf_counter() - begun, time.process_time() - cpu
    for connection in connections:
        connection.close()
    return count


def _job(text: str) -> Job:
    said: dict[str, Any] = json.loads(text)
    return Job(**{**said, "frames": tuple(said["frames"])})


if __name__ == "__main__":
    sys.stdout.write(json.dumps(attrs.asdict(asyncio.run(run(_job(sys.argv[1]))))) + "\n")
