"""Where buying is allowed or refused: caps, the clock, and room on the disk for what is bought."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from concurrent.futures import Executor
from datetime import date, timedelta
from pathlib import Path

from attrs import define, field

from imageserver.journal import UNCONFIRMED, Journal, Unit
from imageserver.money import MoneyClock, Purchase
from imageserver.provider_host import ProviderHost
from imageserver.troubles import Trouble

_CONFIRM = Trouble(
    "the journal is a copy, and what was bought may be missing from its counters: confirm them first, "
    "on the page Numbers or by `imageserver spending --confirm`",
    "unconfirmed",
)
DISK_RESERVE = 48 * 1024 * 1024  # bytes that must be free before anything is bought: the answer, original, journal
_DISK_SECONDS = 2.0  # for a look at how much is free


@define(kw_only=True, eq=False)
class Till:
    """Asked before every call that is counted. The last word is the journal's, when it reserves."""

    _journal: Journal
    _disks: Mapping[str, Path]  # the folders that a picture needs, by name
    _executor: Executor
    clock: MoneyClock = field()
    _looking: dict[str, asyncio.Future[int]] = field(init=False, factory=dict)
    unconfirmed: str | None = field(init=False, default=None)  # why nobody knows whether all that was bought is counted

    async def open(self) -> None:
        """Take up what was bought before."""
        self.clock.bought(await self._journal.spending.newest())
        self.unconfirmed = await self._journal.notes.get(UNCONFIRMED)

    async def confirm(self) -> bool:
        """The owner says that the counters are right, or right enough. False when nobody had asked."""
        if self.unconfirmed is None:
            return False
        await self._journal.notes.remove(UNCONFIRMED)
        self.unconfirmed = None
        return True

    async def why_not(self, host: ProviderHost) -> Trouble | None:
        """Why this provider may not be asked for a picture now; None when it may."""
        if not host.is_counted:
            return None
        if self.unconfirmed is not None and (host.provider_class.paid or host.caps.price):
            return _CONFIRM
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

    async def free(self) -> dict[str, int]:
        """Bytes that are free on each disk, by name. One that does not answer in its time is left out."""
        loop = asyncio.get_running_loop()
        for name, folder in self._disks.items():
            if name not in self._looking:  # a network folder that is away holds one thread, however often this is asked
                self._looking[name] = loop.run_in_executor(self._executor, free_bytes, folder)
        looks = dict(self._looking)
        await asyncio.wait(looks.values(), timeout=_DISK_SECONDS)
        done = {name: looking for name, looking in looks.items() if looking.done()}
        for name, looking in done.items():
            if self._looking.get(name) is looking:  # two who ask at once wait for the same look
                del self._looking[name]
        return {name: looking.result() for name, looking in done.items() if looking.exception() is None}

    async def _no_room(self) -> Trouble | None:
        loop, folders = asyncio.get_running_loop(), self._disks.values()
        free = await loop.run_in_executor(self._executor, lambda: min(map(free_bytes, folders)))
        if free >= DISK_RESERVE:
            return None
        left = free // 1024 // 1024
        return Trouble(f"only {left} MiB are free on the disk: what is bought now could not be kept", "disk", left=left)


def free_bytes(folder: Path) -> int:
    """What is free on a folder's disk. Raises OSError."""
    return shutil.disk_usage(folder).free
