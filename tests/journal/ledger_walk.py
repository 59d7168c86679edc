"""A random walk over the ledger: workers, crashes, clock jumps, and a service that charges as it likes."""

from __future__ import annotations

import random
from decimal import Decimal
from pathlib import Path

from attrs import evolve

from imageserver.errors import CapReached
from imageserver.jobs import Job, JobState, Kind
from imageserver.journal import Journal
from imageserver.money import Caps, MoneyClock
from imageserver.testing import FakeClock

CAPS = Caps(price=Decimal("2.24"), per_day=3, per_month=40, cost_per_month=Decimal("50"))
START = 1_804_000_000.0
_STEPS = ["begin", "begin", "begin", "charge", "charge", "lose", "refuse", "crash", "restart", "wait", "jump"]


def job(number: int) -> Job:
    """A queued job."""
    return Job(
        id=f"job{number}", kind=Kind.ANY, frame="f", created=START, width=320, height=480, why="", candidates=("paid",)
    )


class LedgerWalk:
    """The service's own count of charges is the judge: for each owner's day and month, never more than the caps."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._rng = random.Random(seed)
        self._path = folder / f"ledger{seed}.sqlite"
        self._wall = FakeClock(START)
        self._journal, self._clock = Journal(self._path), MoneyClock(self._wall)
        self._numbers = 0
        self._calling: dict[int, str] = {}  # job → the day for which it was reserved
        self._charged: dict[str, int] = {}  # day → pictures

    async def run(self, steps: int) -> int:
        """Walk, and judge after each step; returns how often the service charged."""
        await self._journal.open()
        for _ in range(steps):
            await getattr(self, f"_{self._rng.choice(_STEPS)}")()
            self._judge()
        await self._journal.close()
        self._path.unlink()
        return sum(self._charged.values())

    def _judge(self) -> None:
        months: dict[str, int] = {}
        for day, pictures in self._charged.items():
            assert pictures <= (CAPS.per_day or 0), (day, pictures)
            months[day[:7]] = months.get(day[:7], 0) + pictures
        for month, pictures in months.items():
            assert pictures <= (CAPS.per_month or 0), (month, pictures)
            assert pictures * CAPS.price <= (CAPS.cost_per_month or 0), (month, pictures)

    async def _begin(self) -> None:
        self._numbers += 1
        await self._journal.jobs.create(job(self._numbers))
        if self._clock.why_not() is not None:
            return
        purchase = self._clock.purchase("paid", CAPS)
        try:
            await self._journal.jobs.begin_call(f"job{self._numbers}", "paid", self._clock.now(), purchase)
        except CapReached:
            return
        self._clock.bought(purchase.at)
        self._calling[self._numbers] = purchase.day

    async def _charge(self, state: JobState = JobState.DONE) -> None:
        if self._calling:
            number = self._rng.choice(sorted(self._calling))
            day = self._calling.pop(number)
            self._charged[day] = self._charged.get(day, 0) + 1
            await self._journal.jobs.settle(evolve(job(number), state=state))

    async def _lose(self) -> None:
        await self._charge(JobState.UNKNOWN)

    async def _refuse(self) -> None:
        if self._calling:
            number = self._rng.choice(sorted(self._calling))
            del self._calling[number]
            await self._journal.jobs.note_failure(evolve(job(number), error="auth", provider="paid"))

    async def _crash(self) -> None:
        while self._calling:  # each may have been charged before the crash
            await self._lose()

    async def _restart(self) -> None:
        await self._crash()
        if self._rng.random() < 0.2:
            await self._journal.close()
            self._journal, self._clock = Journal(self._path), MoneyClock(self._wall)
            await self._journal.open()
            self._clock.bought(await self._journal.spending.newest())

    async def _wait(self) -> None:
        await self._wall.advance(self._rng.uniform(0, 7200))

    async def _jump(self) -> None:
        true = self._wall.now()
        self._wall.set(true + self._rng.choice([-86400.0, 86400.0, -3600.0, 3650 * 86400.0, -true]))
        await self._begin()
        self._wall.set(true)
