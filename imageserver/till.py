"""Where buying is allowed or refused: caps, the clock, and room on the disk for what is bought."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import date, timedelta
from pathlib import Path

from attrs import define, field

from imageserver.journal import Journal, Unit
from imageserver.money import MoneyClock, Purchase
from imageserver.provider_host import ProviderHost

DISK_RESERVE = 48 * 1024 * 1024  # bytes that must be free before anything is bought: the answer, original, journal


@define(kw_only=True, eq=False)
class Till:
    """Asked before every call that is counted. The last word is the journal's, when it reserves."""

    _journal: Journal
    _free_bytes: Callable[[], int]  # on the fullest of the disks that a picture needs; called in a thread
    _executor: Executor
    clock: MoneyClock = field()

    async def open(self) -> None:
        """Take up what was bought before."""
        self.clock.bought(await self._journal.spending.newest())

    async def why_not(self, host: ProviderHost) -> str | None:
        """Why this provider may not be asked for a picture now, as a sentence; None when it may."""
        if not host.is_counted:
            return None
        if host.provider_class.paid:
            wrong = self.clock.why_not() or await self._no_room()
            if wrong:
                return wrong
        totals = await self.totals(host.code)
        return host.caps.reached(totals.today.pictures, totals.this_month.pictures, totals.this_month.cost)

    async def totals(self, code: str) -> Unit:
        """What was spent on a provider today, yesterday and this month."""
        today = date.fromisoformat(self.clock.day(self.clock.now()))
        return await self._journal.spending.totals(code, today.isoformat(), (today - timedelta(days=1)).isoformat())

    def purchase(self, host: ProviderHost) -> Purchase | None:
        """What to reserve for one call; None for a provider that is not counted."""
        return self.clock.purchase(host.code, host.caps) if host.is_counted else None

    async def _no_room(self) -> str | None:
        free = await asyncio.get_running_loop().run_in_executor(self._executor, self._free_bytes)
        if free >= DISK_RESERVE:
            return None
        return f"only {free // 1024 // 1024} MiB are free on the disk: what is bought now could not be kept"


def free_bytes(folders: tuple[Path, ...]) -> int:
    """What is free on the fullest of these folders' disks."""
    return min(shutil.disk_usage(folder).free for folder in folders)
