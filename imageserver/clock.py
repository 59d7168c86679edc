"""The only module that reads the time or waits for it. Everything else is given a Clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfoNotFoundError

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
        self._zone = _local_zone()

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


def zone_in_words(clock: Clock, environment: Mapping[str, str], root: Path = Path("/")) -> str:
    """The clock's zone and who says so: "Europe/Moscow (from TZ)". `root` is for tests."""
    named, name = environment.get("TZ", ""), str(clock.zone)
    if named and clock.zone is UTC:
        return f'UTC (TZ is "{named}", which is no zone that is known here; write one such as Europe/Moscow)'
    if name == "local":  # a file tells the hours of its zone, but not its name
        name = f"{local_time(clock):UTC%z}"
    if named:
        return f"{name} (from TZ)"
    files = [file for file in ("etc/localtime", "etc/timezone") if (root / file).exists()]
    return f"{name} (from /{files[0]})" if files else f"{name} (neither TZ nor /etc/localtime says another)"


def _local_zone() -> tzinfo:
    try:
        return tzlocal.get_localzone()
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a server without the right time is better than none
        return UTC
