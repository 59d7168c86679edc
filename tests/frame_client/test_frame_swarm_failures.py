"""Each way in which a server fails a swarm, and what is counted: the step, the reason, what the wall shows."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable

import pytest
from attrs import field, frozen

from imageserver.frame_client import Limits
from imageserver.frame_client.swarm_counts import Kind, Step, Suffers

from .fakes import PATIENT, FakeServer, Request, chunked, drawn, jpeg_of, plain, result_json, serve, started_json
from .swarm_parts import WHO, Pace, crowd

PENDING = '{"id":"abc","status":"pending"}'
ERROR = '{"id":"abc","status":"error","error":{"message":"no provider is ready"}}'
DONE = chunked(result_json(jpeg_of(drawn())))
IN_PICTURE, BEFORE_STATUS = 10_000, 110  # bytes of the answer
HASTY = Limits(connect=60.0, first_byte=0.05, linger=0.05)
QUICK = Limits(connect=60.0, first_byte=60.0, pause=0.05, linger=0.05)

NOTHING_NEW, AGAIN, HALF = Suffers.NOTHING_NEW, Suffers.AGAIN, Suffers.HALF


@frozen
class Scene:
    """What a bad server may look at."""

    fake: FakeServer
    pace: Pace
    writer: asyncio.StreamWriter


Answer = Callable[[Scene], Awaitable[None]]


def says(answer: bytes) -> Answer:
    """The whole answer, at once."""

    async def answered(scene: Scene) -> None:
        scene.writer.write(answer)

    return answered


def late(answer: bytes) -> Answer:
    """The same, after 2.3 s."""

    async def answered(scene: Scene) -> None:
        await scene.pace.lag(2.3)
        scene.writer.write(answer)

    return answered


async def silent(scene: Scene) -> None:
    """Takes the request and says nothing."""
    await scene.fake.over.wait()


def stands_still(after: int) -> Answer:
    """The beginning, and nothing more."""

    async def answered(scene: Scene) -> None:
        scene.writer.write(DONE[:after])
        await scene.fake.over.wait()

    return answered


def ends(after: int) -> Answer:
    """The beginning, and then the connection ends."""
    return says(DONE[:after])


async def resets(scene: Scene) -> None:
    """Takes the request and resets the connection."""
    at_once = struct.pack("ii", 1, 0)
    scene.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
    scene.writer.transport.abort()


GOOD_START, GOOD_RESULT = says(plain(started_json())), says(DONE)


@frozen(kw_only=True)
class Case:
    """A server, and what is to be counted of it."""

    start: Answer = GOOD_START
    result: Answer = GOOD_RESULT
    kind: Kind
    example: str
    questions: int = field()  # for the result, until the next start
    limits: Limits = PATIENT

    @questions.default
    def _by_what_it_suffers(self) -> int:
        return 0 if self.kind.step is Step.START else 3 if self.kind.suffers is AGAIN else 1


def start(reason: str, example: str, answer: Answer, limits: Limits = PATIENT) -> Case:
    """A start that fails: the frame gives up until the next."""
    return Case(start=answer, kind=Kind(Step.START, reason, NOTHING_NEW), example=example, limits=limits)


def result(reason: str, suffers: Suffers, example: str, answer: Answer, limits: Limits = PATIENT) -> Case:
    """A result that fails."""
    return Case(result=answer, kind=Kind(Step.RESULT, reason, suffers), example=example, limits=limits)


OTHER_HEADER = plain(PENDING).replace(b"Content-Type", b"content-type")
PROGRESSIVE = plain(result_json(jpeg_of(drawn(), progressive=True)))
CASES = {
    "late start": start("first_byte_late", "the first byte came after 2.", late(plain(started_json()))),
    "silent start": start("first_byte_late", "no byte came within 0.1 s", silent, HASTY),
    "start hangs up": start("broken_off", "closed the connection without an answer", says(b"")),
    "start is refused": start("refused", "HTTP 503", says(plain("{}", status="503 Busy"))),
    "start has no id": start("frame_would_fail", 'no "id"', says(plain('{"status":"done"}'))),
    "start has no body": start("frame_would_fail", "no body", says(plain(""))),
    "late result": result("first_byte_late", AGAIN, "the first byte came after 2.", late(DONE)),
    "result hangs up": result("broken_off", AGAIN, "without an answer", says(b"")),
    "result is reset": result("broken_off", AGAIN, "the connection broke (Connection reset by peer)", resets),
    "result is not found": result("refused", AGAIN, "HTTP 404", says(plain("{}", status="404 Not Found"))),
    "result says error": result("operation_failed", NOTHING_NEW, "no provider is ready", says(plain(ERROR))),
    "pause before the status": result("pause_too_long", AGAIN, "nothing came", stands_still(BEFORE_STATUS), QUICK),
    "pause in the picture": result("pause_too_long", HALF, "nothing came", stands_still(IN_PICTURE), QUICK),
    "end in the picture": result("broken_off", HALF, "the connection ended inside the body", ends(IN_PICTURE)),
    "end behind the picture": result("broken_off", NOTHING_NEW, "ended inside the body", ends(len(DONE) - 5)),
    "no picture": result("frame_would_fail", NOTHING_NEW, "no picture", says(plain('{"id":"abc","status":"done"}'))),
    "no status": result("frame_would_fail", AGAIN, 'no "status"', says(plain('{"id":"abc"}'))),
    "another header": result("frame_would_fail", AGAIN, "looks for Content-Type", says(OTHER_HEADER)),
    "progressive picture": result("picture_refused", NOTHING_NEW, "progressive", says(PROGRESSIVE)),
}


@pytest.mark.parametrize("name", CASES)
async def test_each_way_to_fail_is_counted_by_what_the_frame_suffers(name: str) -> None:
    """One kind for each, with an example; and the frame goes on as the firmware does."""
    case, pace = CASES[name], Pace()

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        await (case.start if request.line.startswith("POST") else case.result)(Scene(fake, pace, writer))

    async with serve(answer) as fake, crowd(fake.port, pace=pace, every=110, limits=case.limits) as frames:
        while not fake.requests:
            await frames.live(0.25)
        await frames.live(105)
        counts = frames.counts
    assert [request.line.split()[0] for request in fake.requests] == ["POST", *["GET"] * case.questions]
    assert set(counts.failures) == {case.kind}
    failed = counts.failures[case.kind]
    assert failed.times == max(1, case.questions)
    assert failed.example.startswith(WHO)
    assert case.example in failed.example
    assert counts.pictures == 0


async def test_a_closed_port_is_counted_as_no_connection() -> None:
    """Where nobody listens, every start fails, and none of them has a first byte."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        async with crowd(taken.getsockname()[1], frames=5) as frames:
            await frames.live(59.9)
    assert {kind: failed.times for kind, failed in frames.counts.failures.items()} == {
        Kind(Step.START, "no_connection", NOTHING_NEW): 5
    }
    assert frames.counts.first_bytes[Step.START].number == 0


async def test_times_of_failures_count_too() -> None:
    """A first byte that came too late is the longest of all, and is not left out of the percentiles."""
    pace = Pace()

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        await late(plain(started_json()))(Scene(fake, pace, writer))

    async with serve(answer) as fake, crowd(fake.port, pace=pace) as frames:
        await frames.live(63)
    spread = frames.counts.first_bytes[Step.START]
    assert spread.number == 1
    assert spread.longest == pytest.approx(2.3)
    assert spread.percentile(0.5) == spread.longest
