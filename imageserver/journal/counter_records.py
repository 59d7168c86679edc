"""What happened how often, by the owner's local day."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from imageserver.journal.database import Database
from imageserver.journal.notes import write_note

_ADD = (
    "INSERT INTO counters (day, name, label, value) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (day, name, label) DO UPDATE SET value = value + excluded.value"
)
_LONG_AGO = ""  # the day under which the sums of forgotten days stand; it comes before every day


class CounterRecords:
    """What the journal has counted."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, increments: Mapping[tuple[str, str, str], int], notes: Mapping[str, str] | None = None) -> None:
        """Add to many counters at once, each under (day, name, label), and write notes with them. All or nothing."""
        rows = [(*key, value) for key, value in increments.items()]

        def work(connection: sqlite3.Connection) -> None:
            connection.executemany(_ADD, rows)
            for name, value in (notes or {}).items():
                write_note(connection, name, value)

        await self._database.write(work)

    async def totals(self) -> dict[tuple[str, str], int]:
        """Every counter since ever, under (name, label). Forgotten days are in it."""
        return await self._sums("1", ())

    async def of_days(self, first: str, last: str) -> dict[tuple[str, str], int]:
        """What was counted from one local day to another, both included; days are given as "2026-11-22"."""
        return await self._sums("day BETWEEN ? AND ?", (first, last))

    async def forget_before(self, day: str) -> None:
        """Forget what each day before `day` has counted. Their sums stay in the totals."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT INTO counters (day, name, label, value)"
                " SELECT ?, name, label, sum(value) FROM counters WHERE day > ? AND day < ? GROUP BY name, label"
                " ON CONFLICT (day, name, label) DO UPDATE SET value = value + excluded.value",
                (_LONG_AGO, _LONG_AGO, day),
            )
            connection.execute("DELETE FROM counters WHERE day > ? AND day < ?", (_LONG_AGO, day))

        await self._database.write(work)

    async def _sums(self, condition: str, values: tuple[str, ...]) -> dict[tuple[str, str], int]:
        query = f"SELECT name, label, sum(value) FROM counters WHERE {condition} GROUP BY name, label"
        rows = await self._database.read(lambda connection: connection.execute(query, values).fetchall())
        return {(name, label): value for name, label, value in rows}
