"""One SQLite connection on one thread, with commits in groups.

SQLite 3.40 can corrupt a WAL that two connections write, so there is one. A durable commit costs a disk's flush, so
whatever waits while one is under way goes into the next together: a hundred callers cost two flushes, not a hundred.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

from attrs import define, field

from imageserver.errors import JournalRefused, JournalUnavailable
from imageserver.journal.schema import migrate, refuse_unreadable

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]
_GROUP = 512  # at most so many pieces of work in one commit, so that a caller waits for one flush and a little

_log = logging.getLogger(__name__)


@define(eq=False)
class _Item(Generic[T]):
    work: Work[T]
    writes: bool
    future: asyncio.Future[T] | None  # None: nobody waits
    value: T | None = field(default=None, init=False)
    error: BaseException | None = field(default=None, init=False)


class Database:
    """Runs work on the journal's connection, in the order it was given."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._work: queue.SimpleQueue[_Item[Any] | None] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closing = False
        self.lost_writes = 0  # work nobody waited for that could not be written: a full disk, mostly

    async def open(self) -> None:
        """Open or create the file, bring it to today's schema. Raises JournalRefused; the file is then untouched."""
        self._loop = asyncio.get_running_loop()
        self._closing = False
        opened: asyncio.Future[None] = self._loop.create_future()
        self._thread = threading.Thread(target=self._run, args=(opened,), name="journal", daemon=True)
        self._thread.start()
        await opened

    async def close(self) -> None:
        """Finish what was given and close the file."""
        if self._thread is None or self._loop is None:
            return
        self._closing = True
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

    def post(self, work: Work[object]) -> None:
        """Run a change that nobody waits for. When it cannot be written it is counted and lost."""
        self._work.put(_Item(work, writes=True, future=None))

    async def _give(self, work: Work[T], *, writes: bool) -> T:
        if self._thread is None or self._loop is None or self._closing:
            raise RuntimeError("the journal is not open")  # behind the end nobody would ever answer
        future: asyncio.Future[T] = self._loop.create_future()
        self._work.put(_Item(work, writes=writes, future=future))
        return await future

    # Below here: the journal's own thread.

    def _run(self, opened: asyncio.Future[None]) -> None:
        try:
            connection = self._connect()
        except BaseException as error:
            self._tell(opened, None, error)
            return
        self._tell(opened, None, None)
        try:
            while self._serve_group(connection):
                pass
        finally:
            connection.close()

    def _connect(self) -> sqlite3.Connection:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            refuse_unreadable(self._path)
            # Prompts and the secret behind the ids are nobody else's business. SQLite gives the -wal file the rights
            # that the journal has at that moment, so they are set before it is opened.
            if not self._path.exists():
                self._path.touch(mode=0o600)
            self._path.chmod(0o600)
            connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=True)
        except (OSError, sqlite3.Error) as error:
            raise JournalRefused(f"{self._path}: the journal cannot be opened: {error}") from error
        try:
            # Nobody else may open the file while the server runs, and so no shared memory is needed, which network
            # folders of a NAS do not offer.
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA foreign_keys=ON")
            migrate(connection)
        except sqlite3.Error as error:
            connection.close()
            raise JournalRefused(f"{self._path}: the journal cannot be opened: {error}") from error
        except BaseException:
            connection.close()
            raise
        return connection

    def _serve_group(self, connection: sqlite3.Connection) -> bool:
        items, ends = self._next_group()
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
        return not ends

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
            connection.execute("SAVEPOINT item")
            try:
                item.value = item.work(connection)
            except BaseException:
                if connection.in_transaction:  # a full disk may have rolled everything back already
                    connection.execute("ROLLBACK TO item")
                raise
            finally:
                if connection.in_transaction:
                    connection.execute("RELEASE item")
        except BaseException as error:
            item.error = error

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
