"""Single values that must survive a restart: when `auto` last asked a provider, whether a rotation was confirmed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from imageserver.journal.database import Database


class Notes:
    """Named values in the journal."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, name: str) -> str | None:
        """The value, or None when it was never written."""
        row = await self._database.read(
            lambda connection: connection.execute("SELECT value FROM notes WHERE name = ?", (name,)).fetchone()
        )
        return None if row is None else str(row[0])

    async def beginning(self, prefix: str) -> dict[str, str]:
        """Every value whose name begins so, by the rest of the name."""
        rows = await self._database.read(
            lambda connection: connection.execute(
                "SELECT name, value FROM notes WHERE substr(name, 1, ?) = ?", (len(prefix), prefix)
            ).fetchall()
        )
        return {name[len(prefix) :]: value for name, value in rows}

    async def put(self, name: str, value: str) -> None:
        """Write the value; returns when it is on the disk."""
        await self._database.write(lambda connection: write_note(connection, name, value))

    async def get_or_put(self, name: str, make: Callable[[], str]) -> str:
        """The value; one that is made now and written where there is none yet."""
        value = await self.get(name)
        if value is None:
            value = make()
            await self.put(name, value)
        return value

    async def remove(self, name: str) -> None:
        """Delete the value; returns when that is on the disk."""
        await self._database.write(lambda connection: connection.execute("DELETE FROM notes WHERE name = ?", (name,)))

    def forget(self, name: str) -> None:
        """Delete the value; nobody waits for it."""
        self._database.post(lambda connection: connection.execute("DELETE FROM notes WHERE name = ?", (name,)))


def write_note(connection: sqlite3.Connection, name: str, value: str) -> None:
    """Write a value inside a transaction that does more."""
    connection.execute(
        "INSERT INTO notes (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value),
    )
