"""Scans: the store and every library are looked at, and what is new, changed or gone there is taken in."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import TypeVar

from attrs import define, field

from imageserver.clock import Clock
from imageserver.journal import STORE, Found, Journal, Picture
from imageserver.pictures.root_scan import FolderGivesNothing, RootScan
from imageserver.pictures.scan import ORIGINALS, SMALLER, scan_library, scan_store
from imageserver.pictures.stock import MemoryStock

T = TypeVar("T")
# After a scan of more than a second the next one for a changed folder comes after fifty times as long: each picture
# that the server adds changes a folder, and a store of a million would be scanned all the time.
_QUICK, _REST = 1.0, 50

_log = logging.getLogger(__name__)


@define(kw_only=True, eq=False)
class Scanning:
    """Keeps the stock, and the journal with it, as the folders are."""

    _folder: Path
    _journal: Journal
    _libraries: Callable[[], Mapping[str, Callable[[], list[Path]]]]
    _clock: Clock
    _executor: Executor
    _stock: MemoryStock
    _drop: Callable[[Sequence[int]], None]  # these are not in the stock any more, and their records are stale
    _renew: Callable[[Sequence[int]], None]  # only their records are stale
    absent: dict[str, str] = field(init=False, factory=dict)  # roots whose folder gives nothing now, and why
    _left: set[str] = field(init=False, factory=set)  # roots whose pictures were dropped, for whatever reason
    is_some_unread: bool = field(init=False, default=False)  # dropped, and to be tried again after the next scan
    _last_look: tuple[tuple[str, int], ...] = field(init=False, default=())
    _rests_until: float = field(init=False, default=0.0)  # of the steady clock
    turn: asyncio.Lock = field(init=False, factory=asyncio.Lock)  # held by whoever scans, or must not be scanned

    async def load(self, root: str | None = None) -> None:
        """Put what the journal knows into the stock: of one root or of all."""
        async for row in self._journal.scans.shelves(root):
            self._stock.add(row.ids, row.root, row.maker)

    async def scan(self) -> None:
        """Look at the store and at every library, and take in what is new, changed or gone."""
        async with self.turn:
            await self._scan(await self._look())

    async def scan_if_changed(self) -> None:
        """Scan when a folder or a file that could not be shown looks different from the last time.

        After a scan that took long this waits for a later call.
        """
        async with self.turn:
            if self._clock.monotonic() < self._rests_until:
                return
            look = await self._look()
            if look != self._last_look:
                await self._scan(look)

    async def _scan(self, look: tuple[tuple[str, int], ...]) -> None:
        begun = self._clock.monotonic()
        try_again, self.is_some_unread = self.is_some_unread, False
        libraries = self._libraries()
        for root in self._stock.roots() - {STORE, *libraries}:
            _log.info("the pictures of %s are not shown any more: it does not serve", root)
            self._drop_root(root)
        await self._scan_root(STORE, scan_store(self._folder), try_again=try_again)
        for code, folders in libraries.items():
            await self._scan_root(code, _scan_all(folders), try_again=try_again)
        self._last_look = look  # what changed while the scan ran is looked at the next time
        took = self._clock.monotonic() - begun
        self._rests_until = 0.0 if took <= _QUICK else begun + (1 + _REST) * took

    async def _look(self) -> tuple[tuple[str, int], ...]:
        return await self._in_thread(partial(self._dates, await self._journal.pictures.broken()))

    def _dates(self, broken: list[Picture]) -> tuple[tuple[str, int], ...]:
        paths = [self._folder, self._folder / ORIGINALS, self._folder / SMALLER]
        paths += [self._folder / picture.path for picture in broken]  # a library's path is whole, and stays what it is
        with contextlib.suppress(Exception):  # a stranger's folders() may raise anything; the scan will say so
            paths += [folder for folders in self._libraries().values() for folder in folders()]
        return tuple((str(path), _changed_at(path)) for path in paths)

    async def _scan_root(self, root: str, files: Iterator[Found], *, try_again: bool) -> None:
        scan = RootScan(journal=self._journal, root=root, in_thread=self._in_thread)
        try:
            await scan.read(files)
        except FolderGivesNothing as error:
            self._set_absent(root, f"{error}")
            return
        if scan.is_empty and await self._journal.pictures.has_any(root):
            # An empty folder where pictures were is mostly a disk that is not mounted. Nothing is forgotten for it.
            self._set_absent(root, "it is empty now; its pictures are remembered until some are there again")
            return
        added = await scan.add(self._clock.now(), partial(self._add, root))
        changed = await scan.change(partial(self._add, root))
        gone = await scan.forget(self._drop)  # last: a picture that moved is never away
        if root in self._left or try_again:
            self.absent.pop(root, None)
            self._left.discard(root)
            await self.load(root)
        if added or changed or gone:
            _log.info(
                "scan of %s: %d new, %d changed, %d gone, %d can be shown",
                root,
                added,
                changed,
                gone,
                self._stock.count(root),
            )

    def _add(self, root: str, picture_ids: Sequence[int]) -> None:
        self._renew(picture_ids)
        self._stock.add(picture_ids, root)

    def _set_absent(self, root: str, reason: str) -> None:
        if root not in self.absent:
            _log.warning("the folder of %s gives no pictures: %s", root, reason)
        self.absent[root] = reason
        self._drop_root(root)

    def _drop_root(self, root: str) -> None:
        self._left.add(root)
        self._drop(self._stock.in_root(root))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)


def _changed_at(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _scan_all(folders: Callable[[], list[Path]]) -> Iterator[Found]:
    for folder in folders():
        yield from scan_library(folder)
