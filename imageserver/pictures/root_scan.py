"""One look at one root: what lies there is compared with the journal, and then the journal with what lies there.

Both go in pieces, and between them others have their turn: at the journal, and at the event loop. Until all of the
root was read nothing is written, so a disk that goes away half way makes nobody forget anything. What is written is
right whenever it breaks off; the next scan finds the rest. In memory is one byte for each id, and what has changed.
"""

from __future__ import annotations

import heapq
import struct
from array import array
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Protocol

from attrs import define, field

from imageserver.journal import PIECE, Found, Journal
from imageserver.pictures.scan import made_at

WRITTEN = 3 * PIECE  # files in one commit: each costs a flush, and pages of an index that many of them share
# A new file while it waits for its turn: a tenth of what an object would take, and in order by its bytes. Dates are
# moved, so that those before 1970 come first.
_AGE, _FACTS = struct.Struct(">Q"), struct.Struct(">QQ")
_MOVED = 1 << 63


class FolderGivesNothing(Exception):
    """The files of a root cannot be listed; the message says why."""


class Threads(Protocol):
    """Runs blocking work."""

    def __call__(self, work: Callable[[], Any], /) -> Awaitable[Any]:
        """Gives what `work` gives."""


@define(kw_only=True, eq=False)
class RootScan:
    """First `read`, then what it found is asked for and written."""

    _journal: Journal
    _root: str
    _in_thread: Threads
    _bounds: tuple[int, int] = field(init=False, default=(1, 0))  # of the ids known before
    _is_seen: bytearray = field(init=False, factory=bytearray)  # a byte for each of them
    _runs: list[list[bytes]] = field(init=False, factory=list)  # new files, each list from old to young
    _changed: array[int] = field(init=False, factory=lambda: array("q"))  # id, size, mtime_ns, id, …
    is_empty: bool = field(init=False, default=True)  # no file was there

    async def read(self, files: Iterator[Found]) -> None:
        """Compare every file with the journal. `files` blocks, so it is drawn in a thread.

        Raises FolderGivesNothing for whatever `files` raises, and JournalUnavailable.
        """
        self._bounds = low, high = await self._journal.scans.bounds(self._root)
        self._is_seen = bytearray(high - low + 1)
        while piece := await self._next(files):
            self.is_empty = False
            compared = await self._journal.scans.compare(self._root, piece)
            for picture_id in compared.known:
                if picture_id <= high:  # what was added since is not looked for
                    self._is_seen[picture_id - low] = 1
            for picture_id, file in compared.changed:
                self._changed.extend((picture_id, file.size, file.mtime_ns))
            if compared.new:
                self._runs.append(sorted(map(_packed, compared.new)))

    async def _next(self, files: Iterator[Found]) -> list[Found]:
        def work() -> list[Found]:
            try:
                return list(islice(files, PIECE))
            except Exception as error:
                raise FolderGivesNothing(f"{error}") from error

        piece: list[Found] = await self._in_thread(work)
        return piece

    async def add(self, now: float, tell: Callable[[Sequence[int]], None]) -> int:
        """Write the new files down, the oldest first, and tell their ids piece by piece; returns how many."""
        number, oldest_first = 0, heapq.merge(*self._runs)
        while piece := await self._in_thread(lambda: list(map(_unpacked, islice(oldest_first, WRITTEN)))):
            ids = await self._journal.scans.add(self._root, piece, now)
            tell(ids)
            number += len(ids)
        return number

    async def change(self, tell: Callable[[Sequence[int]], None]) -> int:
        """The same for files that are others than before: broken ones among them are tried again."""
        step = 3 * WRITTEN
        for start in range(0, len(self._changed), step):
            flat = iter(self._changed[start : start + step])
            piece = list(zip(flat, flat, flat, strict=True))
            tell(await self._journal.scans.change(piece))
        return len(self._changed) // 3

    async def forget(self, tell: Callable[[Sequence[int]], None]) -> int:
        """The same for pictures whose files are not there."""
        low, high = self._bounds
        number, after = 0, low - 1
        while ids := await self._journal.pictures.ids(self._root, after=after, up_to=high):
            after = ids[-1]
            gone = [picture_id for picture_id in ids if not self._is_seen[picture_id - low]]
            for start in range(0, len(gone), WRITTEN):
                piece = gone[start : start + WRITTEN]
                await self._journal.pictures.forget(piece)
                tell(piece)
            number += len(gone)
        return number


def _packed(file: Found) -> bytes:
    return b"".join(
        (_AGE.pack(made_at(file) + _MOVED), file.path.encode(), _FACTS.pack(file.size, file.mtime_ns + _MOVED))
    )


def _unpacked(data: bytes) -> Found:
    size, mtime_ns = _FACTS.unpack(data[-_FACTS.size :])
    return Found(path=data[_AGE.size : -_FACTS.size].decode(), size=size, mtime_ns=mtime_ns - _MOVED)
