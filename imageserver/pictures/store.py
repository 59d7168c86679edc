"""The store: every picture that can be shown, from the owner, from providers and from libraries.

Files are read and written in threads; ids and laps are in memory, so that choosing a picture waits for no disk.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import TypeVar

from attrs import Factory, define, field, frozen

from imageserver.clock import Clock
from imageserver.errors import JournalUnavailable, PictureBroken, RenditionsBusy
from imageserver.jobs import Job
from imageserver.journal import STORE, Found, Journal, Picture
from imageserver.pictures.originals import find_original, name_for, write_original
from imageserver.pictures.reading import read_original
from imageserver.pictures.rendition import Drawing, Rendition
from imageserver.pictures.renditions import Renditions
from imageserver.pictures.scan import ORIGINALS
from imageserver.pictures.scanning import Scanning
from imageserver.pictures.stock import MemoryStock
from imageserver.pictures.turns import Turns
from imageserver.target import Target

T = TypeVar("T")
_MOST_RECORDS = 4_096  # pictures' records kept in memory
_PATIENCE = 0.3  # seconds for which a start waits for the scan, where there are pictures to show meanwhile

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
    _patience: float | None = _PATIENCE  # None: for ever
    _first_scan: asyncio.Task[None] | None = field(init=False, default=None)
    _preparing: set[asyncio.Future[None]] = field(init=False, factory=set)
    renditions: Renditions
    _drawings: Callable[[Picture, Target], Awaitable[Drawing | None]] = field(default=_nothing_drawn)
    _draws: Callable[[], bool] = field(default=lambda: True)  # whether anything may be drawn on pictures at all
    _scanning: Scanning = field(
        init=False,
        default=Factory(
            lambda self: Scanning(
                folder=self.folder,
                journal=self._journal,
                libraries=self._libraries,
                clock=self._clock,
                executor=self._executor,
                stock=self._stock,
                drop=self.drop,
                renew=self._renew,
            ),
            takes_self=True,
        ),
    )

    async def open(self) -> None:
        """Take everything known from the journal, then look at the folders. Raises OSError without a store.

        Where pictures are known already, a look that takes long goes on behind the start: `scanned` waits for its end.
        """
        await self._in_thread(lambda: (self.folder / ORIGINALS).mkdir(parents=True, exist_ok=True))
        await self._scanning.load()
        await self._turns.open()
        scan = self._first_scan = asyncio.create_task(self.scan(), name="first scan")
        # Without any picture the frames would see a card, and laps would begin with the first few that are found.
        patience = self._patience if self.count(" ".join((STORE, *self._libraries()))) else None
        try:
            await asyncio.wait({scan}, timeout=patience)
        except asyncio.CancelledError:
            await self._end_first_scan()
            raise
        if scan.done():
            scan.result()
            return
        scan.add_done_callback(_say_what_failed)
        _log.info("%d pictures are known; whether they are still there is looked at meanwhile", self.count())

    async def scanned(self) -> None:
        """Return when the scan that began with the start has come to its end, however it ended."""
        if self._first_scan is not None:
            await asyncio.wait({self._first_scan})

    async def close(self) -> None:
        """End a scan, which the next start does again; let renditions that are being made come to their end."""
        await self._end_first_scan()
        if self._preparing:
            await asyncio.wait(self._preparing)
        await self.renditions.close()

    async def _end_first_scan(self) -> None:
        if self._first_scan is not None:
            self._first_scan.cancel()
            await self.scanned()

    # What there is

    def has(self, picture_id: int) -> bool:
        """Whether this picture can be shown."""
        return self._stock.has(picture_id)

    def count(self, scope: str = "") -> int:
        """How many pictures can be shown: all, or those of one root."""
        return self._stock.count(scope)

    async def stored(self) -> int:
        """How many pictures the store's own folder holds, those that no frame is shown too."""
        return self.count(STORE) + await self._journal.pictures.count_unshown(STORE)

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

    def peek(self, frame: str, scope: str = "") -> int | None:
        """The picture that `choose` would give, as far as that is certain. Takes no turn."""
        return self._turns.peek(self._stock, frame, scope)

    def mark_seen(self, frame: str, picture_id: int) -> None:
        """This frame was shown a picture out of turn: its own wish."""
        self._turns.mark_seen(self._stock, frame, picture_id)

    async def set_focus(self, picture: Picture, focus: tuple[float, float] | None) -> None:
        """The owner says what a crop of this picture must keep. Raises JournalUnavailable."""
        await self._journal.pictures.set_focus(picture.id, focus)
        self._records.pop(picture.id, None)
        await self.renditions.forget(picture.version)

    # Showing

    async def rendition(self, picture: Picture, target: Target) -> Rendition | None:
        """The picture at a frame's size, or None when it cannot be shown: then it is never chosen again."""
        path, store = self.path_of(picture), self.folder if picture.root == STORE else None
        try:
            drawing = await self._drawings(picture, target)
            return await self.renditions.get(
                picture.version, target, lambda: read_original(path, store), drawing, picture.focus
            )
        except PictureBroken as error:
            _log.warning("picture %s cannot be shown: %s", path, error)
            await self._set_aside(picture, str(error))
        except FileNotFoundError:
            _log.warning("picture %s is gone", path)
            self._drop(picture.id)
            self._scanning.is_some_unread = True
        except OSError as error:
            _log.warning("picture %s cannot be read: %s", path, error.strerror)
            self._drop(picture.id)
            self._scanning.is_some_unread = True
        return None

    def at_hand(self, picture_id: int, target: Target) -> Rendition | None:
        """A picture's rendition, if memory has all that it takes. Waits for nothing."""
        if not self._stock.has(picture_id) or self._draws():
            return None
        known = self._records.get(picture_id)
        return self.renditions.at_hand(known.version, target) if known else None

    def prepare(self, picture_id: int, target: Target) -> None:
        """Begin to make a rendition that will be asked for soon. Nobody waits, and nothing is lost if it fails."""
        if self.at_hand(picture_id, target) is not None:
            return

        async def make() -> None:
            picture = await self.picture(picture_id)
            if picture is not None:
                await self.rendition(picture, target)

        preparing = asyncio.ensure_future(make())
        self._preparing.add(preparing)
        preparing.add_done_callback(self._prepared)

    def _prepared(self, done: asyncio.Future[None]) -> None:
        self._preparing.discard(done)
        error = None if done.cancelled() else done.exception()
        if error is not None and not isinstance(error, RenditionsBusy):
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
        if job.frame:  # before it is in the stock: a lap that begins now would take it in and show it again
            self.mark_seen(job.frame, picture_id)
        self._stock.remove(picture_id)  # a scan may have seen the file first, and not who made it
        self._stock.add([picture_id], STORE, made.provider or None)
        stored = await self.picture(picture_id)
        assert stored is not None
        return stored

    # Scanning

    async def scan(self) -> None:
        """Look at the store and at every library, and take in what is new, changed or gone."""
        await self._scanning.scan()

    async def scan_if_changed(self) -> None:
        """Scan when a folder or a file that could not be shown looks different; after a long scan, at a later call."""
        await self._scanning.scan_if_changed()

    @property
    def unscanned(self) -> asyncio.Lock:
        """Whoever holds it is alone: a scan waits for its release, and it waits for a scan's end."""
        return self._scanning.turn

    @property
    def absent(self) -> Mapping[str, str]:
        """Roots whose folder gives nothing now, and why."""
        return self._scanning.absent

    # Forgetting

    def drop(self, picture_ids: Sequence[int]) -> None:
        """These pictures are no longer there."""
        for picture_id in picture_ids:
            self._drop(picture_id)

    def restore(self, pictures: list[Picture]) -> None:
        """These pictures, dropped a moment ago, are to be chosen again after all, unless they are hidden."""
        for picture in (one for one in pictures if not one.hidden):
            self._stock.add([picture.id], picture.root, picture.provider)

    def _drop(self, picture_id: int) -> None:
        self._stock.remove(picture_id)
        self._records.pop(picture_id, None)

    def _renew(self, picture_ids: Sequence[int]) -> None:
        for picture_id in picture_ids:
            self._records.pop(picture_id, None)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)


def _say_what_failed(scan: asyncio.Task[None]) -> None:
    if not scan.cancelled() and (error := scan.exception()) is not None:
        _log.error("the scan at the start failed: %s", error)
