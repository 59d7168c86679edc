"""The tables, and how a journal of an older version becomes one of today."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from imageserver.errors import JournalRefused

_VERSION_1 = """
CREATE TABLE notes (              -- single values that must survive a restart
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    frame TEXT NOT NULL,
    created REAL NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    why TEXT NOT NULL,
    state TEXT NOT NULL,
    candidates TEXT NOT NULL,     -- codes with spaces between them
    prompt TEXT NOT NULL,
    negative TEXT,
    seed INTEGER NOT NULL,
    provider TEXT,
    ticket TEXT,
    picture INTEGER,
    card TEXT,
    error TEXT,
    message TEXT,
    settled REAL,
    fetched REAL
);
CREATE INDEX jobs_unfinished ON jobs (created) WHERE state IN ('queued', 'calling', 'waiting');
CREATE INDEX jobs_created ON jobs (created);
CREATE INDEX jobs_unfetched ON jobs (created) WHERE picture IS NOT NULL AND fetched IS NULL;

CREATE TABLE pictures (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given twice: ids on the wire carry it
    root TEXT NOT NULL,           -- 'store', or the code of the provider whose folder it lies in
    path TEXT NOT NULL,           -- below the root
    size INTEGER NOT NULL,        -- bytes
    mtime_ns INTEGER NOT NULL,
    first_seen REAL NOT NULL,
    provider TEXT,                -- who made it; NULL: the owner put it there
    job TEXT,
    prompt TEXT,
    negative TEXT,
    model TEXT,
    seed INTEGER,
    details TEXT NOT NULL DEFAULT '{}',
    broken TEXT                   -- why it cannot be shown; cleared when the file changes
);
CREATE UNIQUE INDEX pictures_path ON pictures (root, path);

CREATE TABLE frames (             -- where each frame stands in its lap through the stored pictures
    frame TEXT NOT NULL,
    scope TEXT NOT NULL,          -- '' for everything stored, else one provider's folder
    seed INTEGER NOT NULL,
    low INTEGER NOT NULL,
    high INTEGER NOT NULL,
    position INTEGER NOT NULL,
    newest INTEGER NOT NULL,
    ahead TEXT NOT NULL,          -- newer pictures it has seen already: ids with spaces between them
    last_seen REAL NOT NULL,
    PRIMARY KEY (frame, scope)
) WITHOUT ROWID;
"""

_VERSION_2 = """
ALTER TABLE frames ADD COLUMN shown INTEGER NOT NULL DEFAULT 0;  -- the picture it was shown last
"""

_VERSION_3 = """
CREATE TABLE spending (           -- one row for each picture that was bought, or may have been
    id INTEGER PRIMARY KEY,
    job TEXT NOT NULL,
    provider TEXT NOT NULL,
    day TEXT NOT NULL,            -- the owner's local day
    at REAL NOT NULL,
    price TEXT NOT NULL,          -- a decimal number
    state TEXT NOT NULL           -- 'reserved' while the call is under way, then 'spent'
);
CREATE INDEX spending_days ON spending (provider, day, price);
CREATE UNIQUE INDEX spending_reserved ON spending (job) WHERE state = 'reserved';
CREATE INDEX spending_newest ON spending (at);
ALTER TABLE pictures ADD COLUMN sha256 TEXT;  -- of what a provider gave; the same bytes are one picture
CREATE INDEX pictures_sha256 ON pictures (sha256) WHERE sha256 IS NOT NULL;
"""

_STEPS = (_VERSION_1, _VERSION_2, _VERSION_3)
VERSION = len(_STEPS)

# The first bytes of every SQLite file, and where user_version stands: sqlite.org/fileformat2.html, 1.3
_MAGIC = b"SQLite format 3\0"
_USER_VERSION = slice(60, 64)


def refuse_unreadable(path: Path) -> None:
    """Raise JournalRefused for a file that is no journal, or one from a newer version. Only reads a few bytes.

    SQLite itself writes as soon as it opens a file, and a file that is refused must stay as it is.
    """
    if not path.exists():
        return
    with path.open("rb") as file:
        head = file.read(100)
    if not head:  # SQLite takes an empty file for a new one
        return
    if not head.startswith(_MAGIC):
        raise JournalRefused(f"{path}: this file is no journal: move it away, or restore a backup")
    _refuse_newer(int.from_bytes(head[_USER_VERSION], "big"))


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the journal to today's tables, all or nothing. Raises JournalRefused for one from a newer version."""
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    _refuse_newer(found)
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if found == 0 and tables:
        raise JournalRefused("the file is a database of some other program: move it away")
    for number, step in enumerate(_STEPS[found:], start=found + 1):
        connection.executescript(f"BEGIN IMMEDIATE; {step} PRAGMA user_version={number}; COMMIT;")


def _refuse_newer(found: int) -> None:
    if found > VERSION:
        raise JournalRefused(
            f"the journal was written by a newer version (format {found}, this one knows {VERSION}): "
            "install that version again, or restore a backup"
        )
