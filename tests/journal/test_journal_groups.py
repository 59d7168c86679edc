"""Commits in groups: who shares one, and what happens to the others when one fails."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from imageserver.errors import JournalUnavailable
from imageserver.journal.database import Database, _Item


def put(name: str, value: str = "x") -> Callable[[sqlite3.Connection], object]:
    return lambda connection: connection.execute("INSERT INTO notes (name, value) VALUES (?, ?)", (name, value))


def names(connection: sqlite3.Connection) -> list[str]:
    return [name for (name,) in connection.execute("SELECT name FROM notes ORDER BY name")]


class Held:
    """Keeps the journal's thread busy, so that what is given meanwhile is one group."""

    def __init__(self, database: Database) -> None:
        self._is_busy, self._go_on = threading.Event(), threading.Event()
        database._work.put(_Item(self._hold, writes=False, future=None))  # `read` would hand on what waits for company

    @classmethod
    async def of(cls, database: Database) -> Held:
        """Once the thread is busy: on its way there it would take half of what is just being given."""
        held = cls(database)
        assert await asyncio.to_thread(held._is_busy.wait, 60)
        return held

    def release(self) -> None:
        self._go_on.set()

    def _hold(self, _connection: sqlite3.Connection) -> None:
        self._is_busy.set()
        self._go_on.wait(60)


async def test_a_failing_write_is_undone_alone(database: Database) -> None:
    """Of three writes in one commit the middle one raises halfway: the others are there, and of it nothing."""

    def half(connection: sqlite3.Connection) -> None:
        put("half")(connection)
        raise ValueError("in the middle")

    held = await Held.of(database)
    writes = [asyncio.ensure_future(database.write(work)) for work in (put("first"), half, put("last"))]
    await asyncio.sleep(0)
    held.release()
    results = await asyncio.gather(*writes, return_exceptions=True)
    assert [isinstance(result, ValueError) for result in results] == [False, True, False]
    assert await database.read(names) == ["first", "last"]


async def test_what_waits_shares_one_commit(database: Database) -> None:
    """A hundred writes that wait together are committed together, not one by one."""
    commits: list[int] = []

    def watch(connection: sqlite3.Connection) -> None:
        connection.set_trace_callback(lambda text: commits.append(1) if text == "COMMIT" else None)

    await database.read(watch)
    held = await Held.of(database)
    writes = [asyncio.ensure_future(database.write(put(f"{number:03}"))) for number in range(100)]
    await asyncio.sleep(0)
    held.release()
    await asyncio.gather(*writes)
    assert len(commits) == 1
    assert len(await database.read(names)) == 100


async def test_a_read_sees_posts_before_it(database: Database) -> None:
    """A read sees a post that was given before it, although nobody waited for the disk."""
    database.post(put("posted"))
    assert await database.read(names) == ["posted"]


async def test_posts_wait_for_company(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty notes that nobody waits for, given one after the other, are one commit."""
    monkeypatch.setattr("imageserver.journal.database._COMPANY", 3600.0)  # a busy machine takes a tenth of a second
    commits: list[str] = []
    await database.read(lambda connection: connection.set_trace_callback(commits.append))
    for number in range(50):
        database.post(put(f"{number:03}"))
        await asyncio.sleep(0)  # what would go at once has gone by now
    held = await Held.of(database)
    reading = asyncio.ensure_future(database.read(names))  # hands them on
    await asyncio.sleep(0)
    held.release()
    assert len(await reading) == 50
    await database.read(names)  # the first one is answered before its group is committed
    assert commits.count("COMMIT") == 1


async def test_posts_go_by_themselves(database: Database) -> None:
    """A note is written although nobody asks the journal for anything after it."""
    written = asyncio.Event()
    loop = asyncio.get_running_loop()

    def work(connection: sqlite3.Connection) -> None:
        put("alone")(connection)
        loop.call_soon_threadsafe(written.set)

    database.post(work)
    await written.wait()
    assert await database.read(names) == ["alone"]


async def test_the_last_of_several_counts(database: Database) -> None:
    """Of notes that are each posted instead of the one before only the last is run, in the place of the first."""
    run: list[str] = []
    for name, instead_of in (("a1", "a"), ("other", None), ("a2", "a"), ("b", "b"), ("a3", "a")):
        database.post(lambda _connection, name=name: run.append(name), instead_of=instead_of)  # type: ignore[misc]
    await database.read(names)
    assert run == ["a3", "other", "b"]
    database.post(lambda _connection: run.append("a4"), instead_of="a")
    await database.read(names)
    assert run[-1] == "a4"


async def test_an_sqlite_error_has_one_name(database: Database) -> None:
    """What SQLite refuses is a JournalUnavailable for the caller, with SQLite's own error behind it."""
    await database.write(put("once"))
    with pytest.raises(JournalUnavailable) as caught:
        await database.write(put("once"))
    assert isinstance(caught.value.__cause__, sqlite3.IntegrityError)


async def test_a_caller_that_gave_up_spoils_nothing(database: Database) -> None:
    """A cancelled caller's write is done all the same, and the next caller is answered."""
    held = await Held.of(database)
    given_up = asyncio.ensure_future(database.write(put("given up")))
    await asyncio.sleep(0)
    given_up.cancel()
    held.release()
    await database.write(put("next"))
    assert await database.read(names) == ["given up", "next"]


async def test_a_system_exit_in_work_does_not_end_the_journal(database: Database) -> None:
    """Work that raises SystemExit as a post is lost alone; the thread goes on."""

    def exits(_connection: sqlite3.Connection) -> None:
        raise SystemExit(3)

    database.post(exits)
    await database.write(put("after"))
    assert await database.read(names) == ["after"]
    assert database.lost_writes == 1


async def test_closing_writes_what_was_given(tmp_path: Path) -> None:
    """Posts given before the end are in the file afterwards."""
    database = Database(tmp_path / "journal.sqlite")
    await database.open()
    for number in range(2000):  # more than fit one group
        database.post(put(f"{number:04}"))
    await database.close()
    again = Database(tmp_path / "journal.sqlite")
    await again.open()
    assert len(await again.read(names)) == 2000
    await again.close()


async def test_nobody_waits_behind_the_end(tmp_path: Path) -> None:
    """A write given while the journal closes is refused at once instead of never being answered."""
    database = Database(tmp_path / "journal.sqlite")
    await database.open()
    held = await Held.of(database)
    closing = asyncio.ensure_future(database.close())
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="not open"):
        await database.write(put("late"))
    held.release()
    await closing
    with pytest.raises(RuntimeError, match="not open"):
        await database.read(names)


def limit_pages(connection: sqlite3.Connection) -> None:
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count={pages}")


def lift_limit(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA max_page_count=1000000")


LARGE = "x" * 100_000


async def test_a_full_journal_refuses_and_recovers(database: Database) -> None:
    """Without room writes raise, posts are counted as lost, reads go on; with room again all of it works."""
    await database.write(put("before"))
    await database.read(limit_pages)
    with pytest.raises(JournalUnavailable, match="full"):
        await database.write(put("large", LARGE))
    database.post(put("large post", LARGE))
    await database.read(names)  # may share the post's commit; the next read comes after it
    assert await database.read(names) == ["before"]
    assert database.lost_writes == 1
    await database.read(lift_limit)
    await database.write(put("large", LARGE))
    assert await database.read(names) == ["before", "large"]


async def test_a_full_journal_never_says_yes_to_what_is_lost(database: Database) -> None:
    """In a group with one write too large, every write that returned is there and every one that raised is not."""
    await database.read(limit_pages)
    held = await Held.of(database)
    given = ["small 1", "LARGE", "small 2", "small 3"]
    writes = [asyncio.ensure_future(database.write(put(name, LARGE if name == "LARGE" else "x"))) for name in given]
    await asyncio.sleep(0)
    held.release()
    results = await asyncio.gather(*writes, return_exceptions=True)
    returned = [name for name, result in zip(given, results, strict=True) if not isinstance(result, BaseException)]
    assert isinstance(results[1], JournalUnavailable)
    assert await database.read(names) == sorted(returned)
