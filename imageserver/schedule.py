"""The server's own cron: runs actions when their cron expressions say so."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial

from attrs import define, field, frozen

from imageserver.clock import Clock
from imageserver.cron import next_fire
from imageserver.supervisor import Supervisor

# A sleep is never longer than this, so that a clock that was set (a Pi without a battery, NTP) is noticed soon.
_LONGEST_SLEEP = 20.0

_log = logging.getLogger(__name__)


@frozen(kw_only=True)
class Entry:
    """An action and when it is due."""

    name: str
    cron: str  # five fields, local time
    action: Callable[[], Awaitable[object]]
    patience: float = 3600.0  # seconds that the action may take before it counts as stuck


@define
class Turns:
    """How far the loop of an entry has come, for whoever watches whether it goes on."""

    number: int = 0
    is_acting: bool = False


@define(eq=False)
class Timetable:
    """The entries that run by themselves."""

    entries: tuple[Entry, ...]
    clock: Clock
    turns: dict[str, Turns] = field(init=False, factory=dict)  # by the entry's name

    def begin(self, supervisor: Supervisor) -> None:
        """Have every entry run from now on."""
        for entry in self.entries:
            turns = self.turns[entry.name] = Turns()
            supervisor.keep_running(entry.name, partial(run_entry, entry, self.clock, turns))


async def run_entry(entry: Entry, clock: Clock, turns: Turns | None = None) -> None:
    """Run one entry until cancelled. An action that raises is logged; the next date comes all the same."""
    turns = Turns() if turns is None else turns
    due = _due(entry, clock)
    asleep_since = clock.now()
    while True:
        turns.number += 1
        now = clock.now()
        if now < asleep_since - 60:  # the clock was set back: the old date may be years away
            due = _due(entry, clock)
        asleep_since = now
        if now < due:
            await clock.sleep(min(due - now, _LONGEST_SLEEP))
            continue
        turns.is_acting = True
        try:
            await entry.action()
        except Exception:
            _log.exception("schedule: %s failed", entry.name)
        finally:
            turns.is_acting = False
        due = _due(entry, clock)


def _due(entry: Entry, clock: Clock) -> float:
    date = next_fire(entry.cron, datetime.fromtimestamp(clock.now(), clock.zone))
    # The options were checked at the start; a date that ran out since then is simply never due.
    return float("inf") if date is None else date.timestamp()
