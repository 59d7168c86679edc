"""Many frames in one process, each with the timing of a real one."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable
from typing import Final

from attrs import define, field

from imageserver.clock import Clock
from imageserver.frame_client.answers import read_start
from imageserver.frame_client.client import POLL, failed_operation, read_result, start_payload, written
from imageserver.frame_client.failure import FrameWouldFail, OperationFailed, PictureRefused
from imageserver.frame_client.http import Exchange, connected
from imageserver.frame_client.jpeg import inspect
from imageserver.frame_client.options import SwarmOptions
from imageserver.frame_client.scan import ResultScan
from imageserver.frame_client.swarm_counts import Counts, Kind, Step, Suffers
from imageserver.frame_client.swarm_sockets import Sockets, SwarmImpossible, is_ours
from imageserver.frame_client.wire import Meter

TELL: Final = 10.0  # seconds between two lines
_BREAKS: Final = 1024, 16_384  # bytes of a body behind which a frame may lose its power: inside of every picture

Take = Callable[[bytes], None]


class _PowerLost(Exception):
    """The frame went dark in the middle of a picture."""


class Swarm:
    """The frames and what they have seen."""

    def __init__(self, options: SwarmOptions, *, clock: Clock, rng: random.Random) -> None:
        self.options = options
        self.clock = clock
        self.rng = rng
        self.counts = Counts()  # since they were taken
        self._over = asyncio.Event()
        self._trouble: SwarmImpossible | None = None

    def take_counts(self) -> Counts:
        """What was seen since the last time."""
        counts, self.counts = self.counts, Counts()
        return counts

    async def run(
        self,
        sockets: Sockets,
        *,
        tell: Callable[[], None] | None = None,
        settled: Callable[[], None] | None = None,
    ) -> None:
        """Let them live for `options.seconds`, or until this is cancelled.

        They begin at random moments of one interval. `tell` is called every ten seconds, `settled` once, when all
        frames are there. Raises SwarmImpossible.
        """
        begun = self.clock.monotonic()
        frames = [_Frame(swarm=self, sockets=sockets, number=number) for number in range(self.options.frames)]
        async with asyncio.TaskGroup() as group:
            living = [
                group.create_task(self._live(frame, begun + self.rng.uniform(0.0, self.options.every)))
                for frame in frames
            ]
            if tell is not None:
                living.append(group.create_task(self._tell(tell)))
            if self.options.seconds is not None:
                living.append(group.create_task(self._end_after(self.options.seconds)))
            await asyncio.sleep(0)  # each runs on to its first wait
            if settled is not None:
                settled()
            await self._over.wait()
            for one in living:
                one.cancel()
        if self._trouble is not None:
            raise self._trouble

    async def _live(self, frame: _Frame, begin: float) -> None:
        try:
            await frame.live(begin)
        except SwarmImpossible as error:
            self._trouble = self._trouble or error
            self._over.set()

    async def _tell(self, tell: Callable[[], None]) -> None:
        while True:
            await self.clock.sleep(TELL)
            tell()

    async def _end_after(self, seconds: float) -> None:
        await self.clock.sleep(seconds)
        self._over.set()


@define(kw_only=True, eq=False)
class _Frame:
    """One of them. It does what the firmware does: a failed start is given up, a result asked for until it is there."""

    _swarm: Swarm
    _sockets: Sockets
    _number: int
    _next_start: float = field(init=False, default=0.0)

    async def live(self, begin: float) -> None:
        """Never ends by itself. Raises SwarmImpossible."""
        clock, every = self._swarm.clock, self._swarm.options.every
        await self._until(begin)
        while True:
            self._next_start = clock.monotonic() + every
            operation = await self._start()
            if operation is not None:
                await self._fetch(operation)
            await self._until(self._next_start)

    async def _start(self) -> str | None:
        """The id to ask with; None where the frame would give up."""
        options, body = self._swarm.options, bytearray()
        payload = start_payload(options.type, prompt=None, negative=None, provider=None)
        request = written(options.host, "POST", "/operation/start", payload)
        try:
            started = read_start(await self._ask(Step.START, request, body.extend), bytes(body))
        except FrameWouldFail as error:
            self._fail(Step.START, error, Suffers.NOTHING_NEW)
            return None
        self._swarm.counts.starts += 1
        return started.id

    async def _fetch(self, operation: str) -> None:
        """Ask until the frame knows how it ended, loses its power, or begins anew."""
        with contextlib.suppress(_PowerLost):
            while self._swarm.clock.monotonic() + POLL < self._next_start:
                await self._until(self._swarm.clock.monotonic() + POLL)
                if await self._result(operation):
                    return
            self._swarm.counts.overtaken += 1

    async def _result(self, operation: str) -> bool:
        """Whether the frame asks no more."""
        swarm, scan = self._swarm, ResultScan()
        request = written(swarm.options.host, "GET", f"/operation/result/{operation}")
        dark_after = swarm.rng.randrange(*_BREAKS) if swarm.rng.random() < swarm.options.abort else None
        try:
            answer = read_result(await self._ask(Step.RESULT, request, scan.feed, dark_after), scan)
            if answer.status == "error":
                raise OperationFailed(failed_operation(answer))
            if answer.jpeg is not None:
                inspect(answer.jpeg)
        except FrameWouldFail as error:
            suffers = _suffers(scan, error)
            self._fail(Step.RESULT, error, suffers)
            return suffers is not Suffers.AGAIN
        if answer.jpeg is None:
            swarm.counts.pending += 1
            return False
        swarm.counts.pictures += 1
        return True

    async def _ask(self, step: Step, request: bytes, take: Take, dark_after: int | None = None) -> Exchange:
        """One request. With `dark_after` the frame loses its power behind so many bytes of the body."""
        limits, meter, narrow = self._swarm.options.limits, Meter(), dark_after is not None
        dial = self._sockets.dial(self._number, narrow=narrow)
        heard = take if dark_after is None else _until_dark(take, dark_after)
        try:
            async with connected(self._swarm.options.place, limits=limits, dial=dial) as connection:
                try:
                    exchange = await connection.ask(
                        request, limits=limits, clock=self._swarm.clock, take=heard, meter=meter
                    )
                except _PowerLost:
                    self._swarm.counts.measured(step, meter, on_purpose=True)
                    self._swarm.counts.aborted += 1
                    connection.fall_silent()
                    await self._until(self._next_start)  # that is when the power is back
                    connection.reset()
                    raise
        except FrameWouldFail as error:
            if is_ours(error.__cause__):
                raise SwarmImpossible(
                    f"this machine cannot make so many connections ({error.__cause__}); the server is not to blame"
                ) from error
            self._swarm.counts.measured(step, meter, on_purpose=narrow)
            raise
        self._swarm.counts.measured(step, meter, on_purpose=narrow)
        return exchange

    async def _until(self, moment: float) -> None:
        clock = self._swarm.clock
        if (left := moment - clock.monotonic()) > 0:
            await clock.sleep(left)
            self._swarm.counts.late.add(clock.monotonic() - moment)

    def _fail(self, step: Step, error: FrameWouldFail, suffers: Suffers) -> None:
        where = self._sockets.source(self._number)
        who = f"frame {self._number + 1}" + (f" at {where}" if where else "")
        self._swarm.counts.fail(Kind(step, error.reason, suffers), f"{who}: {error}")


def _until_dark(take: Take, size: int) -> Take:
    left = size

    def heard(piece: bytes) -> None:
        nonlocal left
        left -= len(piece)
        if left <= 0:
            raise _PowerLost
        take(piece)

    return heard


def _suffers(scan: ResultScan, error: FrameWouldFail) -> Suffers:
    """What a result that failed leaves on the wall."""
    if isinstance(error, OperationFailed | PictureRefused):
        return Suffers.NOTHING_NEW
    if scan.is_in_picture:
        return Suffers.HALF
    return Suffers.NOTHING_NEW if scan.is_done else Suffers.AGAIN
