"""What happened how often, since ever and by the owner's local day.

Counted in memory and written to the journal once a minute and at a stop: who counts never waits for the disk, and a
server that is killed forgets the last minute at most. What a full disk does not take is kept and tried again.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from attrs import define, field, frozen

from imageserver.clock import Clock, local_time
from imageserver.errors import JournalUnavailable
from imageserver.journal import Journal

REQUESTS = "requests"
"""HTTP requests. Label: method, route template and class of the status, such as `POST /operation/start 2xx`."""

PICTURES_SENT = "pictures_sent"
"""Pictures that a frame has read to the end. Label: a `Source`."""

PICTURES_MADE = "pictures_made"
"""Pictures that providers gave and that were kept. Label: the provider's code."""

PROVIDER_FAILURES = "provider_failures"
"""Jobs for which a provider gave no picture. Label: the provider's code."""

DOWNLOADS_ABORTED = "downloads_aborted"
"""Pictures that a frame stopped reading. Label: none."""

Source = Literal["stored", "made", "card"]

_PAUSE = 60.0  # seconds between two writes
_MOST_FRAMES = 10_000  # told apart between two questions for their number
_LAST_MADE = "last_made"  # the note with each provider's last success

_log = logging.getLogger(__name__)


@frozen(kw_only=True)
class _Day:
    """A minute of a local day: days begin with a whole minute in every zone. Seconds since 1970; empty at first."""

    name: str = ""
    begins: float = 0.0
    ends: float = 0.0

    @classmethod
    def around(cls, now: datetime) -> _Day:
        minute = now.timestamp() // 60 * 60
        return cls(name=now.date().isoformat(), begins=minute, ends=minute + 60)


@define(kw_only=True, eq=False)
class Counters:
    """Counts. Every label comes from a set that the server bounds: no client can make it grow."""

    _journal: Journal
    _clock: Clock
    _totals: dict[tuple[str, str], int] = field(init=False, factory=dict)  # since ever, with what is not written yet
    _unwritten: dict[tuple[str, str, str], int] = field(init=False, factory=dict)  # by (day, name, label)
    _frames: set[str] = field(init=False, factory=set)
    _writing: asyncio.Lock = field(init=False, factory=asyncio.Lock)
    _last_made: dict[str, float] = field(init=False, factory=dict)  # seconds since 1970, by provider
    _is_behind: bool = field(init=False, default=False)  # the last write failed
    _day: _Day = field(init=False, factory=_Day)

    async def open(self) -> None:
        """Take up where the last run stopped."""
        self._totals = await self._journal.counters.totals()
        self._last_made = json.loads(await self._journal.notes.get(_LAST_MADE) or "{}")

    async def run(self) -> None:
        """Write down what was counted, once a minute, until cancelled."""
        while True:
            await self._clock.sleep(_PAUSE)
            await self.write_down()

    async def write_down(self) -> None:
        """Write down what was counted since the last time. What the journal does not take waits for the next."""
        async with self._writing:
            batch, self._unwritten = self._unwritten, {}
            if not batch:
                return
            try:
                # Cancelled here, the journal writes it all the same: it is not put back, or it would count twice.
                await self._journal.counters.add(batch, {_LAST_MADE: json.dumps(self._last_made)})
            except JournalUnavailable as error:
                for key, number in batch.items():
                    self._unwritten[key] = self._unwritten.get(key, 0) + number
                if not self._is_behind:
                    _log.warning("counters cannot be written and wait in memory: %s", error)
                self._is_behind = True
            else:
                self._is_behind = False

    def request(self, route: str, status: str) -> None:
        """A request was answered: its method and route template, and the class of the status, such as `2xx`."""
        self._count(REQUESTS, f"{route} {status}")

    def picture_sent(self, source: Source, frame: str) -> None:
        """A frame has read a whole picture. `frame` only tells frames apart and is written nowhere."""
        self._count(PICTURES_SENT, source)
        if len(self._frames) < _MOST_FRAMES:
            self._frames.add(frame)

    def picture_made(self, provider: str) -> None:
        """A provider's picture was kept."""
        self._count(PICTURES_MADE, provider)
        self._last_made[provider] = self._clock.now()

    def provider_failed(self, provider: str) -> None:
        """A provider gave no picture for a job."""
        self._count(PROVIDER_FAILURES, provider)

    def download_aborted(self) -> None:
        """A frame stopped reading before the end."""
        self._count(DOWNLOADS_ABORTED, "")

    def totals(self) -> dict[tuple[str, str], int]:
        """Every counter since ever, under (name, label)."""
        return dict(self._totals)

    @property
    def last_made(self) -> Mapping[str, float]:
        """When each provider last gave a picture that was kept: seconds since 1970, by its code."""
        return self._last_made

    async def of_day(self, day: str) -> dict[tuple[str, str], int]:
        """Every counter of one local day, given as "2026-11-22". Raises JournalUnavailable."""
        async with self._writing:  # or what is being written could count twice, or not at all
            counted = await self._journal.counters.of_days(day, day)
            for (its_day, name, label), number in self._unwritten.items():
                if its_day == day:
                    counted[name, label] = counted.get((name, label), 0) + number
            return counted

    def take_frames(self) -> int:
        """How many frames took a picture since this was asked last."""
        number = len(self._frames)
        self._frames.clear()
        return number

    def _count(self, name: str, label: str) -> None:
        now = self._clock.now()
        if not self._day.begins <= now < self._day.ends:
            self._day = _Day.around(local_time(self._clock))
        day = self._day.name
        self._totals[name, label] = self._totals.get((name, label), 0) + 1
        self._unwritten[day, name, label] = self._unwritten.get((day, name, label), 0) + 1
