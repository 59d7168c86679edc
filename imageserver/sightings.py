"""Which frames are out there: when each was last seen, whether it is late, how its downloads went.

Kept in memory and written to the journal once a minute: a kill -9 costs the last minute of these numbers and nothing
that hangs on a wall.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Iterable
from itertools import pairwise
from statistics import median
from typing import Protocol

from attrs import define, field, fields

from imageserver.clock import Clock
from imageserver.journal import Journal, Sighting

_MOST_FRAMES = 10_000
_VISITS_KEPT = 9  # eight intervals between them
_FEWEST_INTERVALS = 3  # before that nobody knows what is usual
_ONE_VISIT = 45.0  # seconds in which several are one; a frame comes once a minute at most
_LATE = 3  # usual intervals
_STARTS_KEPT = 4  # operations of one frame that it may still ask for
_CROSSED = 3  # times, before two frames are suspected behind one address
_AT_ONCE = 200  # frames that are looked over before frames that ask meanwhile are answered

_log = logging.getLogger(__name__)


class _Known(Protocol):
    """What a judgement about a frame is made from."""

    @property
    def last_seen(self) -> float: ...

    @property
    def crossed(self) -> int: ...

    @property
    def visits(self) -> tuple[float, ...]: ...


@define(kw_only=True)
class _Line:
    """A `Sighting` that is counted on: several numbers change with each request."""

    frame: str
    address: str
    first_seen: float
    last_seen: float
    requests: int = 0
    fetched: int = 0
    aborted: int = 0
    crossed: int = 0
    visits: tuple[float, ...] = ()

    def as_it_stands(self) -> Sighting:
        return Sighting(**{name: getattr(self, name) for name in _NAMES})


_NAMES = tuple(column.name for column in fields(_Line))


@define(kw_only=True, eq=False)
class Sightings:
    """What is known of every frame that has ever asked."""

    _journal: Journal
    _clock: Clock
    _seen: OrderedDict[str, _Line] = field(init=False, factory=OrderedDict)
    _begun: dict[str, tuple[str, ...]] = field(init=False, factory=dict)  # frame → its last operations, newest last
    _changed: set[str] = field(init=False, factory=set)
    _since: float = field(init=False, default=0.0)  # when this server began to listen
    _told: set[tuple[str, str]] = field(init=False, factory=set)  # frame and what the log has said of it

    async def open(self) -> None:
        """Take up what the last run knew."""
        self._since = self._clock.now()
        for sighting in reversed(await self._journal.sightings.latest(_MOST_FRAMES)):
            self._seen[sighting.frame] = _Line(**{name: getattr(sighting, name) for name in _NAMES})

    async def close(self) -> None:
        """Write down what has changed."""
        self.write()

    def saw(self, frame: str, address: str) -> None:
        """It has asked for something."""
        now, line = self._clock.now(), self._seen.get(frame)
        if line is None:
            line = self._seen[frame] = _Line(frame=frame, address=address, first_seen=now, last_seen=now)
            self._forget_the_oldest()
        line.address, line.last_seen = address, now
        line.requests += 1
        self._seen.move_to_end(frame)
        self._changed.add(frame)

    def visited(self, frame: str) -> None:
        """It came for a new picture."""
        line = self._seen.get(frame)
        if line is None:
            return
        now = self._clock.now()
        before = line.visits if not line.visits or line.visits[-1] <= now else ()  # the clock was set back
        if before and now - before[-1] < _ONE_VISIT:  # somebody presses the button, or reloads a page
            return
        line.visits = (*before, now)[-_VISITS_KEPT:]
        self._changed.add(frame)

    def began(self, frame: str, operation: str) -> None:
        """It was given this id."""
        self._begun[frame] = (*self._begun.get(frame, ()), operation)[-_STARTS_KEPT:]

    def asked_for(self, frame: str, operation: str) -> None:
        """It asks for the result of this id. A frame forgets an operation as soon as it begins another."""
        line, begun = self._seen.get(frame), self._begun.get(frame, ())
        if line is not None and operation in begun[:-1]:
            line.crossed += 1
            self._changed.add(frame)

    def fetched(self, frame: str) -> None:
        """It has read a picture to its end."""
        if (line := self._seen.get(frame)) is not None:
            line.fetched += 1
            self._changed.add(frame)

    def aborted(self, frame: str) -> None:
        """It left in the middle of a picture."""
        if (line := self._seen.get(frame)) is not None:
            line.aborted += 1
            self._changed.add(frame)

    def rename(self, old: str, new: str) -> None:
        """The frame has another key from now on. What was known of both is added up."""
        line = self._seen.pop(old, None)
        if line is None:
            return
        other = self._seen.pop(new, None)
        last = line if other is None or line.last_seen >= other.last_seen else other
        both = [one for one in (line, other) if one is not None]
        self._seen[new] = _Line(
            frame=new,
            address=last.address,
            first_seen=min(one.first_seen for one in both),
            last_seen=last.last_seen,
            requests=sum(one.requests for one in both),
            fetched=sum(one.fetched for one in both),
            aborted=sum(one.aborted for one in both),
            visits=last.visits,  # and a suspicion that it is two frames begins anew
        )
        self._begun[new] = (*self._begun.get(new, ()), *self._begun.pop(old, ()))[-_STARTS_KEPT:]
        self._told -= {(what, frame) for what in ("late", "shared") for frame in (old, new)}
        self._changed.discard(old)
        self._changed.add(new)
        self._journal.sightings.forget(old)
        self._write([new])

    def of(self, frame: str) -> Sighting | None:
        """What is known of one frame."""
        line = self._seen.get(frame)
        return None if line is None else line.as_it_stands()

    def all(self) -> list[Sighting]:
        """Every frame, the one seen last first."""
        lines = sorted(self._seen.values(), key=lambda line: line.last_seen, reverse=True)
        return [line.as_it_stands() for line in lines]

    def is_late(self, sighting: _Known) -> bool:
        """Whether a frame with a rhythm has been silent for three beats of it."""
        usual = usual_interval(sighting)
        # While no server ran, nobody could be seen.
        silent = self._clock.now() - max(sighting.last_seen, self._since)
        return usual is not None and silent > _LATE * usual

    async def look_over(self) -> None:
        """Tell the log, once each, who is late or seems to be two; write down what has changed."""
        lines = list(self._seen.values())
        for start in range(0, len(lines), _AT_ONCE):
            some = lines[start : start + _AT_ONCE]
            for line in some:
                self._judge(line)
            self._write(line.frame for line in some)
            await asyncio.sleep(0)

    def _judge(self, line: _Line) -> None:
        late = self.is_late(line)
        if late and self._say_once(line.frame, "late"):
            silent, usual = self._clock.now() - line.last_seen, usual_interval(line) or 0.0
            _log.warning(
                "frame %s is late: it usually comes every %s and has been silent for %s",
                line.frame,
                _spoken(usual),
                _spoken(silent),
            )
        elif not late and ("late", line.frame) in self._told:
            self._told.discard(("late", line.frame))
            _log.info("frame %s is back", line.frame)
        if seems_shared(line) and self._say_once(line.frame, "shared"):
            _log.warning(
                "two frames seem to ask as %s: give each a name and a port of its own under `frames:`, so that "
                "each gets its own pictures",
                line.frame,
            )

    def write(self) -> None:
        """Give the journal what has changed since the last time."""
        self._write(list(self._changed))

    def _write(self, frames: Iterable[str]) -> None:
        changed = [frame for frame in frames if frame in self._changed and frame in self._seen]
        self._changed.difference_update(changed)
        if changed:
            self._journal.sightings.keep([self._seen[frame].as_it_stands() for frame in changed])

    def _say_once(self, frame: str, what: str) -> bool:
        if (what, frame) in self._told:
            return False
        self._told.add((what, frame))
        return True

    def _forget_the_oldest(self) -> None:
        if len(self._seen) > _MOST_FRAMES:
            frame, _forgotten = self._seen.popitem(last=False)
            self._begun.pop(frame, None)
            self._changed.discard(frame)
            self._told -= {("late", frame), ("shared", frame)}


def usual_interval(sighting: _Known) -> float | None:
    """Seconds between two visits as they mostly are; None while there were too few."""
    intervals = [later - earlier for earlier, later in pairwise(sighting.visits)]
    return median(intervals) if len(intervals) >= _FEWEST_INTERVALS else None


def seems_shared(sighting: _Known) -> bool:
    """Whether two frames seem to ask under one key."""
    return sighting.crossed >= _CROSSED


def _spoken(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
