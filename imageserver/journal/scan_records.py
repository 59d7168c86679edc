"""What a scan asks the journal and tells it, in pieces, so that a job's commit never waits long behind one.

Each piece is one statement over one JSON text: SQLite goes through it without taking the GIL anew for every row.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator, Sequence

from attrs import frozen

from imageserver.journal.database import Database
from imageserver.journal.picture_records import MOST_IDS, TRASH, read_ids

PIECE = 1_000  # files; some milliseconds of the journal's thread

_COMPARE = """
SELECT group_concat(pictures.id), json_group_array(json_array(file.key, pictures.id)) FILTER (
    WHERE pictures.id IS NULL OR pictures.size || ' ' || pictures.mtime_ns <> file.value)
FROM json_each(?) AS file LEFT JOIN pictures ON pictures.root = ? AND pictures.path = file.key
"""
_ADD = """
INSERT INTO pictures (root, path, size, mtime_ns, first_seen)
SELECT ?, json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'), ?
FROM json_each(?) ORDER BY key ON CONFLICT (root, path) DO NOTHING
"""
_CHANGE = """
UPDATE pictures SET size = json_extract(file.value, '$[1]'), mtime_ns = json_extract(file.value, '$[2]'),
    sha256 = NULL, broken = NULL
FROM json_each(?) AS file WHERE pictures.id = json_extract(file.value, '$[0]')
"""
_SHOWN = """
SELECT group_concat(id) FROM pictures
WHERE hidden = 0 AND id IN (SELECT json_extract(value, '$[0]') FROM json_each(?))
"""


@frozen(kw_only=True)
class Found:
    """A picture file as a scan sees it."""

    path: str  # below the root, or whole in a library
    size: int  # bytes
    mtime_ns: int


@frozen(kw_only=True)
class Compared:
    """Some files of a root, beside what the journal knows of them."""

    known: list[int]  # the ids of those that it knows, the changed ones too
    new: list[Found]
    changed: list[tuple[int, Found]]


@frozen(kw_only=True)
class ShelfRow:
    """Pictures of one root and one maker that can be shown."""

    root: str
    maker: str | None
    ids: list[int]  # the lowest first


class ScanRecords:
    """The pictures' table, as scans and the start read and write it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def shelves(self, root: str | None = None) -> AsyncIterator[ShelfRow]:
        """Every picture that can be shown, of one root or of all, some thousand at a time."""
        condition, values = ("", ()) if root is None else (" AND root = ?", (root,))
        query = (
            "SELECT root, provider, group_concat(id) FROM (SELECT id, root, provider FROM pictures"
            f" WHERE id > ? AND broken IS NULL AND hidden = 0 AND root != ?{condition} ORDER BY id LIMIT {MOST_IDS})"
            " GROUP BY root, provider"
        )

        def work(connection: sqlite3.Connection) -> list[ShelfRow]:
            rows = connection.execute(query, (after, TRASH, *values)).fetchall()
            return [ShelfRow(root=of, maker=maker, ids=read_ids(ids)) for of, maker, ids in rows]

        after = 0
        while rows := await self._database.read(work):
            for row in rows:
                yield row
            after = max(row.ids[-1] for row in rows)

    async def bounds(self, root: str) -> tuple[int, int]:
        """The lowest and the highest id of a root, (1, 0) when it has none."""
        (low,), (high,) = await self._database.read(
            lambda connection: [
                connection.execute(f"SELECT {which}(id) FROM pictures WHERE root = ?", (root,)).fetchone()
                for which in ("min", "max")
            ]
        )
        return (1, 0) if low is None else (int(low), int(high))

    async def compare(self, root: str, files: Sequence[Found]) -> Compared:
        """Which of these files the journal does not know, or knows otherwise. Best called for a `PIECE` of them."""
        by_path = {file.path: file for file in files}
        facts = json.dumps({path: f"{file.size} {file.mtime_ns}" for path, file in by_path.items()})

        def work(connection: sqlite3.Connection) -> Compared:
            known, others = connection.execute(_COMPARE, (facts, root)).fetchone()
            differing = [(by_path[path], picture_id) for path, picture_id in json.loads(others)]
            return Compared(
                known=read_ids(known),
                new=[file for file, picture_id in differing if picture_id is None],
                changed=[(picture_id, file) for file, picture_id in differing if picture_id is not None],
            )

        return await self._database.read(work)

    async def add(self, root: str, files: Sequence[Found], now: float) -> list[int]:
        """Write new pictures down in the order given; returns their ids. One that is known meanwhile is left alone."""
        facts = json.dumps([(file.path, file.size, file.mtime_ns) for file in files])

        def work(connection: sqlite3.Connection) -> list[int]:
            (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM pictures").fetchone()
            connection.execute(_ADD, (root, now, facts))
            (ids,) = connection.execute("SELECT group_concat(id) FROM pictures WHERE id > ?", (last,)).fetchone()
            return read_ids(ids)

        return await self._database.write(work)

    async def change(self, files: Sequence[tuple[int, int, int]]) -> list[int]:
        """Write down the new (id, size, mtime_ns) of files that are others than before.

        Returns those that can be shown now: broken ones among them can be tried again, hidden ones stay hidden.
        """
        facts = json.dumps(files)

        def work(connection: sqlite3.Connection) -> list[int]:
            connection.execute(_CHANGE, (facts,))
            (ids,) = connection.execute(_SHOWN, (facts,)).fetchone()
            return read_ids(ids)

        return await self._database.write(work)
