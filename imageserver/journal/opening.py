"""Opening the journal, whatever lies there: a crash's, a copy's, an older version's; or refusing it untouched.

Called on the journal's own thread.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import sqlite3
from contextlib import suppress
from pathlib import Path

from imageserver.durable import sync_folder, temporary_for
from imageserver.errors import JournalRefused
from imageserver.journal.copies import (
    Damaged,
    check_quickly,
    is_damage,
    put_in_place,
    verify,
    verify_with_wal,
    with_note,
    write_copy,
)
from imageserver.journal.home import Arrival, beside, break_seal, how_it_came, raw_descriptor
from imageserver.journal.schema import VERSION, NoJournal, migrate, refuse_unreadable

UNCONFIRMED = "counters_unconfirmed"  # the note that stands until the owner says that what was bought is counted right
COPIED, FROM_SNAPSHOT = "copied", "snapshot"  # its values: why nobody knows
_KEPT = 3  # damaged journals that are kept, the newest
_COPY = ".journal-copy-"
_LEFT = (".journal-check-*", f"{_COPY}*")  # what a process that was killed leaves behind
_CONFIRM = (
    "nothing paid is asked for until you have looked at what was bought: `imageserver spending --confirm`, "
    "or the page Numbers"
)

_log = logging.getLogger(__name__)


def open_journal(path: Path) -> tuple[sqlite3.Connection, int]:
    """The one connection to the journal, brought to today's tables, and a descriptor for its bytes.

    The descriptor is to be closed after the connection. Raises JournalRefused; what lies there is untouched then.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        is_journal = _refused_or_not(path)
        _sweep(path)
        arrival = how_it_came(path)
        if not is_journal:
            _bring_back(path, "it is no journal")
        elif arrival is Arrival.MISSING:
            _bring_back(path, "it is gone")
        elif arrival is Arrival.COPIED:
            _look_at_a_copy(path)
        return _open(path, arrival)
    except (OSError, sqlite3.Error, Damaged) as error:
        raise JournalRefused(f"{path}: the journal cannot be opened: {error}") from error


def _refused_or_not(path: Path) -> bool:
    """Whether it is a journal, or none yet. Raises JournalRefused."""
    try:
        refuse_unreadable(path)
    except NoJournal:
        if not beside(path, "snapshot").exists():
            raise
        return False
    return True


def _look_at_a_copy(path: Path) -> None:
    try:
        verify_with_wal(path)
    except Damaged as error:
        if not beside(path, "snapshot").exists():
            raise
        _bring_back(path, str(error))
    else:
        _log.warning("the data folder is a copy that was made while a server ran: %s", _CONFIRM)


def _open(path: Path, arrival: Arrival) -> tuple[sqlite3.Connection, int]:
    is_foreign = arrival in (Arrival.COPIED, Arrival.MISSING)
    # Prompts and the secret behind the ids are nobody else's business. SQLite gives the -wal file the rights that the
    # journal has at that moment, so they are set before it is opened.
    if not path.exists():
        path.touch(mode=0o600)
    path.chmod(0o600)
    if not is_foreign:
        break_seal(path)
    try:
        connection, raw = _connect(path, is_doubtful=arrival is Arrival.CUT_OFF)
    except Damaged as error:
        if not beside(path, "snapshot").exists():
            raise
        _bring_back(path, str(error))
        is_foreign = True
        connection, raw = _connect(path, is_doubtful=False)
    try:
        if is_foreign:
            connection.execute("INSERT OR IGNORE INTO notes (name, value) VALUES (?, ?)", (UNCONFIRMED, COPIED))
            break_seal(path)
        if not beside(path, "snapshot").exists():
            _first_snapshot(connection, raw, path)
    except BaseException:
        _close(connection, raw)
        raise
    return connection, raw


def _connect(path: Path, *, is_doubtful: bool) -> tuple[sqlite3.Connection, int]:
    """Raises Damaged, JournalRefused, sqlite3.Error, OSError."""
    raw = raw_descriptor(path)
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=True)
    except BaseException:
        os.close(raw)
        raise
    try:
        # Nobody else may open the file while the server runs, and so no shared memory is needed, which network
        # folders of a NAS do not offer.
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        if is_doubtful:
            check_quickly(connection)
        migrate(connection, before=lambda found: _keep_old_format(connection, raw, path, found))
    except BaseException as error:
        _close(connection, raw)
        if isinstance(error, sqlite3.Error) and is_damage(error):
            raise Damaged(str(error)) from error
        raise
    return connection, raw


def _close(connection: sqlite3.Connection, raw: int) -> None:
    connection.close()
    os.close(raw)


def _keep_old_format(connection: sqlite3.Connection, raw: int, path: Path, found: int) -> None:
    """A verified copy of the journal as the older version wrote it, before a single table is changed."""
    kept = beside(path, f"format-{found}")
    try:
        _copy_now(connection, raw, kept)
    except OSError as error:
        raise JournalRefused(
            f"{path}: this version changes the journal (format {found} to {VERSION}), and the copy to be made of it "
            f"before cannot be: {error}"
        ) from error
    _log.info("the journal is brought from format %d to %d; as it was before it is kept in %s", found, VERSION, kept)


def _first_snapshot(connection: sqlite3.Connection, raw: int, path: Path) -> None:
    try:
        _copy_now(connection, raw, beside(path, "snapshot"))
    except (OSError, Damaged, sqlite3.Error) as error:  # a full disk; the schedule tries again
        _log.warning("no snapshot of the journal can be kept: %s", error)


def _copy_now(connection: sqlite3.Connection, raw: int, target: Path) -> None:
    hold_still(connection)
    try:
        copy = temporary_for(target)
        write_copy(raw, copy)
        put_in_place(copy, target)
    finally:
        go_on(connection)


def hold_still(connection: sqlite3.Connection) -> None:
    """Put everything into the one file and leave that alone until `go_on`: commits go into the -wal file only.

    Raises OSError when that is not possible.
    """
    (is_busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if is_busy:
        raise OSError("the journal is busy")
    connection.execute("PRAGMA wal_autocheckpoint=0")


def go_on(connection: sqlite3.Connection) -> None:
    """The journal's file may be written to again."""
    connection.execute("PRAGMA wal_autocheckpoint=1000")


def _bring_back(path: Path, why: str) -> None:
    """Set aside what lies there and take the snapshot. Raises Damaged when that is not whole either; nothing is moved.

    A crash in between leaves no journal but a snapshot, which is brought back then.
    """
    snapshot = beside(path, "snapshot")
    verify(snapshot)
    aside = _set_aside(path)
    with_note(snapshot, path, (UNCONFIRMED, FROM_SNAPSHOT))
    _log.warning(
        "the journal cannot be used (%s): its snapshot takes its place%s. What came after that is not known, so %s",
        why,
        "" if aside is None else f", and what was there is kept as {aside.name}",
        _CONFIRM,
    )


def _set_aside(path: Path) -> Path | None:
    """Give what lies there another name. The -wal file comes last: without its journal nobody takes it for one."""
    there = [_number(one) for one in path.parent.glob(f"{path.name}-damaged-*")]
    number = max(there, default=0) + 1
    aside = beside(path, f"damaged-{number}")
    found = None
    for file, to in ((path, aside), (beside(path, "wal"), beside(aside, "wal"))):
        if file.exists():
            file.rename(to)
            found = aside
    if found is not None:
        sync_folder(path.parent)
    for old in path.parent.glob(f"{path.name}-damaged-*"):
        if _number(old) <= number - _KEPT:
            old.unlink(missing_ok=True)
    return found


def _number(file: Path) -> int:
    found = re.search(r"-damaged-(\d+)", file.name, re.ASCII)
    return int(found[1]) if found else 0


def _sweep(path: Path) -> None:
    """Remove what a process that was killed has left."""
    for pattern in _LEFT:
        for left in path.parent.glob(pattern):
            if left.is_dir() and not left.is_symlink():
                shutil.rmtree(left, ignore_errors=True)
            elif not left.name.startswith(_COPY):  # a backup reads it at this moment, or sweeps it away next time
                left.unlink(missing_ok=True)
    for target in (path, beside(path, "snapshot"), *(beside(path, f"format-{number}") for number in range(1, VERSION))):
        for ending in ("", "-wal", "-journal"):
            with suppress(OSError):
                Path(f"{temporary_for(target)}{ending}").unlink(missing_ok=True)
