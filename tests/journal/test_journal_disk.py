"""The journal and real disks: killed processes, no room, files that are no journal."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from imageserver.errors import JournalRefused, JournalUnavailable
from imageserver.journal import Journal
from imageserver.journal.schema import VERSION
from journal.records import a_job, a_picture

# Says a job's number once create() has returned; several writers share the commits. It never stops by itself.
WRITER = """
import asyncio, os, sys
from pathlib import Path
from imageserver.jobs import Job, Kind
from imageserver.journal import Journal

async def write(journal, first, step):
    number = first
    while True:
        await journal.jobs.create(Job(id=str(number), kind=Kind.ANY, frame="", created=float(number), width=1,
                                      height=1, why="x" * 200))
        os.write(1, f"{number}\\n".encode())
        number += step

async def main():
    journal = Journal(Path(sys.argv[1]))
    await journal.open()
    start = int(sys.argv[2])
    await asyncio.gather(*(write(journal, start + lane, 4) for lane in range(4)))

asyncio.run(main())
"""
KILLS = 8


async def test_what_returned_survives_kill_9(tmp_path: Path) -> None:
    """After each kill -9 at a random moment every job whose write had returned is in the journal."""
    path = tmp_path / "journal.sqlite"
    chance = random.Random(9)
    told: set[str] = set()
    start = 0
    for _ in range(KILLS):
        told |= _written_until_killed(path, start, chance)
        journal = Journal(path)
        await journal.open()
        kept = {job.id for job in await journal.jobs.unfinished()}
        await journal.close()
        assert told <= kept
        start = (max(map(int, kept)) // 4 + 1) * 4
    assert len(told) >= KILLS * 3


def _written_until_killed(path: Path, start: int, chance: random.Random) -> set[str]:
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(start)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        told = {process.stdout.readline().decode().strip() for _ in range(chance.randint(3, 40))}
        for _ in range(chance.randrange(20_000)):  # a random moment within the next commits, without a clock
            os.getpid()
        process.send_signal(signal.SIGKILL)
        told |= {line.decode() for line in process.stdout.read().split()}
    return told


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root on Linux")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=False)
    if mounted.returncode:
        pytest.skip("this machine does not let root mount a tmpfs")
    yield folder
    subprocess.run(["umount", folder], check=True)


async def test_a_full_disk_loses_only_what_was_refused(small_disk: Path) -> None:
    """On a full disk writes raise and posts are counted; with room again writes work and nothing kept is gone."""
    path = small_disk / "journal.sqlite"
    journal = Journal(path)
    await journal.open()
    await journal.jobs.create(a_job("before"))
    ballast = small_disk / "ballast"
    _fill(ballast)
    with pytest.raises(JournalUnavailable):
        await journal.jobs.create(a_job("refused", why="x" * 50_000))
    journal.jobs.note(a_job("lost", why="x" * 50_000))
    await journal.jobs.unfinished()  # may share the post's commit; the next read comes after it
    assert [job.id for job in await journal.jobs.unfinished()] == ["before"]
    assert journal.lost_writes == 1
    ballast.unlink()
    await journal.jobs.create(a_job("after", created=2000.0, why="x" * 50_000))
    await journal.close()
    again = Journal(path)
    await again.open()
    assert [job.id for job in await again.jobs.unfinished()] == ["before", "after"]
    await again.close()


def _fill(ballast: Path) -> None:
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}


@pytest.mark.parametrize("mode", ["wal", "delete"])
async def test_a_newer_journal_is_left_alone(mode: str, tmp_path: Path) -> None:
    """A journal of a newer version is refused with advice, and not one byte of its folder changes."""
    path = tmp_path / "journal.sqlite"
    newer = sqlite3.connect(path, isolation_level=None)
    newer.execute(f"PRAGMA journal_mode={mode}")
    newer.execute("CREATE TABLE wonders (name TEXT)")
    newer.execute(f"PRAGMA user_version={VERSION + 1}")
    newer.close()
    before = snapshot(tmp_path)
    with pytest.raises(JournalRefused, match="newer version"):
        await Journal(path).open()
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("content", [b"hello", b"\0" * 5000, b"{" * 100_000, b"SQLite format 2\0" + bytes(5000)])
async def test_garbage_is_left_alone(content: bytes, tmp_path: Path) -> None:
    """A file that is no journal is refused by name, and stays byte for byte."""
    path = tmp_path / "journal.sqlite"
    path.write_bytes(content)
    before = snapshot(tmp_path)
    with pytest.raises(JournalRefused, match=r"journal\.sqlite"):
        await Journal(path).open()
    assert snapshot(tmp_path) == before


async def test_a_truncated_journal_is_refused(tmp_path: Path) -> None:
    """A journal of which only the first page is left is refused rather than begun anew over it."""
    path = tmp_path / "journal.sqlite"
    journal = Journal(path)
    await journal.open()
    await journal.close()
    journal.snapshot.unlink()  # with it nothing is refused: test_journal_copied.py
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(JournalRefused):
        await Journal(path).open()


async def test_an_empty_file_becomes_a_journal(tmp_path: Path) -> None:
    """An empty file, as a crash at the very first start leaves it, is no reason to refuse."""
    path = tmp_path / "journal.sqlite"
    path.touch()
    journal = Journal(path)
    await journal.open()
    await journal.jobs.create(a_job("first"))
    assert await journal.jobs.get("first") is not None
    await journal.close()


def _rights_of_others(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o077 for path in folder.iterdir()}


async def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    """From the first write on neither the journal nor what SQLite keeps beside it can be read by others."""
    journal = Journal(tmp_path / "journal.sqlite")
    await journal.open()
    await journal.notes.put("secret", "x")
    rights = _rights_of_others(tmp_path)
    await journal.close()
    assert "journal.sqlite-wal" in rights
    assert set(rights.values()) == {0}


async def test_a_journal_of_the_first_version_is_taken_over(tmp_path: Path) -> None:
    """A journal written before laps knew the picture shown last keeps its pictures and works on."""
    from imageserver.journal import schema

    path = tmp_path / "journal.sqlite"
    old = sqlite3.connect(path, isolation_level=None)
    old.executescript(schema._VERSION_1 + "PRAGMA user_version=1;")
    old.execute("INSERT INTO frames VALUES ('f', '', 1, 1, 9, 4, 9, '', 5.0)")
    old.close()
    journal = Journal(path)
    await journal.open()
    assert [(lap.position, lap.shown) for lap in await journal.frames.laps(10)] == [(4, 0)]
    await journal.jobs.create(a_job("job"))
    assert await journal.pictures.add_and_settle(a_picture("a.jpg"), a_job("job")) == 1
    assert await journal.pictures.broken() == []  # by an index that came later
    await journal.close()
