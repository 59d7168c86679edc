"""A clock that stands still until the test moves it.

clock = FakeClock()
sleeper = asyncio.create_task(clock.sleep(60))
await clock.until_sleeping()
await clock.advance(60)
await sleeper  # ended, and no real second has passed
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import math
import threading
from datetime import UTC, tzinfo
from itertools import count

# Turns of the event loop that a coroutine gets after each wake-up: enough for a few awaits one behind the other.
_TURNS = 20
_Sleeper = tuple[float, int, asyncio.AbstractEventLoop, "asyncio.Future[None]"]


class FakeClock:
    """A `Clock` whose time moves only when the test says so.

    `now` is in seconds since 1970, UTC. Coroutines may sleep on any event loop, a provider's own one too.
    """

    def __init__(self, now: float = 1_800_000_000.0, zone: tzinfo = UTC) -> None:
        self.zone = zone  # may be set
        self._now = now
        self._monotonic = 0.0
        self._order = count()
        self._sleepers: list[_Sleeper] = []
        self._lock = threading.Lock()

    def now(self) -> float:
        """Seconds since 1970, UTC."""
        return self._now

    def monotonic(self) -> float:
        """Seconds that `advance` has gone through so far."""
        return self._monotonic

    def set(self, now: float) -> None:
        """Jump to another date, as a machine does when somebody sets its clock. Nobody who sleeps wakes for it."""
        self._now = now

    async def sleep(self, seconds: float) -> None:
        """Wait until `advance` has gone through so many seconds. For none, let the others run for once."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        loop = asyncio.get_running_loop()
        woken: asyncio.Future[None] = loop.create_future()
        with self._lock:
            heapq.heappush(self._sleepers, (self._monotonic + seconds, next(self._order), loop, woken))
        await woken

    @property
    def sleeping(self) -> int:
        """How many coroutines sleep."""
        with self._lock:
            return sum(not woken.done() for _when, _order, _loop, woken in self._sleepers)

    @property
    def next_wake(self) -> float:
        """When the first of them wakes, as `monotonic` will be then; infinite where nobody sleeps."""
        with self._lock:
            return min((when for when, _order, _loop, woken in self._sleepers if not woken.done()), default=math.inf)

    async def until_sleeping(self, number: int = 1) -> None:
        """Let the others run until at least so many of them sleep. Never returns when they do not."""
        while self.sleeping < number:  # noqa: ASYNC110 - sleepers may be on other loops, which no Event reaches
            await asyncio.sleep(0)

    async def advance(self, seconds: float) -> None:
        """Go through so many seconds, waking each sleeper at its moment and letting it run on before the next.

        What runs in threads, or on other event loops, is woken too but not waited for.
        """
        await self._let_run()  # what was started a moment ago comes to its first sleep
        end = self._monotonic + seconds
        while (sleeper := self._next_until(end)) is not None:
            when, _order, loop, woken = sleeper
            self._move_to(when)
            with contextlib.suppress(RuntimeError):  # its loop has ended
                loop.call_soon_threadsafe(_wake, woken)
            await self._let_run()
        self._move_to(end)
        await self._let_run()

    def _next_until(self, end: float) -> _Sleeper | None:
        with self._lock:
            while self._sleepers and (self._sleepers[0][0] <= end or self._sleepers[0][3].done()):
                sleeper = heapq.heappop(self._sleepers)
                if not sleeper[3].done():
                    return sleeper
        return None

    def _move_to(self, monotonic: float) -> None:
        if monotonic > self._monotonic:  # another one who advances it may be ahead, and time never goes back
            self._now += monotonic - self._monotonic
            self._monotonic = monotonic

    @staticmethod
    async def _let_run() -> None:
        for _ in range(_TURNS):
            await asyncio.sleep(0)


def _wake(woken: asyncio.Future[None]) -> None:
    if not woken.done():  # its coroutine may have been cancelled meanwhile
        woken.set_result(None)
