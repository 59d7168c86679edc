"""Keeps the store from growing without end: above a maximum the oldest pictures go until a minimum remains."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from concurrent.futures import Executor

from attrs import define, field, frozen

from imageserver.clock import Clock
from imageserver.journal import STORE, Journal, Picture
from imageserver.pictures.originals import delete_original
from imageserver.pictures.scan import made_by_go
from imageserver.pictures.store import PictureStore

_CONFIRMED = "rotation_confirmed"
_AT_ONCE = 500  # pictures; a rotation of very many lets others have the journal between them

_log = logging.getLogger(__name__)


@frozen(kw_only=True)
class Rotated:
    """What a rotation did."""

    stored: int  # pictures in the store before, without favourites
    deleted: int
    waiting: int = 0  # files of the owner's that wait for a word before they are deleted


@define(kw_only=True, eq=False)
class Rotation:
    """Deletes the oldest pictures of the store; no favourite, none that is still to be fetched, none elsewhere."""

    _store: PictureStore
    _journal: Journal
    least: int
    most: int
    is_given: bool  # the owner wrote image_amount_max down, and so knows that pictures are deleted
    _clock: Clock
    _executor: Executor
    _turn: asyncio.Lock = field(init=False, factory=asyncio.Lock)
    waiting: int = field(init=False, default=0)

    async def stored(self) -> int:
        """How many pictures count: those of the store, without favourites."""
        return await self._store.stored() - len(await self._journal.albums.favourites())

    async def confirm(self) -> Rotated:
        """The owner agrees that files this server did not make are deleted too."""
        await self._journal.notes.put(_CONFIRMED, "yes")
        return await self.run()

    async def run(self) -> Rotated:
        """Count, and delete when there are too many."""
        async with self._turn, self._store.unscanned:
            favourites = await self._journal.albums.favourites()
            stored = await self._store.stored() - len(favourites)
            if stored <= self.most:
                self.waiting = 0
                return Rotated(stored=stored, deleted=0)
            awaited = await self._journal.jobs.awaited_pictures(self._clock.now())
            doomed = await self._journal.pictures.oldest(STORE, stored - self.least, awaited | favourites)
            self.waiting = await self._waiting(doomed)
            if self.waiting:
                _log.warning(
                    "rotation waits: %d pictures are stored, more than image_amount_max (%d), and %d of the %d to be "
                    "deleted were not made by this server. Say `imageserver rotate --yes`%s",
                    stored,
                    self.most,
                    self.waiting,
                    len(doomed),
                    "" if self.is_given else ", or write image_amount_max into options.yml",
                )
                return Rotated(stored=stored, deleted=0, waiting=self.waiting)
            deleted = 0
            for some in _slices(doomed):
                deleted += await self._delete(await self._journal.pictures.get_all(some))
            _log.info("rotation: %d pictures were stored, the %d oldest are deleted", stored, deleted)
            return Rotated(stored=stored, deleted=deleted)

    async def _waiting(self, doomed: list[int]) -> int:
        """How many of them are files that this server did not make and that the owner has not agreed to delete."""
        if await self._journal.notes.get(_CONFIRMED) is not None:
            return 0
        foreign, by_go = 0, False
        for some in _slices(doomed):
            for picture in await self._journal.pictures.get_all(some):
                foreign += not picture.is_ours
                by_go = by_go or (not picture.is_ours and made_by_go(picture.path))
        # An options file that came with the pictures of another server was written for that one.
        return 0 if self.is_given and not by_go else foreign

    async def _delete(self, doomed: list[Picture]) -> int:
        # First nobody can choose them any more, then the files go, then the records: a crash in between leaves
        # records without files, which the next scan takes away.
        self._store.drop([picture.id for picture in doomed])
        # A frame may have been given one of them a moment ago; now that nobody is given one, this is the last word.
        awaited = await self._journal.jobs.awaited_pictures(self._clock.now()) | await self._journal.albums.favourites()
        free = [picture for picture in doomed if picture.id not in awaited]
        gone = await asyncio.get_running_loop().run_in_executor(self._executor, self._delete_files, free)
        await self._journal.pictures.forget(picture.id for picture in gone)
        ids = {picture.id for picture in gone}
        self._store.restore([picture for picture in doomed if picture.id not in ids and picture.broken is None])
        await self._store.renditions.forget(*(picture.version for picture in gone))
        return len(gone)

    def _delete_files(self, doomed: list[Picture]) -> list[Picture]:
        gone: list[Picture] = []
        for picture in doomed:
            try:
                if delete_original(self._store.folder, picture.path):
                    gone.append(picture)
                else:
                    _log.warning("rotation: %s is no plain file of the store and stays", picture.path)
            except (OSError, ValueError) as error:  # ValueError: a NUL in the name
                _log.warning("rotation: %s cannot be deleted: %s", picture.path, error)
        return gone


def _slices(doomed: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(doomed), _AT_ONCE):
        yield doomed[start : start + _AT_ONCE]
