"""When a snapshot of the journal is made, and that its making holds nobody up."""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from journal.records import a_job
from live import live, painter

from imageserver.journal import Journal
from imageserver.schedule import run_entry
from imageserver.snapshots import Snapshots
from imageserver.testing import FakeClock
from imageserver.web import keys

HOUR = 3600.0
QUIET = "disabled_providers: [atelier]\n"


def pictures_in(snapshot: Path) -> int:
    connection = sqlite3.connect(f"file:{snapshot}?immutable=1", uri=True)
    (number,) = connection.execute("SELECT count(*) FROM jobs").fetchone()
    connection.close()
    return int(number)


async def test_it_is_made_when_it_is_worth_it(tmp_path: Path) -> None:
    """What somebody waited for is worth one within the hour, what nobody waited for one a day, and nothing none."""
    journal, clock = Journal(tmp_path / "journal.sqlite"), FakeClock()
    await journal.open()
    with ThreadPoolExecutor(1) as executor:
        snapshots = Snapshots(journal=journal, clock=clock, executor=executor)
        assert not await snapshots.keep()  # nothing has happened
        await journal.jobs.create(a_job("bought"))
        assert await snapshots.keep()
        assert pictures_in(journal.snapshot) == 1
        await clock.advance(HOUR)
        assert not await snapshots.keep()
        journal.jobs.note(a_job("taken"))
        await journal.jobs.unfinished()
        assert not await snapshots.keep()  # a frame took a picture
        await journal.jobs.create(a_job("bought-2"))
        assert await snapshots.keep()
        assert pictures_in(journal.snapshot) == 3
        journal.jobs.note(a_job("taken-2"))
        await journal.jobs.unfinished()
        await clock.advance(23 * HOUR)
        assert not await snapshots.keep()
        await clock.advance(HOUR)
        assert await snapshots.keep()
        assert pictures_in(journal.snapshot) == 4
    await journal.close()


async def test_the_clock_makes_it(tmp_path: Path) -> None:
    """At half past the schedule asks for one; the server runs that entry."""
    journal, clock = Journal(tmp_path / "journal.sqlite"), FakeClock(datetime(2026, 5, 5, 10, tzinfo=UTC).timestamp())
    await journal.open()
    await journal.jobs.create(a_job("bought"))
    with ThreadPoolExecutor(1) as executor:
        snapshots = Snapshots(journal=journal, clock=clock, executor=executor)
        assert pictures_in(journal.snapshot) == 0
        going = asyncio.create_task(run_entry(snapshots.entry(), clock))
        await clock.advance(29 * 60)
        assert pictures_in(journal.snapshot) == 0
        await clock.advance(60)
        await clock.until_sleeping()  # it is made, and the next date is waited for
        assert pictures_in(journal.snapshot) == 1
        going.cancel()
    await journal.close()
    async with live(tmp_path, options=QUIET, stored=1):
        assert "snapshot of the journal" in {task.get_name() for task in asyncio.all_tasks()}


async def test_a_large_journal_wears_no_card_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than a bounded number of bytes is written in a day, whatever happens."""
    monkeypatch.setattr("imageserver.snapshots._DAILY", 24 * 50_000)  # the journal is larger than that in an hour
    journal, clock = Journal(tmp_path / "journal.sqlite"), FakeClock()
    await journal.open()
    with ThreadPoolExecutor(1) as executor:
        snapshots = Snapshots(journal=journal, clock=clock, executor=executor)
        made, size = 0, 0
        for hour in range(48):
            await journal.jobs.create(a_job(f"bought-{hour}"))
            made += await snapshots.keep()
            size = journal.path.stat().st_size
            await clock.advance(HOUR)
    assert 2 <= made <= 2 * 24 * 50_000 / size * 1.2
    await journal.close()


async def test_a_failure_is_said_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A full disk: the old snapshot stays, the log says it, and the next round tries again."""
    journal, clock = Journal(tmp_path / "journal.sqlite"), FakeClock()
    await journal.open()
    await journal.jobs.create(a_job("bought"))
    before = journal.snapshot.read_bytes()

    def full(*_: object) -> bool:
        raise OSError(28, "No space left on device")

    with ThreadPoolExecutor(1) as executor:
        snapshots = Snapshots(journal=journal, clock=clock, executor=executor)
        with monkeypatch.context() as patch:
            patch.setattr("imageserver.journal.database.write_copy", full)
            assert not await snapshots.keep()
        assert journal.snapshot.read_bytes() == before
        assert "no snapshot of the journal can be kept" in caplog.text
        assert await snapshots.keep()
    await journal.close()


async def test_frames_go_on_while_it_is_made(tmp_path: Path) -> None:
    """Meanwhile frames are served and pictures are bought."""
    kind = painter("dear", paid=True)
    async with live(tmp_path, kind, options=QUIET, stored=2) as server:
        journal = server.app[keys.JOURNAL]
        first = journal.snapshot.stat().st_ino
        copying = asyncio.create_task(journal.copy_to(journal.snapshot))
        for _ in range(3):
            await server.done((await server.start(type="provider", provider="dear"))["id"])
            await server.done((await server.start(type="old"))["id"])
        await copying
        assert journal.snapshot.stat().st_ino != first
        async with server.http.get("/healthz") as answer:
            said = await answer.json()
        assert (said["status"], said["unconfirmed"]) == ("ok", None)
        async with server.http.post("/api/v1/counters/confirm") as answer:
            assert await answer.json() == {"confirmed": False}


async def test_the_end_waits_for_a_copy(tmp_path: Path) -> None:
    """A journal that is closed meanwhile is closed after it; the copy is whole."""
    journal = Journal(tmp_path / "journal.sqlite")
    await journal.open()
    await journal.jobs.create(a_job("bought"))
    copying = asyncio.create_task(journal.copy_to(tmp_path / "copy"))
    await asyncio.sleep(0)  # it begins
    await asyncio.gather(copying, journal.close())
    assert pictures_in(tmp_path / "copy") == 1


async def test_free_pictures_go_on_while_counters_wait(tmp_path: Path) -> None:
    """Only what costs something waits for the owner's word, also where only the owner says that it does."""
    dear, free, priced = painter("dear", paid=True), painter("free"), painter("priced")
    options = QUIET + "providers: {priced: {price: 1.5}, free: {max_per_day: 5}}\n"
    async with live(tmp_path, dear, free, priced, options=options, stored=1) as server:
        server.app[keys.TILL].unconfirmed = "snapshot"
        await server.app[keys.JOURNAL].notes.put("counters_unconfirmed", "snapshot")
        for code in ("dear", "free", "priced"):
            await server.done((await server.start(type="provider", provider=code))["id"])
        assert (len(dear.asked), len(free.asked), len(priced.asked)) == (0, 1, 0)
        async with server.http.get("/api/v1/numbers") as answer:
            assert (await answer.json())["unconfirmed"] == "snapshot"
        async with server.http.get("/numbers") as answer:
            assert "a snapshot took its place" in await answer.text()
        async with server.http.post("/api/v1/counters/confirm") as answer:
            assert await answer.json() == {"confirmed": True}
        assert await server.app[keys.JOURNAL].notes.get("counters_unconfirmed") is None
        for code in ("dear", "priced"):
            await server.done((await server.start(type="provider", provider=code))["id"])
        assert (len(dear.asked), len(priced.asked)) == (1, 1)
