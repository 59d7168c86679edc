from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from imageserver.schedule import Entry, run_entry
from imageserver.testing import FakeClock

START = datetime(2026, 5, 5, 10, 0, 30, tzinfo=UTC).timestamp()


@asynccontextmanager
async def running(cron: str, clock: FakeClock, action: Callable[[], Awaitable[object]]) -> AsyncIterator[None]:
    entry = asyncio.create_task(run_entry(Entry(name="look", cron=cron, action=action), clock))
    await clock.until_sleeping()
    yield
    entry.cancel()
    with pytest.raises(asyncio.CancelledError):
        await entry


class Fired:
    """Notes when it was run, as the clock on the wall shows it."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.times: list[str] = []

    async def __call__(self) -> None:
        self.times.append(f"{datetime.fromtimestamp(self.clock.now(), self.clock.zone):%d %H:%M:%S}")


async def test_it_fires_at_each_date() -> None:
    """An entry fires at every date of its cron expression, on the second, and at no other time."""
    clock = FakeClock(now=START)
    fired = Fired(clock)
    async with running("*/20 * * * *", clock, fired):
        await clock.advance(3600)
    assert fired.times == ["05 10:20:00", "05 10:40:00", "05 11:00:00"]


async def test_it_fires_in_the_owners_zone() -> None:
    """Midnight is the owner's midnight."""
    clock = FakeClock(now=START, zone=ZoneInfo("Asia/Yekaterinburg"))
    fired = Fired(clock)
    async with running("0 0 * * *", clock, fired):
        await clock.advance(2 * 86400)
    assert fired.times == ["06 00:00:00", "07 00:00:00"]


async def test_a_failing_action_is_run_again(caplog: pytest.LogCaptureFixture) -> None:
    """An action that raises is logged, and the next date comes all the same."""
    clock = FakeClock(now=START)
    runs = []

    async def fails() -> None:
        runs.append(clock.now())
        raise OSError("the disk is away")

    async with running("* * * * *", clock, fails):
        await clock.advance(120)
    assert len(runs) == 2
    assert caplog.text.count("schedule: look failed") == 2


async def test_a_clock_set_forward_fires_once() -> None:
    """After a jump over many dates the entry fires once, soon, and then at its dates again."""
    clock = FakeClock(now=0.0)  # a machine without a battery, before it knows the time
    fired = Fired(clock)
    async with running("0 0 * * *", clock, fired):
        clock.set(START)
        await clock.advance(60)
        assert len(fired.times) == 1
        await clock.advance(86400)
    assert fired.times[1:] == ["06 00:00:00"]


async def test_a_clock_set_back_does_not_stop_it() -> None:
    """After the clock was set back by a year the entry fires at the dates of that year."""
    clock = FakeClock(now=START)
    fired = Fired(clock)
    async with running("*/20 * * * *", clock, fired):
        clock.set(START - 365 * 86400)
        await clock.advance(3600)
    assert len(fired.times) == 3


async def test_a_small_step_back_does_not_fire_twice() -> None:
    """A clock that is corrected by half a minute right after a date does not fire that date again."""
    clock = FakeClock(now=START)
    fired = Fired(clock)
    async with running("*/20 * * * *", clock, fired):
        await clock.advance(20 * 60)
        clock.set(clock.now() - 50)
        await clock.advance(120)
    assert fired.times == ["05 10:20:00"]


async def test_a_slow_action_misses_dates_but_does_not_pile_up() -> None:
    """Dates that pass while the action runs are not made up for."""
    clock = FakeClock(now=START)
    fired = Fired(clock)

    async def slow() -> None:
        await fired()
        await clock.sleep(150)

    async with running("* * * * *", clock, slow):
        await clock.advance(360)
    assert fired.times == ["05 10:01:00", "05 10:04:00"]


async def test_a_date_that_never_comes_harms_nobody() -> None:
    """An expression without any date just never fires."""
    clock = FakeClock(now=START)
    fired = Fired(clock)
    async with running("0 0 31 2 *", clock, fired):
        await clock.advance(3600)
    assert fired.times == []
