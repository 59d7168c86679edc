"""Sleep windows: hours in which a provider or a frame is left alone, by the owner's clock, over midnight too."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, TypeVar, get_args

from attrs import Attribute, field, frozen

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_DAYS: tuple[Day, ...] = get_args(Day)


# With an hour of one digit and with seconds too: the Go server took both.
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(:[0-5]\d)?", re.ASCII)


def _is_time(_instance: object, _attribute: Attribute[Any], value: str) -> None:
    if not _TIME.fullmatch(value):
        raise ValueError(f'expected a time from "00:00" to "23:59", in quotes, got "{value}"')


def _minute(text: str) -> int:
    hours, minutes = text.split(":")[:2]
    return int(hours) * 60 + int(minutes)


@frozen(kw_only=True)
class TimeRange:
    """From one minute of the day to another, both included; the end may lie on the next day."""

    start_time: str = field(validator=_is_time, metadata={"doc": 'When it begins, such as "23:00".'})
    end_time: str = field(validator=_is_time, metadata={"doc": 'The last minute of it, such as "06:59".'})

    @property
    def start(self) -> int:
        """Its first minute of the day."""
        return _minute(self.start_time)

    @property
    def end(self) -> int:
        """Its last minute of the day."""
        return _minute(self.end_time)

    @property
    def goes_over_midnight(self) -> bool:
        return self.end < self.start


@frozen(kw_only=True)
class SleepWindow:
    """One window. `days` are those on which it begins."""

    time_range: TimeRange = field(metadata={"doc": "The hours."})
    days: tuple[Day, ...] = field(default=(), metadata={"doc": "Weekdays such as [sat, sun]; without them, every day."})

    def holds(self, moment: datetime) -> bool:
        """Whether the owner's local time lies in the window."""
        minute, hours = moment.hour * 60 + moment.minute, self.time_range
        if not hours.goes_over_midnight:
            return hours.start <= minute <= hours.end and self._begins_on(moment.weekday())
        if minute >= hours.start:
            return self._begins_on(moment.weekday())
        return minute <= hours.end and self._begins_on((moment.weekday() - 1) % 7)

    def _begins_on(self, weekday: int) -> bool:
        return not self.days or _DAYS[weekday] in self.days


@frozen(kw_only=True)
class FrameSleepWindow(SleepWindow):
    """Hours in which a frame that asks by itself gets no new picture."""

    black_image_mode: bool = field(
        default=False, metadata={"doc": "true: the frame is dark meanwhile; otherwise it shows stored pictures."}
    )


# A frame that its owner sent to sleep, until it is woken.
BY_HAND = FrameSleepWindow(time_range=TimeRange(start_time="00:00", end_time="23:59"), black_image_mode=True)

W = TypeVar("W", bound=SleepWindow)


def asleep(windows: Sequence[W], moment: datetime) -> W | None:
    """The window that the owner's local time lies in, or None."""
    return next((window for window in windows if window.holds(moment)), None)
