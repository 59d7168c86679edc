from __future__ import annotations

from pathlib import Path

from imageserver.journal import Journal


async def test_increments_add_up(journal: Journal) -> None:
    """What is added under one day, name and label is one number; labels and names are apart."""
    await journal.counters.add({("2026-11-21", "made", "a"): 2, ("2026-11-22", "made", "a"): 3})
    await journal.counters.add({("2026-11-22", "made", "a"): 4, ("2026-11-22", "made", "b"): 1})
    await journal.counters.add({("2026-11-22", "sent", "a"): 9})
    assert await journal.counters.totals() == {("made", "a"): 9, ("made", "b"): 1, ("sent", "a"): 9}


async def test_days_can_be_asked_for(journal: Journal) -> None:
    """A span of days holds both its ends and nothing beside them."""
    for day in ("2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23"):
        await journal.counters.add({(day, "sent", "stored"): 1})
    assert await journal.counters.of_days("2026-11-21", "2026-11-22") == {("sent", "stored"): 2}
    assert await journal.counters.of_days("2026-12-01", "2026-12-31") == {}


async def test_forgotten_days_stay_in_the_totals(journal: Journal) -> None:
    """Days before the one that is named are forgotten, and the totals never go down, however often it is done."""
    for day in ("2025-01-01", "2025-01-02", "2026-11-22"):
        await journal.counters.add({(day, "sent", "stored"): 5, (day, "sent", "card"): 1})
    before = await journal.counters.totals()
    await journal.counters.forget_before("2025-01-02")
    await journal.counters.forget_before("2026-01-01")
    await journal.counters.forget_before("2026-01-01")
    assert await journal.counters.totals() == before == {("sent", "stored"): 15, ("sent", "card"): 3}
    assert await journal.counters.of_days("0000-01-01", "2026-01-01") == {}
    assert await journal.counters.of_days("2026-11-22", "2026-11-22") == {("sent", "stored"): 5, ("sent", "card"): 1}


async def test_counters_are_there_after_a_restart(tmp_path: Path) -> None:
    """What returned is on the disk."""
    journal = Journal(tmp_path / "journal.sqlite")
    await journal.open()
    await journal.counters.add({("2026-11-22", "made", "a"): 2})
    await journal.close()
    journal = Journal(tmp_path / "journal.sqlite")
    await journal.open()
    assert await journal.counters.totals() == {("made", "a"): 2}
    await journal.close()
