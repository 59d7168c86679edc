"""The owner's album in the journal: what there is to see, what the owner says of it, what can come back."""

from __future__ import annotations

import sqlite3
from functools import partial

from imageserver.journal.album_pages import MOST_SEEN, Page, Query, piece_of
from imageserver.journal.database import Database
from imageserver.journal.picture_records import COLUMNS, STORE, TRASH, Picture, insert_picture, picture_of

_PIECE = 10_000  # pictures that are looked at in one turn


class AlbumRecords:
    """What the journal knows of pictures as the owner sees them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # Looking

    async def page(self, query: Query, *, after: int | None, count: int) -> Page:
        """Up to `count` pictures with ids below `after`, newest first.

        Pictures that come or go meanwhile move no others. A page may be short, or empty, with more behind it: a rare
        word in a large store is looked for in as many questions as it takes.
        """
        found: list[Picture] = []
        seen = 0
        while True:
            piece = await self._database.read(piece_of(query, after, count - len(found)))
            found += piece.pictures
            seen, after = seen + piece.seen, piece.after
            if after is None or len(found) == count or seen >= MOST_SEEN:
                return Page(pictures=tuple(found), after=after)

    async def get(self, picture_id: int) -> Picture | None:
        """A picture, also one that is hidden, broken or in the trash."""

        def work(connection: sqlite3.Connection) -> Picture | None:
            row = connection.execute(f"SELECT {COLUMNS} FROM pictures WHERE id = ?", (picture_id,)).fetchone()
            return None if row is None else picture_of(row)

        return await self._database.read(work)

    async def makers(self) -> list[str]:
        """The codes of those who made any of the pictures."""

        def work(connection: sqlite3.Connection) -> list[str]:
            found: list[str] = []
            (code,) = connection.execute("SELECT min(provider) FROM pictures").fetchone()
            while code is not None:  # from one to the next along the index, however many pictures lie between
                found.append(code)
                (code,) = connection.execute(
                    "SELECT min(provider) FROM pictures WHERE provider > ?", (code,)
                ).fetchone()
            return found

        return await self._database.read(work)

    async def stored_bytes(self) -> int:
        """How much the files of the store take on the disk, in pieces so that nobody waits behind it."""
        total, last = 0, 0
        while True:
            count, size, last = await self._database.read(partial(_sum_of_piece, last))
            total += size
            if count < _PIECE:
                return total

    # What the owner says

    async def mark(self, picture_id: int, *, favourite: bool | None = None, hidden: bool | None = None) -> None:
        """Note it; what is None stays as it is."""
        await self._database.write(
            lambda connection: connection.execute(
                "UPDATE pictures SET favourite = coalesce(?, favourite), hidden = coalesce(?, hidden) WHERE id = ?",
                (favourite, hidden, picture_id),
            )
        )

    async def favourites(self) -> set[int]:
        """The pictures of the store that are never rotated away."""
        rows = await self._database.read(
            lambda connection: connection.execute(
                "SELECT id FROM pictures INDEXED BY pictures_favourite WHERE favourite = 1 AND root = ?", (STORE,)
            ).fetchall()
        )
        return {picture_id for (picture_id,) in rows}

    # Adding

    async def add(self, picture: Picture) -> int:
        """Write a picture of the owner's down; returns its id, which the journal gives."""
        return await self._database.write(lambda connection: insert_picture(connection, picture))

    async def with_bytes(self, sha256: str) -> Picture | None:
        """The picture of the store that has these very bytes; one in the trash where there is no other."""
        found = await self._list("sha256 = ? AND root IN (?, ?) ORDER BY root = ?, id", (sha256, STORE, TRASH, TRASH))
        return found[0] if found else None

    async def unhashed(self, size: int) -> list[Picture]:
        """Pictures of the store that have this many bytes, and of which no more is known."""
        return await self._list("sha256 IS NULL AND size = ? AND root = ?", (size, STORE))

    async def set_hash(self, picture: Picture, sha256: str) -> None:
        """Note what a file's bytes are, unless it changed meanwhile."""
        await self._database.write(
            lambda connection: connection.execute(
                "UPDATE pictures SET sha256 = ? WHERE id = ? AND size = ? AND mtime_ns = ?",
                (sha256, picture.id, picture.size, picture.mtime_ns),
            )
        )

    # Deleting

    async def move(self, picture_id: int, *, root: str, path: str, deleted: float | None) -> bool:
        """Note where a picture's files are to lie. False when the picture is gone.

        With `deleted` set they may still be on their way.
        """
        changed = await self._database.write(
            lambda connection: (
                connection.execute(
                    "UPDATE pictures SET root = ?, path = ?, deleted = ? WHERE id = ?",
                    (root, path, deleted, picture_id),
                ).rowcount
            )
        )
        return changed == 1

    async def deleted(self) -> list[Picture]:
        """Pictures in the trash, or on their way into it or out of it, those deleted first at the beginning."""
        return await self._list("deleted IS NOT NULL ORDER BY deleted, id", ())

    async def _list(self, condition: str, values: tuple[object, ...]) -> list[Picture]:
        query = f"SELECT {COLUMNS} FROM pictures WHERE {condition}"
        rows = await self._database.read(lambda connection: connection.execute(query, values).fetchall())
        return [picture_of(row) for row in rows]


def _sum_of_piece(last: int, connection: sqlite3.Connection) -> tuple[int, int, int]:
    """How many pictures with ids above `last` were looked at, their bytes in the store, and the id of the last."""
    count, size, highest = connection.execute(
        "SELECT count(*), coalesce(sum(CASE WHEN root = ? THEN size END), 0), coalesce(max(id), 0)"
        " FROM (SELECT id, root, size FROM pictures WHERE id > ? ORDER BY id LIMIT ?)",
        (STORE, last, _PIECE),
    ).fetchone()
    return count, size, highest
