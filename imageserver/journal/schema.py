"""The tables, and how a journal of an older version becomes one of today."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
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

_VERSION_4 = """
ALTER TABLE jobs ADD COLUMN template TEXT;     -- the prompt as the library has it, where something was drawn for it
ALTER TABLE jobs ADD COLUMN translations TEXT NOT NULL DEFAULT '{}';  -- the drawn prompt in other languages
ALTER TABLE pictures ADD COLUMN focus TEXT;    -- what a crop must keep: shares of width and height, like '0.3 0.6'
CREATE TABLE sightings (          -- which frames were seen, and how they fared
    frame TEXT PRIMARY KEY,
    address TEXT NOT NULL,
    first_seen REAL NOT NULL,
    last_seen REAL NOT NULL,
    requests INTEGER NOT NULL,
    fetched INTEGER NOT NULL,     -- pictures read to the end
    aborted INTEGER NOT NULL,     -- pictures that it stopped reading
    crossed INTEGER NOT NULL,     -- how often it asked for an older operation after it had begun a newer one
    visits TEXT NOT NULL          -- when it came for a new picture, the last few: seconds with spaces between them
) WITHOUT ROWID;
CREATE TABLE counters (           -- what happened how often, by the owner's local day
    day TEXT NOT NULL,
    name TEXT NOT NULL,
    label TEXT NOT NULL,          -- of what kind, or whose; '' where there is only one
    value INTEGER NOT NULL,
    PRIMARY KEY (day, name, label)
) WITHOUT ROWID;
"""

_VERSION_5 = """
CREATE TABLE sessions (           -- people who have given the password
    digest TEXT PRIMARY KEY,      -- SHA-256 of the cookie's secret
    created REAL NOT NULL,
    last_seen REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE tokens (             -- programs that may come in
    name TEXT PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,  -- SHA-256 of the token
    scopes TEXT NOT NULL,         -- with spaces between them
    created REAL NOT NULL,
    last_used REAL
) WITHOUT ROWID;
"""

_VERSION_6 = """
CREATE INDEX pictures_root ON pictures (root);  -- it holds the ids too: the oldest of a root stand together
CREATE INDEX pictures_broken ON pictures (id) WHERE broken IS NOT NULL;  -- looked for every minute, and nearly empty
"""

# What the owner says of pictures, and what a gallery asks for. A deleted one's root is '.trash' until it is gone.
_VERSION_7 = """
ALTER TABLE pictures ADD COLUMN favourite INTEGER NOT NULL DEFAULT 0;  -- 1: never rotated away
ALTER TABLE pictures ADD COLUMN hidden INTEGER NOT NULL DEFAULT 0;     -- 1: never chosen for a frame
ALTER TABLE pictures ADD COLUMN deleted REAL;  -- when; stays until its files are where the root says
ALTER TABLE pictures ADD COLUMN why TEXT;      -- why it was made, for longer than its job is kept
ALTER TABLE pictures ADD COLUMN template TEXT; -- the prompt as the library had it, where something was drawn for it
CREATE INDEX pictures_favourite ON pictures (id) WHERE favourite = 1;
CREATE INDEX pictures_hidden ON pictures (id) WHERE hidden = 1;
CREATE INDEX pictures_deleted ON pictures (id) WHERE deleted IS NOT NULL;
CREATE INDEX pictures_provider ON pictures (provider, id);
CREATE INDEX pictures_unhashed ON pictures (size) WHERE sha256 IS NULL;
CREATE INDEX spending_jobs ON spending (job);
"""

_STEPS = (_VERSION_1, _VERSION_2, _VERSION_3, _VERSION_4, _VERSION_5, _VERSION_6, _VERSION_7)
VERSION = len(_STEPS)

# The first bytes of every SQLite file, and where user_version stands: sqlite.org/fileformat2.html, 1.3
_MAGIC = b"SQLite format 3\0"
_USER_VERSION = slice(60, 64)
# Of the -wal file: the lengths of its head and of a frame's, and where things stand in these (4.1)
_WAL_HEAD, _FRAME_HEAD = 32, 24


class NoJournal(JournalRefused):
    """The file is something else, or was one once."""


def refuse_unreadable(path: Path) -> None:
    """Raise JournalRefused for one from a newer version, and NoJournal for what is none. Only reads a few bytes.

    SQLite itself writes as soon as it opens a file, and a file that is refused must stay as it is.
    """
    if not path.exists():
        return
    with path.open("rb") as file:
        head = file.read(100)
    if not head:  # SQLite takes an empty file for a new one
        return
    if not head.startswith(_MAGIC):
        raise NoJournal(f"{path}: this file is no journal: move it away, or restore a backup")
    refuse_newer(int.from_bytes(head[_USER_VERSION], "big"))
    # What a server wrote last before it was cut off stands in the -wal file only.
    refuse_newer(_version_in_wal(path.with_name(f"{path.name}-wal")))


def refuse_newer_journal(path: Path) -> None:
    """The same, but for what is no journal: a snapshot may take the place of that."""
    with contextlib.suppress(NoJournal):
        refuse_unreadable(path)


def _version_in_wal(wal: Path) -> int:
    """user_version as the last commit in a -wal file has it; 0 where none changed it."""
    try:
        file = wal.open("rb")
    except FileNotFoundError:
        return 0
    committed = pending = 0
    with file:
        head = file.read(_WAL_HEAD)
        size, salts = int.from_bytes(head[8:12], "big"), head[16:24]
        while len(frame := file.read(_FRAME_HEAD)) == _FRAME_HEAD and frame[8:16] == salts:
            page = file.tell()
            if frame[:4] == b"\0\0\0\1":
                pending = int.from_bytes(file.read(100)[_USER_VERSION], "big")
            if frame[4:8] != bytes(4):
                committed = max(committed, pending)
            file.seek(page + size)
    return committed


def migrate(connection: sqlite3.Connection, before: Callable[[int], None] = lambda _found: None) -> None:
    """Bring the journal to today's tables, all or nothing. Raises JournalRefused for one from a newer version.

    `before` is called with the format that is found before anything is changed, unless the file is new.
    """
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    refuse_newer(found)
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if found == 0 and tables:
        raise JournalRefused("the file is a database of some other program: move it away")
    if 0 < found < VERSION:
        before(found)
    for number, step in enumerate(_STEPS[found:], start=found + 1):
        connection.executescript(f"BEGIN IMMEDIATE; {step} PRAGMA user_version={number}; COMMIT;")


def refuse_newer(found: int) -> None:
    """Raise JournalRefused for a format that this version does not know."""
    if found > VERSION:
        raise JournalRefused(
            f"the journal was written by a newer version (format {found}, this one knows {VERSION}): "
            "install that version again, or restore a backup"
        )
