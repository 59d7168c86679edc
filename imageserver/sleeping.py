"""Sleep windows: hours in which a provider is left alone. By the clock on the owner's wall, over midnight too."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, get_args

from attrs import Attribute, field, frozen

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_DAYS: tuple[Day, ...] = get_args(Day)


def _is_time(_instance: object, _attribute: Attribute[Any], value: str) -> None:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value, re.ASCII):
        raise ValueError(f'expected a time from "00:00" to "23:59", in quotes, got "{value}"')


@frozen(kw_only=True)
class TimeRange:
    """From one minute of the day to another, both included; the end may lie on the next day."""

    start_time: str = field(validator=_is_time, metadata={"doc": 'When it begins, such as "23:00".'})
    end_time: str = field(validator=_is_time, metadata={"doc": 'The last minute of it, such as "06:59".'})

    @property
    def goes_over_midnight(self) -> bool:
        return self.end_time < self.start_time


@frozen(kw_only=True)
class SleepWindow:
    """One window. `days` are those on which it begins."""

    time_range: TimeRange = field(metadata={"doc": "The hours."})
    days: tuple[Day, ...] = field(default=(), metadata={"doc": "Weekdays such as [sat, sun]; without them, every day."})

    def holds(self, moment: datetime) -> bool:
        """Whether the owner's local time lies in the window."""
        minute, hours = moment.strftime("%H:%M"), self.time_range
        if not hours.goes_over_midnight:
            return hours.start_time <= minute <= hours.end_time and self._begins_on(moment.weekday())
        if minute >= hours.start_time:
            return self._begins_on(moment.weekday())
        return minute <= hours.end_time and self._begins_on((moment.weekday() - 1) % 7)

    def _begins_on(self, weekday: int) -> bool:
        return not self.days or _DAYS[weekday] in self.days


def asleep(windows: Sequence[SleepWindow], moment: datetime) -> SleepWindow | None:
    """The window that the owner's local time lies in, or None."""
    return next((window for window in windows if window.holds(moment)), None)
