"""The real program with a clock that hurries: a virtual day takes minutes, and a deadline of seconds a moment.

What the server measures by asyncio's own clock (how long an answer may wait) stays as it is; so do files and sockets.
"""

from __future__ import annotations

import asyncio

from imageserver.clock import SystemClock


class HurriedClock(SystemClock):
    """Goes so many times as fast as the machine's, from the moment on in which it was made."""

    def __init__(self, times: float) -> None:
        super().__init__()
        self._times = times
        self._begun = super().now(), super().monotonic()

    def now(self) -> float:
        """Ahead of the machine's clock, but never faster than `monotonic`, or buying would stop for a jump."""
        return self._begun[0] + (self.monotonic() - self._begun[1])

    def monotonic(self) -> float:
        return self._begun[1] + (super().monotonic() - self._begun[1]) * self._times

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._times)


def program_code(times: float) -> str:
    """What `python -c` runs in the place of `python -m imageserver`."""
    return f"""
import sys
sys.path.insert(0, {str(__file__.rpartition("/")[0])!r})
from functools import partial
from hurried import HurriedClock
from imageserver import commands
from imageserver.__main__ import run
commands.SystemClock = partial(HurriedClock, {times})
run()
"""
