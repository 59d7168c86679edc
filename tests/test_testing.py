"""The clock that authors of plugins test with."""

from __future__ import annotations

import asyncio
import threading
from zoneinfo import ZoneInfo

from imageserver.clock import Clock, local_time
from imageserver.testing import FakeClock


async def test_sleepers_wake_at_their_moments() -> None:
    """Each sleeper wakes at its own moment, in order, also one that sleeps again meanwhile."""
    clock = FakeClock(now=100.0)
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, seconds: float, times: int) -> None:
        for _ in range(times):
            await clock.sleep(seconds)
            woken.append((name, clock.now()))

    async with asyncio.TaskGroup() as group:
        group.create_task(sleeper("slow", 5, 1))
        group.create_task(sleeper("quick", 2, 3))
        await clock.until_sleeping(2)
        await clock.advance(1)
        assert woken == []
        await clock.advance(9)
    assert woken == [("quick", 102.0), ("quick", 104.0), ("slow", 105.0), ("quick", 106.0)]
    assert (clock.now(), clock.monotonic(), clock.sleeping) == (110.0, 10.0, 0)


async def test_a_jump_wakes_nobody() -> None:
    """Setting the clock changes the date alone: sleeps and monotonic time go on as before."""
    clock: FakeClock = FakeClock()
    sleeper = asyncio.ensure_future(clock.sleep(10))
    await clock.until_sleeping()
    clock.set(5.0)
    await clock.advance(9)
    assert (clock.now(), clock.monotonic(), sleeper.done()) == (14.0, 9.0, False)
    await clock.advance(1)
    assert sleeper.done()


async def test_a_cancelled_sleeper_is_forgotten() -> None:
    """A sleeper that was cancelled is counted no more and disturbs no other."""
    clock = FakeClock()
    sleepers = [asyncio.ensure_future(clock.sleep(3)) for _ in range(2)]
    await clock.until_sleeping(2)
    sleepers[0].cancel()
    await asyncio.sleep(0)
    assert clock.sleeping == 1
    await clock.advance(3)
    assert sleepers[1].done()


async def test_it_wakes_sleepers_of_other_loops() -> None:
    """A coroutine on another thread's loop sleeps on the same clock."""
    clock = FakeClock()
    thread = threading.Thread(target=lambda: asyncio.run(clock.sleep(60)))
    thread.start()
    await clock.until_sleeping()
    await clock.advance(60)
    await asyncio.get_running_loop().run_in_executor(None, thread.join)
    assert clock.sleeping == 0


def test_it_has_a_zone() -> None:
    """The zone can be set, and local times follow it."""
    clock: Clock = FakeClock(now=0.0, zone=ZoneInfo("Europe/Moscow"))
    assert local_time(clock).isoformat() == "1970-01-01T03:00:00+03:00"
