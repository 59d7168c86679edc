"""The only module that reads the time or waits for it. Everything else is given a Clock."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, tzinfo
from typing import Protocol

import tzlocal


class Clock(Protocol):
    """Time as the server sees it. `testing.FakeClock` is the other implementation."""

    @property
    def zone(self) -> tzinfo:
        """The owner's time zone: TZ, else /etc/localtime, else UTC."""

    def now(self) -> float:
        """Seconds since 1970, UTC. May jump, in both directions."""

    def monotonic(self) -> float:
        """Seconds since some moment. Never jumps."""

    async def sleep(self, seconds: float) -> None:
        """Wait for at least `seconds`."""


_STEADY: int | None = getattr(time, "CLOCK_BOOTTIME", None)


class SystemClock:
    """The machine's own clock."""

    def __init__(self) -> None:
        self._zone: tzinfo = tzlocal.get_localzone()

    @property
    def zone(self) -> tzinfo:
        return self._zone

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        # Time that a sleeping machine slept is time that passed, where the system can tell.
        return time.clock_gettime(_STEADY) if _STEADY is not None else time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def local_time(clock: Clock) -> datetime:
    """Now, as the clock on the owner's wall shows it."""
    return datetime.fromtimestamp(clock.now(), clock.zone)
