"""Owns the server's long-running coroutines: one that dies is logged, counted and started again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from attrs import define, field

from imageserver.clock import Clock

_FIRST_PAUSE = 0.5  # seconds before a restart; doubled each time it dies again soon
_LONGEST_PAUSE = 60.0
_ONCE_TOO_OFTEN = 3  # deaths, none of them a minute after the one before: it will not come to life by itself

_log = logging.getLogger(__name__)


@define
class _Life:
    """How something fares that is started again whenever it dies."""

    began: float  # steady seconds
    deaths: int = 0  # each soon after its start
    is_over: bool = False  # it waits to be started again


@define
class Supervisor:
    """Keeps what it was given running until `stop`."""

    clock: Clock
    restarts: dict[str, int] = field(factory=dict)  # by name, since the start
    _running: dict[str, asyncio.Task[None]] = field(factory=dict)
    _lives: dict[str, _Life] = field(factory=dict)

    def keep_running(self, name: str, start: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run `start()`, again and again should it end."""
        self._running[name] = asyncio.create_task(self._keep(name, start), name=name)

    def run_once(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` to its end in the background; a failure is logged."""

        async def run() -> None:
            try:
                await work
            except Exception:
                _log.exception("%s failed", name)

        self._running[name] = asyncio.create_task(run(), name=name)

    def is_alive(self, name: str) -> bool:
        """Whether it runs, or waits a moment to be started again. What dies again and again does not live."""
        running = self._running.get(name)
        return running is not None and not running.done() and not self._keeps_dying(name)

    def _keeps_dying(self, name: str) -> bool:
        life = self._lives.get(name)
        if life is None or life.deaths < _ONCE_TOO_OFTEN:
            return False
        return life.is_over or self.clock.monotonic() - life.began <= _LONGEST_PAUSE

    async def stop(self) -> None:
        """End everything and wait for it."""
        for running in self._running.values():
            running.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)
        self._running.clear()

    async def _keep(self, name: str, start: Callable[[], Coroutine[Any, Any, None]]) -> None:
        pause = _FIRST_PAUSE
        life = self._lives[name] = _Life(self.clock.monotonic())
        while True:
            life.began, life.is_over = self.clock.monotonic(), False
            try:
                await start()
                _log.error("%s ended by itself and is started again", name)
            except asyncio.CancelledError:
                me = asyncio.current_task()
                if me is None or me.cancelling():
                    raise
                _log.exception("%s was cut off and is started again", name)  # by what it awaited, not by `stop`
            except Exception:
                _log.exception("%s died and is started again", name)
            self.restarts[name] = self.restarts.get(name, 0) + 1
            life.is_over = True
            life.deaths += 1
            if self.clock.monotonic() - life.began > _LONGEST_PAUSE:
                pause, life.deaths = _FIRST_PAUSE, 1
            await self.clock.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
