"""Whose turn it is: each frame's lap through the stored pictures, kept across restarts."""

from __future__ import annotations

import random
from collections import OrderedDict

from attrs import define, field

from imageserver.clock import Clock
from imageserver.journal import Journal, LapRecord
from imageserver.pictures.laps import Lap, Stock, new_lap, next_picture, seen

_MOST_FRAMES = 10_000  # laps kept in memory; the frame seen longest ago loses its place first


@define(kw_only=True, eq=False)
class Turns:
    """The laps of all frames, in memory; the journal is told of every step and waited for at none."""

    _journal: Journal
    _clock: Clock
    _rng: random.Random
    _laps: OrderedDict[tuple[str, str], Lap] = field(init=False, factory=OrderedDict)

    async def open(self) -> None:
        """Take up every lap where it stood."""
        for record in reversed(await self._journal.frames.laps(_MOST_FRAMES)):
            self._laps[record.frame, record.scope] = Lap(
                seed=record.seed,
                low=record.low,
                high=record.high,
                position=record.position,
                newest=record.newest,
                ahead=frozenset(record.ahead),
                shown=record.shown,
            )

    def next(self, stock: Stock, frame: str, scope: str) -> tuple[int | None, str]:
        """The next picture for a frame and why; None when nothing is stored."""
        picture, lap, why = next_picture(self._lap(stock, frame, scope), stock, scope, self._rng)
        self._keep(frame, scope, lap)
        return picture, why

    def peek(self, stock: Stock, frame: str, scope: str) -> int | None:
        """The picture that comes next, without taking the turn; None where a new lap will say."""
        lap = self._laps.get((frame, scope))
        if lap is None:
            return None
        picture, after, _why = next_picture(lap, stock, scope, random.Random(0))  # noqa: S311 - nothing is chosen by it
        return picture if after.seed == lap.seed else None

    def mark_seen(self, stock: Stock, frame: str, picture_id: int) -> None:
        """This frame was shown a picture out of turn."""
        for scope in {scope for known, scope in self._laps if known == frame} | {""}:
            self._keep(frame, scope, seen(self._lap(stock, frame, scope), picture_id))

    def rename(self, old: str, new: str) -> None:
        """A frame has another key from now on, and goes on where it stood."""
        for known, scope in list(self._laps):
            if known == old:
                lap = self._laps.pop((old, scope))
                self._laps.setdefault((new, scope), lap)
        self._journal.frames.rename(old, new)

    def _lap(self, stock: Stock, frame: str, scope: str) -> Lap:
        return self._laps.get((frame, scope)) or new_lap(stock, scope, self._rng)

    def _keep(self, frame: str, scope: str, lap: Lap) -> None:
        if self._laps.get((frame, scope)) == lap:
            return
        self._laps[frame, scope] = lap
        self._laps.move_to_end((frame, scope))
        if len(self._laps) > _MOST_FRAMES:
            self._laps.popitem(last=False)
        self._journal.frames.keep(
            LapRecord(
                frame=frame,
                scope=scope,
                seed=lap.seed,
                low=lap.low,
                high=lap.high,
                position=lap.position,
                newest=lap.newest,
                ahead=tuple(sorted(lap.ahead)),
                shown=lap.shown,
                last_seen=self._clock.now(),
            )
        )
