"""The line that the log gets at each full hour in which something happened."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta

from attrs import define, field, frozen

from imageserver.clock import Clock, local_time
from imageserver.counters import (
    DOWNLOADS_ABORTED,
    PICTURES_MADE,
    PICTURES_SENT,
    PROVIDER_FAILURES,
    Counters,
)
from imageserver.errors import JournalUnavailable
from imageserver.schedule import Entry

_log = logging.getLogger(__name__)


@define(kw_only=True, eq=False)
class Summary:
    """Says what happened since it was last asked. Built once the counters are open."""

    _counters: Counters
    _stored: Callable[[], int]
    _clock: Clock
    _told: dict[tuple[str, str], int] = field(init=False)  # the totals at the last summary

    def __attrs_post_init__(self) -> None:
        self._told = self._counters.totals()

    def entry(self) -> Entry:
        """When it is told."""
        return Entry(name="hourly summary", cron="0 * * * *", action=self.tell)

    async def tell(self) -> None:
        """Write the line, unless nothing happened."""
        totals, frames = self._counters.totals(), self._counters.take_frames()
        last_hour = _Tally.of({key: number - self._told.get(key, 0) for key, number in totals.items()})
        self._told = totals
        if last_hour.is_empty:
            return
        _log.info("last hour: %s; %s; stored: %d", last_hour.told(frames), await self._day(), self._stored())

    async def _day(self) -> str:
        now = local_time(self._clock)
        day = (now - timedelta(minutes=30)).date()  # what is told at midnight belongs to the day that has just ended
        name = "today" if day == now.date() else "yesterday"
        try:
            counted = await self._counters.of_day(day.isoformat())
        except JournalUnavailable:
            return f"{name}: not known, for the journal cannot be read"
        return f"{name}: {_Tally.of(counted).short()}"


@frozen(kw_only=True)
class _Tally:
    """What happened in some time, by source or by provider."""

    sent: Mapping[str, int]
    made: Mapping[str, int]
    failed: Mapping[str, int]
    aborted: int

    @classmethod
    def of(cls, counted: Mapping[tuple[str, str], int]) -> _Tally:
        def under(name: str) -> dict[str, int]:
            return {label: number for (its, label), number in sorted(counted.items()) if its == name and number > 0}

        return cls(
            sent=under(PICTURES_SENT),
            made=under(PICTURES_MADE),
            failed=under(PROVIDER_FAILURES),
            aborted=sum(under(DOWNLOADS_ABORTED).values()),
        )

    @property
    def is_empty(self) -> bool:
        return not (self.sent or self.made or self.failed or self.aborted)

    def told(self, frames: int) -> str:
        """In detail: who got what, who made it, who failed."""
        parts = [_number(sum(self.sent.values()), "picture")]
        if self.sent:
            kinds = ", ".join(
                _number(number, source) if source == "card" else f"{number} {source}"
                for source, number in self.sent.items()
            )
            parts = [f"{parts[0]} to {_number(frames, 'frame')} ({kinds})"]
        if self.made:
            parts.append("made: " + ", ".join(f"{number} by {provider}" for provider, number in self.made.items()))
        if self.failed:
            failures = ", ".join(f"{number} of {provider}" for provider, number in self.failed.items())
            parts.append(f"failures: {failures}")
        else:
            parts.append("no failures")
        if self.aborted:
            parts.append(f"{_number(self.aborted, 'download')} aborted")
        return ", ".join(parts)

    def short(self) -> str:
        """In numbers only."""
        pictures = _number(sum(self.sent.values()), "picture")
        return f"{pictures}, {sum(self.made.values())} made, {_number(sum(self.failed.values()), 'failure')}"


def _number(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"
