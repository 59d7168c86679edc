"""Pages of pictures, newest first: what one question costs does not grow with the store."""

from __future__ import annotations

import sqlite3
import unicodedata
from collections.abc import Callable
from typing import Any

from attrs import field, frozen

from imageserver.journal.picture_records import COLUMNS, TRASH, Picture, picture_of

# Looking for words reads them picture by picture: a thousand take a few milliseconds of the journal's thread, and a
# frame's wish may have to wait for these …
PIECE = 1_000
# … and one question looks at no more pictures than this. What it did not see lies behind the next cursor.
MOST_SEEN = 20_000


@frozen(kw_only=True)
class Query:
    """Which pictures: all that is set must hold. Words are looked for in prompts and names of files."""

    roots: frozenset[str]  # those that serve now
    words: str = ""
    provider: str | None = None  # "": pictures that no provider made
    favourite: bool | None = None
    hidden: bool | None = None
    is_deleted: bool = False  # those in the trash, and only those
    needles: tuple[str, ...] = field(init=False)

    @needles.default
    def _folded(self) -> tuple[str, ...]:
        return tuple(fold(self.words).split())

    def matches(self, row: tuple[Any, ...]) -> bool:
        """Whether a picture of the walk belongs on the page."""
        _id, root, path, prompt, provider, favourite, hidden, broken = row
        if self.needles:  # first, for most pictures are out by it
            text = fold(prompt or path.rpartition("/")[2])
            for needle in self.needles:
                if needle not in text:
                    return False
        is_there = root == TRASH if self.is_deleted else root in self.roots and broken is None
        return (
            is_there
            and (self.provider is None or (provider or "") == self.provider)
            and self.favourite in (None, bool(favourite))
            and self.hidden in (None, bool(hidden))
        )


@frozen(kw_only=True)
class Page:
    """Pictures, newest first. `after` leads to the next page; None: there is no more."""

    pictures: tuple[Picture, ...]
    after: int | None


@frozen(kw_only=True)
class Piece:
    """What was seen in one go."""

    pictures: tuple[Picture, ...]
    seen: int
    after: int | None


def fold(text: str) -> str:
    """Text as it is compared: without regard to capitals, to how its letters are put together, and to е and ё."""
    # SQLite's own LIKE knows the capitals of English alone, and its full-text search is not in every build of it.
    return unicodedata.normalize("NFC", text).casefold().replace("ё", "е")


def walk(query: Query, after: int | None) -> tuple[str, tuple[object, ...]]:
    """The pictures below a cursor, newest first, along the index that leaves out most of those that do not match."""
    start = (after if after is not None else 2**62,)
    if query.is_deleted:
        return _along("INDEXED BY pictures_deleted WHERE deleted IS NOT NULL AND"), start
    if query.favourite:
        return _along("INDEXED BY pictures_favourite WHERE favourite = 1 AND"), start
    if query.hidden:
        return _along("INDEXED BY pictures_hidden WHERE hidden = 1 AND"), start
    if query.provider:
        return _along("INDEXED BY pictures_provider WHERE provider = ? AND"), (query.provider, *start)
    if query.provider == "":
        return _along("INDEXED BY pictures_provider WHERE provider IS NULL AND"), start
    return _along("NOT INDEXED WHERE"), start  # that is along the table itself


def _along(source: str) -> str:
    return (
        "SELECT id, root, path, prompt, provider, favourite, hidden, broken"
        f" FROM pictures {source} id < ? ORDER BY id DESC LIMIT {PIECE}"
    )


def piece_of(query: Query, after: int | None, count: int) -> Callable[[sqlite3.Connection], Piece]:
    """Up to `count` pictures from among the next PIECE."""

    def work(connection: sqlite3.Connection) -> Piece:
        rows = connection.execute(*walk(query, after))
        ids: list[int] = []
        seen, last = 0, after
        for row in rows:  # read row by row, so that a page which is soon full costs little
            if len(ids) == count:
                break
            seen, last = seen + 1, row[0]
            if query.matches(row):
                ids.append(row[0])
        else:
            if seen < PIECE:
                last = None
        rows.close()
        pictures = [
            picture_of(connection.execute(f"SELECT {COLUMNS} FROM pictures WHERE id = ?", (one,)).fetchone())
            for one in ids
        ]
        return Piece(pictures=tuple(pictures), seen=seen, after=last)

    return work
