"""Where each frame stands in its lap through the stored pictures, so that no restart makes it begin anew."""

from __future__ import annotations

import sqlite3
from typing import Any

from attrs import frozen

from imageserver.journal.database import Database


@frozen(kw_only=True)
class LapRecord:
    """One frame's place in one scope, as pictures/laps.py reads it."""

    frame: str
    scope: str
    seed: int
    low: int
    high: int
    position: int
    newest: int
    ahead: tuple[int, ...]
    shown: int
    last_seen: float


class FrameRecords:
    """What the journal knows about frames."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def laps(self, most: int) -> list[LapRecord]:
        """The laps of the frames seen last, at most so many."""
        rows = await self._database.read(
            lambda connection: connection.execute(
                "SELECT frame, scope, seed, low, high, position, newest, ahead, shown, last_seen FROM frames"
                " ORDER BY last_seen DESC LIMIT ?",
                (most,),
            ).fetchall()
        )
        return [_lap(row) for row in rows]

    def keep(self, lap: LapRecord) -> None:
        """Write a lap down without waiting for the disk."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT INTO frames (frame, scope, seed, low, high, position, newest, ahead, shown, last_seen)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (frame, scope) DO UPDATE SET seed = excluded.seed,"
                " low = excluded.low, high = excluded.high, position = excluded.position, newest = excluded.newest,"
                " ahead = excluded.ahead, shown = excluded.shown, last_seen = excluded.last_seen",
                (
                    lap.frame,
                    lap.scope,
                    lap.seed,
                    lap.low,
                    lap.high,
                    lap.position,
                    lap.newest,
                    " ".join(map(str, lap.ahead)),
                    lap.shown,
                    lap.last_seen,
                ),
            )

        self._database.post(work, instead_of=("lap", lap.frame, lap.scope))

    def rename(self, old: str, new: str) -> None:
        """A frame's laps are those of another key from now on; one that is there already stays. Nobody waits for it."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("UPDATE OR IGNORE frames SET frame = ? WHERE frame = ?", (new, old))
            connection.execute("DELETE FROM frames WHERE frame = ?", (old,))

        self._database.post(work)

    async def forget_before(self, when: float) -> None:
        """Delete the laps of frames that were last seen before `when`."""
        await self._database.write(
            lambda connection: connection.execute("DELETE FROM frames WHERE last_seen < ?", (when,))
        )


def _lap(row: tuple[Any, ...]) -> LapRecord:
    frame, scope, seed, low, high, position, newest, ahead, shown, last_seen = row
    return LapRecord(
        frame=frame,
        scope=scope,
        seed=seed,
        low=low,
        high=high,
        position=position,
        newest=newest,
        ahead=tuple(map(int, ahead.split())),
        shown=shown,
        last_seen=last_seen,
    )
