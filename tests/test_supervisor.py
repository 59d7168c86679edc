from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from imageserver.supervisor import Supervisor
from imageserver.testing import FakeClock


class Runner:
    """Dies or ends at once the first `times`, then runs."""

    def __init__(self, times: int, error: BaseException | None) -> None:
        self.times = times
        self.error = error
        self.starts = 0

    async def run(self) -> None:
        self.starts += 1
        if self.starts > self.times:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error


@pytest.mark.parametrize("error", [ValueError("a bug"), None, asyncio.CancelledError()])
async def test_what_ends_is_started_again(error: BaseException | None, caplog: pytest.LogCaptureFixture) -> None:
    """What dies, ends, or is cut off by something it awaited is logged, counted and started again."""
    clock = FakeClock()
    supervisor = Supervisor(clock)
    runner = Runner(2, error)
    supervisor.keep_running("worker 1", runner.run)
    await clock.advance(10)
    assert runner.starts == 3
    assert supervisor.restarts == {"worker 1": 2}
    assert caplog.text.count("worker 1") == 2
    assert supervisor.is_alive("worker 1")
    await supervisor.stop()
    assert not supervisor.is_alive("worker 1")


async def test_the_pauses_grow() -> None:
    """What dies again and again is started after 0.5, 1, 2 … seconds, at last every minute."""
    clock = FakeClock()
    supervisor = Supervisor(clock)
    moments = []

    async def dies() -> None:
        moments.append(clock.monotonic())
        raise ValueError("again")

    supervisor.keep_running("worker", dies)
    await clock.advance(400)
    await supervisor.stop()
    pauses = [after - before for before, after in pairwise(moments)]
    assert pauses == [0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60]


async def test_a_long_life_is_forgiven() -> None:
    """What ran well for a while is started again quickly when it dies."""
    clock = FakeClock()
    supervisor = Supervisor(clock)
    starts = []

    async def lives_a_while() -> None:
        starts.append(clock.monotonic())
        await clock.sleep(100 if len(starts) > 4 else 1)
        raise ValueError("at last")

    supervisor.keep_running("worker", lives_a_while)
    await clock.advance(1000)
    await supervisor.stop()
    assert starts[6] - starts[5] == 100.5


async def test_stop_leaves_nothing() -> None:
    """After stop nothing that was started runs, also what waited to be started again."""
    before = asyncio.all_tasks()
    clock = FakeClock()
    supervisor = Supervisor(clock)
    supervisor.keep_running("runs", Runner(0, None).run)
    supervisor.keep_running("dead", Runner(99, ValueError("x")).run)
    supervisor.run_once("once", asyncio.sleep(3600))
    await clock.advance(1)
    await supervisor.stop()
    assert asyncio.all_tasks() == before
    await supervisor.stop()


async def test_once_is_once(caplog: pytest.LogCaptureFixture) -> None:
    """What runs once is not started again, and its failure is in the log."""
    clock = FakeClock()
    supervisor = Supervisor(clock)
    supervisor.run_once("starter set", Runner(1, ValueError("no paint")).run())
    await clock.advance(100)
    assert not supervisor.is_alive("starter set")
    assert "starter set failed" in caplog.text
    assert supervisor.restarts == {}
    await supervisor.stop()
