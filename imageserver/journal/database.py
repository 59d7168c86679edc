"""One SQLite connection on one thread, with commits in groups.

SQLite 3.40 can corrupt a WAL that two connections write, so there is one. A durable commit costs a disk's flush, so
whatever waits while one is under way goes into the next together: a hundred callers cost two flushes, not a hundred.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, Generic, TypeVar

from attrs import define, field

from imageserver.durable import temporary_for
from imageserver.errors import JournalUnavailable
from imageserver.journal.copies import Damaged, is_damage, put_in_place, write_copy
from imageserver.journal.home import seal
from imageserver.journal.opening import go_on, hold_still, open_journal

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]
SQLITE_VERSION = sqlite3.sqlite_version  # of the library, which may be newer than the file
_GROUP = 512  # at most so many pieces of work in one commit, so that a caller waits for one flush and a little
# What nobody waits for is kept back for company: a flush for each picture that a frame takes would wear an SD card out
# and cost more than the answer. So a kill -9 loses this much of it.
_COMPANY = 0.1  # seconds

_log = logging.getLogger(__name__)


@define(eq=False)
class _Item(Generic[T]):
    work: Work[T]
    writes: bool
    future: asyncio.Future[T] | None  # None: nobody waits
    is_alone: bool = False  # it can share no transaction with others
    value: T | None = field(default=None, init=False)
    error: BaseException | None = field(default=None, init=False)


class Database:
    """Runs work on the journal's connection, in the order it was given."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._work: queue.SimpleQueue[_Item[Any] | None] = queue.SimpleQueue()
        self._posted: dict[object, _Item[Any]] = {}  # what waits for company, in the order it was given
        self._leaves: asyncio.TimerHandle | None = None  # when it goes
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closing = False
        self._raw = -1  # a descriptor for the file's bytes
        self._is_damaged = False
        self._copying = asyncio.Lock()
        self.lost_writes = 0  # work nobody waited for that could not be written: a full disk, mostly
        self.changes = 0  # rows that were changed since the start …
        self.weighty = 0  # … and those of them that somebody waited for

    async def open(self) -> None:
        """Open or create the file, bring it to today's schema. Raises JournalRefused; the file is then untouched."""
        self._loop = asyncio.get_running_loop()
        self._closing = False
        opened: asyncio.Future[None] = self._loop.create_future()
        self._thread = threading.Thread(target=self._run, args=(opened,), name="journal", daemon=True)
        self._thread.start()
        await opened

    async def close(self) -> None:
        """Finish what was given, a copy too, and close the file."""
        if self._thread is None or self._loop is None:
            return
        async with self._copying:  # it reads by the number of a file that is open
            self._closing = True
            self._hand_on()
            self._work.put(None)
            await self._loop.run_in_executor(None, self._thread.join)
            self._thread = None

    async def read(self, work: Work[T]) -> T:
        """Run a query. It sees every write given before it, also a post that is lost a moment later for want of room.

        Raises JournalUnavailable.
        """
        return await self._give(work, writes=False)

    async def write(self, work: Work[T]) -> T:
        """Run a change; returns when it is on the disk. `work` is undone alone when it raises.

        Raises what `work` raises, and JournalUnavailable.
        """
        return await self._give(work, writes=True)

    async def answers(self) -> bool:
        """Wait until the journal's thread has read a line. False where it cannot, but says so."""
        try:
            await self.read(lambda connection: connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone())
        except JournalUnavailable:
            return False
        return True

    def post(self, work: Work[object], *, instead_of: object = None) -> None:
        """Run a change that nobody waits for, within a tenth of a second. Only on the loop that opened the journal.

        Of several that are posted with the same `instead_of` and still wait, only the last is run. When a change
        cannot be written it is counted and lost.
        """
        item = _Item(work, writes=True, future=None)
        self._posted[item if instead_of is None else instead_of] = item
        if self._leaves is None and self._loop is not None and not self._closing:
            self._leaves = self._loop.call_later(_COMPANY, self._hand_on)

    async def copy_to(self, target: Path, executor: Executor | None = None) -> None:
        """Put a verified copy of everything that is committed at `target`, as one file. Nobody waits for it meanwhile.

        Raises OSError, Damaged and JournalUnavailable; what was at `target` is still there then.
        """
        loop = asyncio.get_running_loop()
        copy = temporary_for(target)
        is_given_up = threading.Event()
        async with self._copying:
            copying: asyncio.Future[bool] | None = None
            try:
                await self._give(hold_still, writes=False, is_alone=True)  # also where nobody waits for it any more
                copying = loop.run_in_executor(executor, write_copy, self._raw, copy, is_given_up.is_set)
                await asyncio.shield(copying)
            finally:
                is_given_up.set()
                if copying is not None:
                    await asyncio.wait({copying})  # the file may be written to again only when nobody reads it
                await self._give(go_on, writes=False, is_alone=True)
            try:
                await loop.run_in_executor(executor, put_in_place, copy, target)
            except Damaged:
                self._is_damaged = True  # it gets no seal, so the next start looks
                raise

    async def _give(self, work: Work[T], *, writes: bool, is_alone: bool = False) -> T:
        if self._thread is None or self._loop is None or self._closing:
            raise RuntimeError("the journal is not open")  # behind the end nobody would ever answer
        future: asyncio.Future[T] = self._loop.create_future()
        self._hand_on()  # a read sees what was posted before it
        self._work.put(_Item(work, writes=writes, future=future, is_alone=is_alone))
        return await future

    def _hand_on(self) -> None:
        """What waits for company goes to the journal's thread now."""
        if self._leaves is not None:
            self._leaves.cancel()
            self._leaves = None
        posted, self._posted = self._posted, {}
        for item in posted.values():
            self._work.put(item)

    # Below here: the journal's own thread.

    def _run(self, opened: asyncio.Future[None]) -> None:
        try:
            connection, self._raw = open_journal(self._path)
        except BaseException as error:
            self._tell(opened, None, error)
            return
        self._tell(opened, None, None)
        try:
            while self._serve_group(connection):
                pass
        finally:
            connection.close()
            os.close(self._raw)
            if not self._is_damaged:
                seal(self._path)

    def _serve_group(self, connection: sqlite3.Connection) -> bool:
        items, ends = self._next_group()
        for some in _apart(items):
            self._serve(connection, some)
        return not ends

    def _serve(self, connection: sqlite3.Connection, items: list[_Item[Any]]) -> None:
        in_transaction = False
        for item in items:
            if item.writes and not in_transaction:
                try:
                    connection.execute("BEGIN IMMEDIATE")
                    in_transaction = True
                except sqlite3.Error as error:
                    item.error = error
                    continue
            elif item.writes and not connection.in_transaction:  # a full disk rolled the whole group back
                item.error = sqlite3.OperationalError("the group was rolled back")
                continue
            self._perform(connection, item)
            if not item.writes:
                self._answer(item)
        if in_transaction:
            self._commit(connection, items)
        for item in items:
            if item.writes:
                self._answer(item)

    def _next_group(self) -> tuple[list[_Item[Any]], bool]:
        """What waits, at least one piece, and whether the journal closes after it."""
        items: list[_Item[Any]] = []
        item = self._work.get()
        while item is not None:
            items.append(item)
            if len(items) == _GROUP or self._work.empty():  # only this thread takes, so what is there stays there
                return items, False
            item = self._work.get()
        return items, True

    def _perform(self, connection: sqlite3.Connection, item: _Item[Any]) -> None:
        try:
            if not item.writes:
                item.value = item.work(connection)
                return
            before = connection.total_changes
            connection.execute("SAVEPOINT item")
            try:
                item.value = item.work(connection)
                self._count(connection.total_changes - before, is_weighty=item.future is not None)
            except BaseException:
                if connection.in_transaction:  # a full disk may have rolled everything back already
                    connection.execute("ROLLBACK TO item")
                raise
            finally:
                if connection.in_transaction:
                    connection.execute("RELEASE item")
        except BaseException as error:
            item.error = error

    def _count(self, changes: int, *, is_weighty: bool) -> None:
        self.changes += changes
        if is_weighty:
            self.weighty += changes

    def _commit(self, connection: sqlite3.Connection, items: list[_Item[Any]]) -> None:
        try:
            if not connection.in_transaction:
                raise sqlite3.OperationalError("the transaction was rolled back")
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            for item in items:
                if item.writes and item.error is None:
                    item.error = error

    def _answer(self, item: _Item[Any]) -> None:
        if isinstance(item.error, sqlite3.Error):
            self._is_damaged = self._is_damaged or is_damage(item.error)
            unavailable = JournalUnavailable(f"the journal cannot be used: {item.error}")
            unavailable.__cause__ = item.error
            item.error = unavailable
        if item.future is not None:
            self._tell(item.future, item.value, item.error)
        elif item.error is not None:
            self.lost_writes += 1
            _log.error("journal: a note could not be written: %s", item.error)

    def _tell(self, future: asyncio.Future[T], value: T | None, error: BaseException | None) -> None:
        assert self._loop is not None

        def settle() -> None:
            if future.done():  # the caller was cancelled meanwhile
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(value)  # type: ignore[arg-type]  # None only where T is None

        with contextlib.suppress(RuntimeError):  # the loop has ended; nobody waits any more
            self._loop.call_soon_threadsafe(settle)


def _apart(items: list[_Item[Any]]) -> Iterator[list[_Item[Any]]]:
    """The same in groups: whatever must be alone is a group of its own."""
    group: list[_Item[Any]] = []
    for item in items:
        if item.is_alone:
            if group:
                yield group
            yield [item]
            group = []
        else:
            group.append(item)
    if group:
        yield group
