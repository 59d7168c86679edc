"""Many frames at once: when they ask, where from, and what becomes of those that lose their power."""

from __future__ import annotations

import asyncio
import errno
import random
import socket
from pathlib import Path

import pytest
from fakes.certificate import needs_openssl, self_signed
from live import live

from imageserver.frame_client.http import Dial
from imageserver.frame_client.swarm import Swarm
from imageserver.frame_client.swarm_counts import Step
from imageserver.frame_client.swarm_sockets import Sockets, SwarmImpossible
from imageserver.web import keys

from .fakes import Request, chunked, drawn, jpeg_of, plain, result_json, serve, serve_bytes, started_json
from .swarm_parts import Pace, crowd, needs_addresses, options
from .test_frame_tls import secure

STARTED = plain(started_json())
PENDING = plain('{"id":"abc","status":"pending"}')
HOURS = 7_200
DONE = chunked(result_json(jpeg_of(drawn())))


def asks_for_result(request: Request) -> bool:
    return request.line.startswith("GET")


@needs_addresses
async def test_frames_take_their_pictures_from_a_server(tmp_path: Path) -> None:
    """Each frame has an address of its own, and the real server knows one from another by it."""
    async with live(tmp_path, stored=4) as server, crowd(server.port, frames=3, every=HOURS) as frames:

        def fetched() -> dict[str, int]:
            return {one.frame: one.fetched for one in server.app[keys.SIGHTINGS].all()}

        await frames.live(HOURS)
        # A rendition may take longer than a question waits for it: the frames' own time flies meanwhile, and a frame
        # that asks every two hours does not come again in it.
        while frames.counts.pictures < 3:
            assert frames.counts.starts == 3
            await frames.live(1)
        counts = frames.counts
        # The server notes an answer after its last byte.
        while fetched() != {"127.1.0.1": 1, "127.1.0.2": 1, "127.1.0.3": 1}:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0)
    assert (counts.starts, counts.pictures, counts.failures, counts.aborted) == (3, 3, {}, 0)
    assert [counts.first_bytes[step].number for step in Step] == [3, 3 + counts.pending]
    assert counts.received > 3 * 5_000


async def test_elsewhere_all_frames_have_this_machines_address() -> None:
    """Only a loopback server can be asked from thousands of addresses."""
    peers = list[str]()

    async def answer(_request: Request, writer: asyncio.StreamWriter) -> None:
        peers.append(writer.get_extra_info("peername")[0])
        writer.write(plain("{}", status="503 Busy"))

    async with serve(answer) as fake, crowd(fake.port, alike=True, frames=3) as frames:
        await frames.live(59.9)
        (failed,) = frames.counts.failures.values()
    assert peers == ["127.0.0.1"] * 3
    assert failed.example.startswith("frame ")
    assert " at " not in failed.example


@needs_openssl
async def test_frames_speak_tls(tmp_path: Path) -> None:
    """With --tls each request makes a handshake of its own."""
    context = await asyncio.to_thread(self_signed, tmp_path)
    async with secure(context, STARTED, DONE) as (port, versions), crowd(port, tls=True, every=900) as frames:
        while not frames.counts.pictures:
            await frames.live(1)
    assert versions == ["TLSv1.2"] * 2
    assert frames.counts.failures == {}


async def test_a_frame_keeps_its_time() -> None:
    """The result 30 s after the start, and a new start a minute after the last one; the words are the firmware's."""
    pace, asked = Pace(), list[float]()

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        asked.append(pace.clock.monotonic())
        writer.write(DONE if asks_for_result(request) else STARTED)

    async with serve(answer) as fake, crowd(fake.port, pace=pace, type="old") as frames:
        await frames.live(60 + 91)
    assert 0 <= asked[0] < 60
    assert [moment - asked[0] for moment in asked[:4]] == pytest.approx([0, 30, 60, 90])
    assert [request.line.split()[0] for request in fake.requests[:4]] == ["POST", "GET", "POST", "GET"]
    common = "Host: 127.0.0.1\r\nContent-Type: application/json\r\nAccept: */*\r\n"
    assert fake.requests[0].head == f"POST /operation/start HTTP/1.1\r\n{common}Content-Length: 14\r\n\r\n"
    assert fake.requests[0].body == b'{"type":"old"}'
    assert fake.requests[1].head == f"GET /operation/result/abc HTTP/1.1\r\n{common}\r\n"


async def test_a_frame_asks_again_while_it_is_pending() -> None:
    """Every 30 s, until it begins anew; then the picture that never came is counted, and is no failure."""
    pace, asked = Pace(), list[float]()

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        asked.append(pace.clock.monotonic())
        writer.write(PENDING if asks_for_result(request) else STARTED)

    async with serve(answer) as fake, crowd(fake.port, pace=pace, every=100) as frames:
        while len(asked) < 5:
            await frames.live(1)
        counts = frames.counts
    assert [moment - asked[0] for moment in asked] == pytest.approx([0, 30, 60, 90, 100])
    assert (counts.starts, counts.pending, counts.results, counts.overtaken) == (2, 3, 3, 1)
    assert (counts.pictures, counts.failures) == (0, {})


async def beginnings(seed: int) -> list[float]:
    """When each of forty frames asks for the first time. The server refuses, so that nothing else is asked."""
    pace, asked = Pace(), list[float]()

    async def answer(_request: Request, writer: asyncio.StreamWriter) -> None:
        asked.append(pace.clock.monotonic())
        writer.write(plain("{}", status="503 Busy"))

    async with serve(answer) as fake, crowd(fake.port, pace=pace, frames=40, seed=seed) as frames:
        await frames.live(59.9)
    return sorted(asked)


async def test_frames_begin_evenly_at_random() -> None:
    """Not all at once, but spread over one interval, and at the same moments with the same seed."""
    first, again, other = [await beginnings(seed) for seed in (7, 7, 8)]
    assert first == pytest.approx(again)
    assert first != pytest.approx(other)
    tens = [sum(10 * ten <= moment < 10 * ten + 10 for moment in first) for ten in range(6)]
    assert sum(tens) == 40  # each once: a start that failed is not tried again before its time
    assert all(1 <= number <= 15 for number in tens)


async def test_a_frame_without_power_goes_silent_in_the_middle() -> None:
    """It takes no more of the picture and says nothing, and resets the connection when it begins anew."""
    pace, ends, ended = Pace(), list[float](), asyncio.Event()
    endless = chunked(result_json(b"\xff" * 4_000_000))  # more than the sockets of both sides hold

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        if not asks_for_result(request):
            writer.write(STARTED)
            return
        writer.write(endless)
        try:
            await writer.drain()
        except ConnectionResetError:
            ends.append(pace.clock.monotonic())
            ended.set()

    async with serve(answer) as fake, crowd(fake.port, pace=pace, abort=1.0) as frames:
        while len(fake.requests) < 2:
            await frames.live(1)
        asked = pace.clock.monotonic()
        await frames.live(20)
        assert (ends, frames.counts.aborted) == ([], 1)
        while len(fake.requests) < 3:
            await frames.live(1)
        await ended.wait()  # the reset may arrive behind the next request
        counts = frames.counts
    assert [30 <= moment - asked + 1 <= 32 for moment in ends] == [True]
    assert (counts.starts, counts.pictures, counts.failures, counts.overtaken) == (2, 0, {}, 0)
    assert counts.longest_pause == 0.0


async def test_what_has_no_picture_is_not_broken_off() -> None:
    """Only downloads of pictures are: a short answer is read, whatever share is to be broken off."""
    async with serve_bytes(STARTED, PENDING) as fake, crowd(fake.port, abort=1.0, every=110) as frames:
        while frames.counts.pending < 3:
            await frames.live(1)
        counts = frames.counts
    assert (counts.aborted, counts.failures) == (0, {})


async def test_the_swarm_ends_when_its_time_is_over() -> None:
    """With `seconds` it ends by itself, having told every ten seconds, and leaves no connection behind."""
    pace, told = Pace(), list[float]()
    async with serve_bytes(STARTED, DONE) as fake:
        made = options(fake.port, frames=2, seconds=35.0)
        swarm = Swarm(made, clock=pace.clock, rng=random.Random(1))
        sockets = await asyncio.to_thread(Sockets.found, made)
        living = asyncio.create_task(swarm.run(sockets, tell=lambda: told.append(pace.clock.monotonic())))
        await pace.clock.until_sleeping(4)
        await pace.go_on(34.9, 4)
        assert not living.done()
        await pace.clock.advance(0.2)
        await living
    assert told == pytest.approx([10, 20, 30])
    assert pace.clock.sleeping == 0


class Exhausted(Sockets):
    """A machine that has no more files."""

    def dial(self, number: int, *, narrow: bool = False) -> Dial:
        async def connect() -> socket.socket:
            raise OSError(errno.EMFILE, "Too many open files")

        return connect


async def test_a_machine_without_files_is_no_frames_failure() -> None:
    """The run ends with a sentence about this machine, and nothing is counted against the server."""
    pace, made = Pace(), options(9)
    swarm = Swarm(made, clock=pace.clock, rng=random.Random(1))
    sockets = Exhausted(address=("127.0.0.1", 9), family=socket.AF_INET, has_own=True)
    living = asyncio.create_task(swarm.run(sockets))
    await pace.clock.until_sleeping()
    await pace.clock.advance(60)
    with pytest.raises(SwarmImpossible, match=r"Too many open files.*the server is not to blame"):
        await living
    assert swarm.counts.failures == {}
