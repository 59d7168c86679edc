"""The server's own cron: runs actions when their cron expressions say so."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime

from attrs import frozen

from imageserver.clock import Clock
from imageserver.cron import next_fire

# A sleep is never longer than this, so that a clock that was set (a Pi without a battery, NTP) is noticed soon.
_LONGEST_SLEEP = 20.0

_log = logging.getLogger(__name__)


@frozen(kw_only=True)
class Entry:
    """An action and when it is due."""

    name: str
    cron: str  # five fields, local time
    action: Callable[[], Awaitable[object]]


async def run_entry(entry: Entry, clock: Clock) -> None:
    """Run one entry until cancelled. An action that raises is logged; the next date comes all the same."""
    due = _due(entry, clock)
    asleep_since = clock.now()
    while True:
        now = clock.now()
        if now < asleep_since - 60:  # the clock was set back: the old date may be years away
            due = _due(entry, clock)
        asleep_since = now
        if now < due:
            await clock.sleep(min(due - now, _LONGEST_SLEEP))
            continue
        try:
            await entry.action()
        except Exception:
            _log.exception("schedule: %s failed", entry.name)
        due = _due(entry, clock)


def _due(entry: Entry, clock: Clock) -> float:
    date = next_fire(entry.cron, datetime.fromtimestamp(clock.now(), clock.zone))
    # The options were checked at the start; a date that ran out since then is simply never due.
    return float("inf") if date is None else date.timestamp()
