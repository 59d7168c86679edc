"""One run of a swarm, told to a person."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable

from imageserver.clock import Clock
from imageserver.frame_client.options import SwarmOptions
from imageserver.frame_client.swarm import Swarm
from imageserver.frame_client.swarm_counts import Counts
from imageserver.frame_client.swarm_report import beginning, line, table
from imageserver.frame_client.swarm_sockets import Sockets, allow_files
from imageserver.frame_client.told import Out


class SwarmRun:
    """Runs, and can be asked how it went, also after it was cancelled."""

    def __init__(self, options: SwarmOptions, out: Out, *, clock: Clock) -> None:
        self._options = options
        self._out = out
        self._clock = clock
        rng = random.Random(options.seed)  # noqa: S311 - moments, no secrets
        self._swarm = Swarm(options, clock=clock, rng=rng)
        self._total = Counts()
        self._begun: tuple[float, float] | None = None  # by the clock, and CPU seconds

    async def run(self, *, settled: Callable[[], None] | None = None) -> None:
        """As long as the options say, with a line every ten seconds; `settled` as of Swarm. Raises SwarmImpossible."""
        sockets = await asyncio.to_thread(Sockets.found, self._options)
        self._out(beginning(self._options, sockets))
        if (lack := allow_files(self._options.frames)) is not None:
            self._out(f"note: {lack}")
        self._begun = self._clock.monotonic(), _cpu()
        await self._swarm.run(sockets, tell=self._tell, settled=settled)

    def conclude(self) -> int:
        """Tell the table. 0: no frame would have failed; 1: one would have, or nothing was asked."""
        if self._begun is None:
            return 1
        self._gather()
        begun, cpu = self._begun
        self._out("")
        self._out(table(self._options, self._total, elapsed=self._clock.monotonic() - begun, cpu=_cpu() - cpu))
        return 1 if self._total.failed or not self._total.starts else 0

    def _tell(self) -> None:
        now = self._gather()
        assert self._begun is not None
        self._out(line(self._clock.monotonic() - self._begun[0], now, self._total))

    def _gather(self) -> Counts:
        now = self._swarm.take_counts()
        self._total.include(now)
        return now


def _cpu() -> float:
    used = os.times()
    return used.user + used.system
