"""Which frames were seen, and how they fared."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from attrs import astuple, fields, frozen

from imageserver.journal.database import Database


@frozen(kw_only=True)
class Sighting:
    """One frame as it was seen. Times are seconds since 1970."""

    frame: str  # its key
    address: str
    first_seen: float
    last_seen: float
    requests: int = 0
    fetched: int = 0  # pictures that it read to the end
    aborted: int = 0  # pictures that it stopped reading
    crossed: int = 0  # how often it asked for an older operation after it had begun a newer one
    visits: tuple[float, ...] = ()  # when it came for a new picture, the last few


_COLUMNS = tuple(column.name for column in fields(Sighting))


class SightingRecords:
    """What the journal knows about frames that were seen."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def latest(self, most: int) -> list[Sighting]:
        """The frames seen last, at most so many, the latest first."""
        rows = await self._database.read(
            lambda connection: connection.execute(
                f"SELECT {', '.join(_COLUMNS)} FROM sightings ORDER BY last_seen DESC LIMIT ?", (most,)
            ).fetchall()
        )
        return [Sighting(**{**dict(zip(_COLUMNS, row, strict=True)), "visits": _times(row[-1])}) for row in rows]

    def keep(self, sightings: Iterable[Sighting]) -> None:
        """Write them down without waiting for the disk."""
        rows = [(*astuple(one)[:-1], " ".join(f"{visit:.0f}" for visit in one.visits)) for one in sightings]
        marks = ", ".join("?" * len(_COLUMNS))

        def work(connection: sqlite3.Connection) -> None:
            connection.executemany(f"INSERT OR REPLACE INTO sightings ({', '.join(_COLUMNS)}) VALUES ({marks})", rows)

        self._database.post(work)

    def forget(self, frame: str) -> None:
        """Delete what is known under this key; nobody waits for it."""
        self._database.post(lambda connection: connection.execute("DELETE FROM sightings WHERE frame = ?", (frame,)))

    async def forget_before(self, when: float) -> None:
        """Delete frames that were last seen before `when`."""
        await self._database.write(
            lambda connection: connection.execute("DELETE FROM sightings WHERE last_seen < ?", (when,))
        )


def _times(text: str) -> tuple[float, ...]:
    return tuple(map(float, text.split()))
