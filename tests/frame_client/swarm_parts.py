"""A swarm in a test: its clock stands still while a frame asks, and goes on to the next moment at which one wakes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from attrs import define, evolve, field

from imageserver.frame_client.options import SwarmOptions
from imageserver.frame_client.swarm import Swarm
from imageserver.frame_client.swarm_counts import Counts
from imageserver.frame_client.swarm_sockets import Sockets
from imageserver.testing import FakeClock

from .fakes import PATIENT


@define
class Pace:
    """Time for frames and for their server, which may be slow."""

    clock: FakeClock = field(factory=FakeClock)
    _lag: tuple[float, asyncio.Event] | None = None

    async def lag(self, seconds: float) -> None:
        """For a server that lets so much time pass before it goes on."""
        passed = asyncio.Event()
        self._lag = seconds, passed
        await passed.wait()

    async def go_on(self, seconds: float, frames: int) -> None:
        """Let time pass, and none of it before all frames are asleep again: every request has its answer then.

        So it stops at each moment at which somebody wakes. In longer steps the answers of a busy machine would be late.
        """
        end = self.clock.monotonic() + seconds
        while (left := end - self.clock.monotonic()) > 1e-9:
            await self.clock.advance(min(left, self.clock.next_wake - self.clock.monotonic()))
            while self.clock.sleeping < frames:
                if self._lag is not None:
                    (slow, passed), self._lag = self._lag, None
                    await self.clock.advance(slow)
                    passed.set()
                await asyncio.sleep(0)


@define
class Crowd:
    """A swarm that lives."""

    swarm: Swarm
    _pace: Pace

    @property
    def counts(self) -> Counts:
        """What was seen so far."""
        return self.swarm.counts

    async def live(self, seconds: float) -> None:
        """Let so much time pass."""
        await self._pace.go_on(seconds, self.swarm.options.frames)


def options(port: int, **more: object) -> SwarmOptions:
    """One frame that is never without power, where the test says nothing else."""
    given = {"host": "127.0.0.1", "frames": 1, "abort": 0.0, "seed": 1, "limits": PATIENT, **more}
    return SwarmOptions(port=port, **given)  # type: ignore[arg-type]  # the test's own words


@asynccontextmanager
async def crowd(port: int, *, pace: Pace | None = None, alike: bool = False, **more: object) -> AsyncIterator[Crowd]:
    """A swarm that asks at this port until the test is done with it. `alike`: as from another machine."""
    made, pace = options(port, **more), pace or Pace()
    swarm = Swarm(made, clock=pace.clock, rng=random.Random(made.seed))
    sockets = await asyncio.to_thread(Sockets.found, made)
    living = asyncio.create_task(swarm.run(evolve(sockets, has_own=False) if alike else sockets))
    try:
        await pace.clock.until_sleeping(made.frames)
        yield Crowd(swarm, pace)
    finally:
        living.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await living


HAS_OWN = Sockets.found(options(1)).has_own
WHO = "frame 1 at 127.1.0.1: " if HAS_OWN else "frame 1: "
needs_addresses = pytest.mark.skipif(
    not HAS_OWN and os.environ.get("CI") != "true", reason="this system has no loopback address but 127.0.0.1"
)
