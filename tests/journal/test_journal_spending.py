"""The ledger: whatever happens, no cap is passed and no charge is forgotten."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from attrs import evolve

from imageserver.errors import CapReached
from imageserver.jobs import JobState
from imageserver.journal import Journal
from imageserver.money import MoneyClock
from imageserver.testing import FakeClock
from journal.ledger_walk import CAPS, START, LedgerWalk, job


@pytest.fixture
def ledger_folder(tmp_path: Path) -> Iterator[Path]:
    """Where thousands of commits cost nothing: memory, if the system has it as a folder."""
    shared = Path("/dev/shm")
    if not os.access(shared, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="ledger-", dir=shared) as folder:
        yield Path(folder)


async def test_reserved_counts_and_released_does_not(tmp_path: Path) -> None:
    """A call under way counts against the cap; one that certainly cost nothing does not any more."""
    journal, clock = Journal(tmp_path / "j.sqlite"), MoneyClock(FakeClock(START))
    await journal.open()
    for number in range(5):
        await journal.jobs.create(job(number))
    purchase = clock.purchase("paid", CAPS)
    for number in range(3):
        assert await journal.jobs.begin_call(f"job{number}", "paid", START, purchase)
    with pytest.raises(CapReached, match="max_per_day"):
        await journal.jobs.begin_call("job3", "paid", START, purchase)
    await journal.jobs.note_failure(evolve(job(1), error="auth", provider="paid"))
    assert await journal.jobs.begin_call("job3", "paid", START, purchase)
    await journal.jobs.settle(evolve(job(0), state=JobState.UNKNOWN))
    with pytest.raises(CapReached):
        await journal.jobs.begin_call("job4", "paid", START, purchase)
    totals = await journal.spending.totals("paid", purchase.day, "2000-01-01")
    assert (totals.today.pictures, totals.today.cost) == (3, Decimal("6.72"))
    assert (totals.this_month.pictures, totals.yesterday.pictures) == (3, 0)
    await journal.close()


async def test_a_refused_call_leaves_the_job_as_it_was(tmp_path: Path) -> None:
    """Over the cap nothing of the intent is committed."""
    journal, clock = Journal(tmp_path / "j.sqlite"), MoneyClock(FakeClock(START))
    await journal.open()
    await journal.jobs.create(job(1))
    with pytest.raises(CapReached):
        await journal.jobs.begin_call("job1", "paid", START, clock.purchase("paid", evolve(CAPS, per_day=0)))
    found = await journal.jobs.get("job1")
    assert found is not None
    assert (found.state, found.provider) == (JobState.QUEUED, None)
    await journal.close()


async def test_the_cap_holds_whatever_happens(ledger_folder: Path) -> None:
    """Over 20,000 random steps of workers, crashes and clock jumps the service never charges more than allowed."""
    assert await LedgerWalk(ledger_folder, seed=1).run(20_000) > 20


async def test_without_reserving_the_cap_would_not_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: when nothing is reserved before the call, the same steps pass the cap."""
    monkeypatch.setattr("imageserver.journal.job_records.reserve_in", lambda *_: None)
    with pytest.raises(AssertionError):
        await LedgerWalk(tmp_path, seed=1).run(400)


async def test_many_at_once_never_pass_the_cap(tmp_path: Path) -> None:
    """Of twenty calls in the same moment exactly three are let through."""
    journal, clock = Journal(tmp_path / "j.sqlite"), MoneyClock(FakeClock(START))
    await journal.open()
    for number in range(20):
        await journal.jobs.create(job(number))
    purchase = clock.purchase("paid", CAPS)
    results = await asyncio.gather(
        *(journal.jobs.begin_call(f"job{number}", "paid", START, purchase) for number in range(20)),
        return_exceptions=True,
    )
    assert results.count(True) == 3
    await journal.close()
