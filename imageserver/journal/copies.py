"""Copies of a journal: made without holding anybody up, verified, looked into. Plain blocking code."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from imageserver.durable import sync_folder, temporary_for
from imageserver.journal.home import beside
from imageserver.journal.schema import VERSION, refuse_newer

_PIECE = 2**20  # bytes
_TOGETHER = 4 * 2**20  # bytes that are handed to the disk at once: what is bought meanwhile waits for so much at most


class Damaged(Exception):
    """A file that is no whole journal; the text says what is wrong with it."""


def write_copy(descriptor: int, target: Path, is_given_up: Callable[[], bool] = lambda: False) -> bool:
    """Copy the journal behind a descriptor to `target`, while nothing writes into its file. Durable but for its name.

    False when it was given up. Raises OSError; then there is no file at `target`.
    """
    try:
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb", buffering=0) as file:
            place = 0
            while piece := os.pread(descriptor, _PIECE, place):
                if is_given_up():
                    target.unlink(missing_ok=True)
                    return False
                file.write(piece)
                place += len(piece)
                if place % _TOGETHER == 0:
                    os.fsync(file.fileno())
            os.fsync(file.fileno())
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return True


def put_in_place(copy: Path, target: Path) -> None:
    """Verify a copy and give it its name. Raises Damaged or OSError; the copy is gone then, and the old one stays."""
    try:
        verify(copy)
        copy.replace(target)
    except BaseException:
        copy.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def verify(path: Path) -> int:
    """Go through a journal that nobody has open and that has no -wal file; returns its format.

    Raises Damaged, and JournalRefused for one of a newer version.
    """
    with _reading(path) as connection:
        return _whole(connection)


def verify_with_wal(path: Path) -> None:
    """Go through a journal and its -wal file as SQLite would put them together, and leave both as they are.

    Raises Damaged, JournalRefused for one of a newer version, and OSError.
    """
    with tempfile.TemporaryDirectory(prefix=".journal-check-", dir=path.parent) as folder:
        copy = Path(folder, path.name)
        _copy_pair(path, copy)
        with _damage_told(), closing(_alone_with(copy)) as connection:
            _whole(connection)


def copy_at_rest(path: Path, target: Path) -> None:
    """A verified copy of a journal on which no server runs, as one file; the journal itself is left as it is.

    Raises Damaged, JournalRefused, OSError.
    """
    with tempfile.TemporaryDirectory(prefix=".journal-copy-", dir=target.parent) as folder:
        copy = Path(folder, path.name)
        _copy_pair(path, copy)
        with _damage_told(), closing(_alone_with(copy)) as connection:
            _whole(connection)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        copy.chmod(0o600)
        copy.replace(target)


def _copy_pair(path: Path, copy: Path) -> None:
    shutil.copyfile(path, copy)
    with contextlib.suppress(FileNotFoundError):
        shutil.copyfile(beside(path, "wal"), beside(copy, "wal"))


def check_quickly(connection: sqlite3.Connection) -> None:
    """Go through every page once. Raises Damaged."""
    with _damage_told():
        (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if said != "ok":
        raise Damaged(said)


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file is at fault, and not the disk or its rights."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def with_note(source: Path, target: Path, note: tuple[str, str]) -> None:
    """Put a copy of a verified journal at `target`, with one note more in it. Raises OSError, Damaged."""
    copy = temporary_for(target)
    try:
        shutil.copyfile(source, copy)
        copy.chmod(0o600)
        with _damage_told(), closing(_alone_with(copy)) as connection:
            connection.execute("INSERT OR REPLACE INTO notes (name, value) VALUES (?, ?)", note)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        copy.replace(target)
    except BaseException:
        copy.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


# What a backup asks of a copy


def forget_in(path: Path, ids: Iterable[int]) -> None:
    """Delete pictures from a copy that nobody has open: their files went while the others were copied."""
    with _damage_told(), closing(_alone_with(path)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("BEGIN")
        connection.executemany("DELETE FROM pictures WHERE id = ?", ((one,) for one in ids))
        connection.execute("COMMIT")


def missing_from(
    path: Path, roots: Iterable[str], there: Iterable[tuple[str, str]], most: int = -1
) -> list[tuple[int, str, str]]:
    """Pictures of these roots that a journal names and that are not among those given by root and path.

    Id, root and path, up to `most` of them. What is compared lies in a file of SQLite's, so it costs no memory.
    """
    marks = ", ".join("?" * len(roots := tuple(roots)))
    with _reading(path) as connection:
        connection.execute("PRAGMA temp_store=FILE")
        connection.execute("CREATE TEMP TABLE there (root TEXT, path TEXT, PRIMARY KEY (root, path)) WITHOUT ROWID")
        connection.execute("BEGIN")
        connection.executemany("INSERT OR IGNORE INTO there VALUES (?, ?)", there)
        return connection.execute(
            f"SELECT id, root, path FROM pictures WHERE root IN ({marks}) AND NOT EXISTS"
            " (SELECT 1 FROM there WHERE there.root = pictures.root AND there.path = pictures.path) LIMIT ?",
            (*roots, most),
        ).fetchall()


def counts_in(path: Path) -> tuple[int, int]:
    """How many pictures a journal names, and how many purchases."""
    with _reading(path) as connection:
        (pictures,) = connection.execute("SELECT count(*) FROM pictures").fetchone()
        (format_,) = connection.execute("PRAGMA user_version").fetchone()
        purchases = connection.execute("SELECT count(*) FROM spending").fetchone()[0] if format_ >= 3 else 0
    return int(pictures), int(purchases)


def _alone_with(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA locking_mode=EXCLUSIVE")  # no shared memory, which a NAS may not offer
    return connection


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    address = f"file:{quote(os.fsencode(path))}?immutable=1"  # no lock, no -wal, no recovery: the file is as it is
    with _damage_told(), closing(sqlite3.connect(address, uri=True, isolation_level=None)) as connection:
        yield connection


@contextmanager
def _damage_told() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        if is_damage(error):
            raise Damaged(str(error)) from error
        raise OSError(f"a copy of the journal cannot be used: {error}") from error


def _whole(connection: sqlite3.Connection) -> int:
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    refuse_newer(found)
    said = [line for (line,) in connection.execute("PRAGMA integrity_check(3)")]
    if said != ["ok"]:
        raise Damaged("; ".join(said))
    (tables,) = connection.execute(
        "SELECT count(*) FROM sqlite_master WHERE name IN ('notes', 'jobs', 'pictures', 'frames')"
    ).fetchone()
    if not 0 < found <= VERSION or tables != 4:
        raise Damaged("it has no tables of a journal")
    return int(found)
