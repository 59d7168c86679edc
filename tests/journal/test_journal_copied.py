"""A journal that was copied, torn, damaged or lost: it opens all the same, and its counters are then in doubt."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from imageserver.errors import JournalRefused
from imageserver.journal import UNCONFIRMED, Damaged, Journal
from imageserver.journal.home import Arrival, how_it_came
from journal.records import a_job


async def opened(path: Path) -> Journal:
    journal = Journal(path)
    await journal.open()
    return journal


async def doubt(path: Path) -> str | None:
    """Open, read the note, close."""
    journal = await opened(path)
    found = await journal.notes.get(UNCONFIRMED)
    await journal.close()
    return found


async def written(path: Path, jobs: int = 50) -> Journal:
    """An open journal with some jobs, as it is while its server runs."""
    journal = await opened(path)
    for number in range(jobs):
        await journal.jobs.create(a_job(f"job-{number}", why="x" * 500))
    return journal


def copied(folder: Path, to: Path) -> Path:
    """The folder, file by file; the journal in it."""
    shutil.copytree(folder, to)
    return to / "journal.sqlite"


async def test_a_restart_at_home_asks_nothing(tmp_path: Path) -> None:
    """Closed well or cut off: where the journal was left, its counters are right."""
    path = tmp_path / "data" / "journal.sqlite"
    journal = await written(path)
    assert how_it_came(path) is Arrival.CUT_OFF  # so it looks while it runs, and after a crash
    await journal.close()
    assert how_it_came(path) is Arrival.CLOSED
    assert await doubt(path) is None


async def test_a_closed_folder_may_be_moved(tmp_path: Path) -> None:
    """A copy of a folder whose server had stopped is as good as the folder."""
    journal = await written(tmp_path / "data" / "journal.sqlite")
    await journal.close()
    path = copied(tmp_path / "data", tmp_path / "moved")
    assert how_it_came(path) is Arrival.MOVED
    assert await doubt(path) is None
    assert how_it_came(path) is Arrival.CLOSED


async def test_a_copy_of_a_live_folder_is_in_doubt(tmp_path: Path) -> None:
    """It opens with all that was committed, and says that it is a copy until somebody has confirmed it."""
    journal = await written(tmp_path / "data" / "journal.sqlite")
    path = copied(tmp_path / "data", tmp_path / "copy")
    assert how_it_came(path) is Arrival.COPIED
    copy = await opened(path)
    assert await copy.notes.get(UNCONFIRMED) == "copied"
    assert len(await copy.jobs.unfinished()) == 50
    await copy.close()
    assert await doubt(path) == "copied"  # a restart makes it no better
    await journal.close()


async def test_a_torn_copy_is_its_snapshot(tmp_path: Path) -> None:
    """Half of its pages are older than the others: the snapshot takes its place, and what was there is kept."""
    journal = await written(tmp_path / "data" / "journal.sqlite", jobs=5)
    await journal.copy_to(journal.snapshot)
    early = (tmp_path / "data" / "journal.sqlite").read_bytes()
    for number in range(2000):
        journal.jobs.note(a_job(f"more-{number}", why="x" * 900))
    await journal.jobs.create(a_job("last"))
    await journal.copy_to(tmp_path / "elsewhere")  # everything is in the one file now
    path = copied(tmp_path / "data", tmp_path / "copy")
    late = path.read_bytes()
    assert len(late) > len(early)
    path.write_bytes(late[: len(early) // 2] + early[len(early) // 2 :])
    torn = path.read_bytes()
    copy = await opened(path)
    assert await copy.notes.get(UNCONFIRMED) == "snapshot"
    assert len(await copy.jobs.unfinished()) == 5
    await copy.close()
    assert path.with_name("journal.sqlite-damaged-1").read_bytes() == torn
    await journal.close()


@pytest.mark.parametrize("what", ["cut", "garbage", "empty", "gone"])
async def test_a_journal_that_is_damaged_at_home_is_its_snapshot(what: str, tmp_path: Path) -> None:
    """A disk that lost it: the snapshot takes its place, what was there is kept, and the counters are in doubt."""
    path = tmp_path / "data" / "journal.sqlite"
    journal = await written(path)
    await journal.copy_to(journal.snapshot)
    await journal.close()
    whole = path.read_bytes()
    damaged = {"cut": whole[:9000], "garbage": b"\0" * len(whole), "empty": b"", "gone": None}[what]
    path.unlink() if damaged is None else path.write_bytes(damaged)
    assert await doubt(path) == "snapshot"
    assert await doubt(path) == "snapshot"
    if damaged:
        assert path.with_name("journal.sqlite-damaged-1").read_bytes() == damaged


async def test_a_journal_put_back_by_hand_is_in_doubt(tmp_path: Path) -> None:
    """An owner puts an old journal.sqlite over the new one: it opens, and may not know what was bought since."""
    path = tmp_path / "data" / "journal.sqlite"
    journal = await written(path)
    await journal.close()
    old = path.read_bytes()
    journal = await opened(path)
    await journal.jobs.create(a_job("new"))
    await journal.close()
    path.write_bytes(old)
    assert await doubt(path) == "copied"


async def test_without_a_snapshot_a_damaged_one_is_refused(tmp_path: Path) -> None:
    """The control: what the tests above rest on is the snapshot. A damaged journal is never begun anew over."""
    path = tmp_path / "data" / "journal.sqlite"
    journal = await written(path)
    await journal.close()
    journal.snapshot.unlink()
    path.write_bytes(path.read_bytes()[:9000])
    for _ in range(2):
        with pytest.raises(JournalRefused):
            await opened(path)
        assert path.read_bytes()


async def test_a_damaged_snapshot_brings_nothing_back(tmp_path: Path) -> None:
    """Where both are damaged it is refused, and both stay as they are."""
    path = tmp_path / "data" / "journal.sqlite"
    journal = await written(path)
    await journal.close()
    path.write_bytes(path.read_bytes()[:9000])
    journal.snapshot.write_bytes(journal.snapshot.read_bytes()[:9000])
    with pytest.raises(JournalRefused):
        await opened(path)
    assert (path.stat().st_size > 0, journal.snapshot.stat().st_size) == (True, 9000)


async def test_only_the_last_damaged_ones_are_kept(tmp_path: Path) -> None:
    """A disk that fails again and again is not filled by what it damaged."""
    path = tmp_path / "data" / "journal.sqlite"
    for number in range(5):
        journal = await opened(path)
        await journal.close()
        path.write_bytes(bytes([number + 1]) * 5000)
    await doubt(path)
    kept = sorted(path.parent.glob("journal.sqlite-damaged-*"))
    assert [file.name[-1] for file in kept] == ["3", "4", "5"]


async def test_a_copy_is_made_while_others_write(tmp_path: Path) -> None:
    """Jobs are committed while a copy is being made; it holds what was committed before, and is one whole file."""
    journal = await written(tmp_path / "journal.sqlite", jobs=20)

    async def write() -> None:
        for number in range(300):
            await journal.jobs.create(a_job(f"while-{number}", why="x" * 900))

    writing = asyncio.create_task(write())
    copies = [tmp_path / f"copy-{number}" for number in range(5)]
    for copy in copies:
        await journal.copy_to(copy)
    await writing
    await journal.close()
    counts = []
    for copy in copies:
        connection = sqlite3.connect(f"file:{copy}?immutable=1", uri=True)
        counts.append(connection.execute("SELECT count(*) FROM jobs").fetchone()[0])
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()
    assert counts[0] >= 20
    assert counts == sorted(counts)


async def test_a_copy_that_cannot_be_made_leaves_the_old_one(tmp_path: Path) -> None:
    """No room, no folder: an error, the old copy stays, and the journal goes on."""
    journal = await written(tmp_path / "journal.sqlite", jobs=1)
    before = journal.snapshot.read_bytes()
    with pytest.raises(OSError, match="no-folder"):
        await journal.copy_to(tmp_path / "no-folder" / "copy")
    await journal.jobs.create(a_job("after"))
    assert journal.snapshot.read_bytes() == before
    await journal.close()


async def test_a_damaged_journal_makes_no_snapshot(tmp_path: Path) -> None:
    """The good snapshot is not replaced by a copy of pages that are no good."""
    journal = await written(tmp_path / "journal.sqlite", jobs=50)
    await journal.copy_to(journal.snapshot)
    before = journal.snapshot.read_bytes()
    with (tmp_path / "journal.sqlite").open("r+b") as file:
        file.seek(8 * 4096)
        file.write(b"\xff" * 4096 * 8)
    with pytest.raises(Damaged):
        await journal.copy_to(journal.snapshot)
    assert journal.snapshot.read_bytes() == before
    await journal.close()
    assert await doubt(tmp_path / "journal.sqlite") == "snapshot", "the next start looks"


async def test_what_stands_beside_it_is_small_and_private(tmp_path: Path) -> None:
    """Seal and home are nobody else's business either, and a seal that is nonsense counts as none."""
    path = tmp_path / "journal.sqlite"
    await doubt(path)
    seal = tmp_path / "journal.sqlite-seal"
    assert set(json.loads(seal.read_text())) == {"home", "closed"}
    for nonsense in ("", "[]", "{}", '{"home": 3, "closed": 4}', "\0"):
        seal.write_text(nonsense)
        assert how_it_came(path) is Arrival.CUT_OFF
        assert await doubt(path) is None
