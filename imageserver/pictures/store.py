"""The store: every picture that can be shown, from the owner, from providers and from libraries.

Files are read and written in threads; ids and laps are in memory, so that choosing a picture waits for no disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import TypeVar

from attrs import define, field, frozen

from imageserver.clock import Clock
from imageserver.errors import JournalUnavailable, PictureBroken
from imageserver.jobs import Job
from imageserver.journal import STORE, Found, Journal, Picture
from imageserver.pictures.originals import find_original, name_for, write_original
from imageserver.pictures.renditions import Drawing, Rendition, Renditions, read_original
from imageserver.pictures.scan import ORIGINALS, scan_library, scan_store
from imageserver.pictures.stock import MemoryStock
from imageserver.pictures.turns import Turns
from imageserver.target import Target

T = TypeVar("T")
_MOST_RECORDS = 4_096  # pictures' records kept in memory

_log = logging.getLogger(__name__)


@frozen(kw_only=True)
class Made:
    """A provider's picture on its way into the store."""

    data: bytes = field(repr=False)
    format: str  # "jpeg", "png" or "webp"
    provider: str
    prompt: str
    negative: str | None
    model: str
    seed: int | None
    details: Mapping[str, str]
    sha256: str | None = None


async def _nothing_drawn(_picture: Picture, _target: Target) -> Drawing | None:
    return None


@define(kw_only=True, eq=False)
class PictureStore:
    """Originals and their renditions, and which one a frame shows next."""

    folder: Path
    _journal: Journal
    _libraries: Callable[[], Mapping[str, Callable[[], list[Path]]]]
    _clock: Clock
    _executor: Executor
    _stock: MemoryStock = field(init=False, factory=MemoryStock)
    _turns: Turns
    _records: OrderedDict[int, Picture] = field(init=False, factory=OrderedDict)
    absent: dict[str, str] = field(init=False, factory=dict)  # roots whose folder gives nothing now, and why
    _left: set[str] = field(init=False, factory=set)  # roots whose pictures were dropped, for whatever reason
    _is_some_unread: bool = field(init=False, default=False)  # dropped, and to be tried again after the next scan
    _last_look: tuple[tuple[str, int], ...] = field(init=False, default=())
    _scanning: asyncio.Lock = field(init=False, factory=asyncio.Lock)
    _preparing: set[asyncio.Future[None]] = field(init=False, factory=set)
    renditions: Renditions
    _drawings: Callable[[Picture, Target], Awaitable[Drawing | None]] = field(default=_nothing_drawn)

    async def open(self) -> None:
        """Take everything known from the journal, then look at the folders. Raises OSError without a store."""
        await self._in_thread(lambda: (self.folder / ORIGINALS).mkdir(parents=True, exist_ok=True))
        self._stock = MemoryStock(await self._journal.pictures.usable())
        await self._turns.open()
        await self.scan()

    async def close(self) -> None:
        """Let renditions that are being made come to their end."""
        if self._preparing:
            await asyncio.wait(self._preparing)
        await self.renditions.close()

    # What there is

    def has(self, picture_id: int) -> bool:
        """Whether this picture can be shown."""
        return self._stock.has(picture_id)

    def count(self, scope: str = "") -> int:
        """How many pictures can be shown: all, or those of one root."""
        return self._stock.count(scope)

    async def picture(self, picture_id: int) -> Picture | None:
        """A picture that can be shown, or None."""
        if not self._stock.has(picture_id):
            return None
        known = self._records.get(picture_id)
        if known is not None:
            self._records.move_to_end(picture_id)
            return known
        found = await self._journal.pictures.get(picture_id)
        if found is None:
            self._drop(picture_id)
        else:
            self._records[picture_id] = found
            if len(self._records) > _MOST_RECORDS:
                self._records.popitem(last=False)
        return found

    def path_of(self, picture: Picture) -> Path:
        """Where the original lies."""
        return self.folder / picture.path if picture.root == STORE else Path(picture.path)

    # Choosing

    def choose(self, frame: str, scope: str = "") -> tuple[int | None, str]:
        """The next picture for a frame and why; None when nothing is stored. Waits for nothing."""
        return self._turns.next(self._stock, frame, scope)

    def mark_seen(self, frame: str, picture_id: int) -> None:
        """This frame was shown a picture out of turn: its own wish."""
        self._turns.mark_seen(self._stock, frame, picture_id)

    # Showing

    async def rendition(self, picture: Picture, target: Target) -> Rendition | None:
        """The picture at a frame's size, or None when it cannot be shown: then it is never chosen again."""
        path = self.path_of(picture)
        try:
            drawing = await self._drawings(picture, target)
            return await self.renditions.get(rendition_name(picture), target, lambda: read_original(path), drawing)
        except PictureBroken as error:
            _log.warning("picture %s cannot be shown: %s", path, error)
            await self._set_aside(picture, str(error))
        except FileNotFoundError:
            _log.warning("picture %s is gone", path)
            self._drop(picture.id)
            self._is_some_unread = True
        except OSError as error:
            _log.warning("picture %s cannot be read: %s", path, error.strerror)
            self._drop(picture.id)
            self._is_some_unread = True
        return None

    def prepare(self, picture_id: int, target: Target) -> None:
        """Begin to make a rendition that will be asked for soon. Nobody waits, and nothing is lost if it fails."""

        async def make() -> None:
            picture = await self.picture(picture_id)
            if picture is not None:
                await self.rendition(picture, target)

        preparing = asyncio.ensure_future(make())
        self._preparing.add(preparing)
        preparing.add_done_callback(self._prepared)

    def _prepared(self, done: asyncio.Future[None]) -> None:
        self._preparing.discard(done)
        if not done.cancelled() and (error := done.exception()) is not None:
            _log.error("a rendition could not be prepared", exc_info=error)

    async def _set_aside(self, picture: Picture, reason: str) -> None:
        self._drop(picture.id)
        try:
            await self._journal.pictures.set_broken(picture.id, reason)
        except JournalUnavailable as error:  # a full disk must not keep the frame from another picture
            _log.error("picture %s: %s", picture.path, error)

    # Adding

    async def add(self, job: Job, made: Made) -> Picture:
        """Keep a provider's picture and settle its job with it. Raises OSError or JournalUnavailable on a full disk."""
        path = name_for(job.id, job.created, made.format)
        file = await self._in_thread(lambda: write_original(self.folder, path, made.data))
        return await self._take_in(job, file, made)

    async def adopt(self, job: Job) -> bool:
        """Settle a job with its picture when that lies in the store already: a crash came before the commit."""
        file = await self._in_thread(lambda: find_original(self.folder, job.id, job.created))
        if file is None:
            return False
        await self._take_in(
            job,
            file,
            Made(
                data=b"",
                format="",
                provider=job.provider or "",
                prompt=job.prompt,
                negative=job.negative,
                model="",
                seed=job.seed,
                details={},
            ),
        )
        return True

    async def _take_in(self, job: Job, file: Found, made: Made) -> Picture:
        picture = Picture(
            id=0,
            root=STORE,
            path=file.path,
            size=file.size,
            mtime_ns=file.mtime_ns,
            first_seen=self._clock.now(),
            provider=made.provider,
            job=job.id,
            prompt=made.prompt,
            negative=made.negative,
            model=made.model,
            seed=made.seed,
            details=made.details,
            sha256=made.sha256,
        )
        picture_id = await self._journal.pictures.add_and_settle(picture, job)
        self._records.pop(picture_id, None)
        if job.frame:
            self.mark_seen(job.frame, picture_id)
        self._stock.add(picture_id, STORE)
        stored = await self.picture(picture_id)
        assert stored is not None
        return stored

    # Scanning

    async def scan(self) -> None:
        """Look at the store and at every library, and take in what is new, changed or gone."""
        async with self._scanning:
            try_again, self._is_some_unread = self._is_some_unread, False
            await self._scan_root(STORE, lambda: scan_store(self.folder), try_again=try_again)
            libraries = self._libraries()
            for root in self._stock.roots() - {STORE, *libraries}:
                _log.info("the pictures of %s are not shown any more: it does not serve", root)
                self._drop_root(root)
            for code, folders in libraries.items():
                await self._scan_root(code, lambda folders=folders: _scan_all(folders()), try_again=try_again)  # type: ignore[misc]  # mypy cannot type a lambda's default

    async def scan_if_changed(self) -> None:
        """Scan when a folder or a file that could not be shown looks different from the last time."""
        broken = await self._journal.pictures.broken()
        look = await self._in_thread(lambda: self._look(broken))
        if look != self._last_look:
            await self.scan()
            self._last_look = look  # what changed while the scan ran is looked at the next time

    def _look(self, broken: list[Picture]) -> tuple[tuple[str, int], ...]:
        paths = [self.folder, self.folder / ORIGINALS, *map(self.path_of, broken)]
        with contextlib.suppress(Exception):  # a stranger's folders() may raise anything; the scan will say so
            paths += [folder for folders in self._libraries().values() for folder in folders()]
        return tuple((str(path), _changed_at(path)) for path in paths)

    async def _scan_root(self, root: str, files: Callable[[], list[Found]], *, try_again: bool) -> None:
        last_id = await self._journal.pictures.last_id()
        try:
            found = await self._in_thread(files)
        except Exception as error:
            self._set_absent(root, f"{error}")
            return
        if not found and await self._journal.pictures.count(root):
            # An empty folder where pictures were is mostly a disk that is not mounted. Nothing is forgotten for it.
            self._set_absent(root, "it is empty now; its pictures are remembered until some are there again")
            return
        result = await self._journal.pictures.take_scan(root, found, self._clock.now(), last_id)
        for picture_id in result.gone:
            self._drop(picture_id)
        for picture_id in (*result.added, *result.changed):
            self._records.pop(picture_id, None)
            self._stock.add(picture_id, root)
        if root in self._left or try_again:
            self.absent.pop(root, None)
            self._left.discard(root)
            for picture_id, known_root in await self._journal.pictures.usable():
                if known_root == root:
                    self._stock.add(picture_id, root)
        if result.added or result.changed or result.gone:
            _log.info(
                "scan of %s: %d new, %d changed, %d gone, %d can be shown",
                root,
                len(result.added),
                len(result.changed),
                len(result.gone),
                self.count(root),
            )

    def _set_absent(self, root: str, reason: str) -> None:
        if root not in self.absent:
            _log.warning("the folder of %s gives no pictures: %s", root, reason)
        self.absent[root] = reason
        self._drop_root(root)

    # Forgetting

    def _drop_root(self, root: str) -> None:
        self._left.add(root)
        for picture_id in list(self._stock.ids(root)):
            self._drop(picture_id)

    def drop(self, picture_ids: list[int]) -> None:
        """These pictures are no longer there."""
        for picture_id in picture_ids:
            self._drop(picture_id)

    def restore(self, pictures: list[Picture]) -> None:
        """These pictures, dropped a moment ago, are to be chosen again after all."""
        for picture in pictures:
            self._stock.add(picture.id, picture.root)

    def _drop(self, picture_id: int) -> None:
        self._stock.remove(picture_id)
        self._records.pop(picture_id, None)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)


def rendition_name(picture: Picture) -> str:
    """Names a picture's renditions; another when the file changed."""
    return f"{picture.id}-{picture.size:x}-{picture.mtime_ns:x}"


def _changed_at(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _scan_all(folders: list[Path]) -> list[Found]:
    return [file for folder in folders for file in scan_library(folder)]
