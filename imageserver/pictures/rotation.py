"""Keeps the store from growing without end: above a maximum the oldest pictures go until a minimum remains."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import Executor

from attrs import define, field, frozen

from imageserver.clock import Clock
from imageserver.journal import STORE, Journal, Picture
from imageserver.pictures.originals import delete_original
from imageserver.pictures.store import PictureStore, rendition_name

_CONFIRMED = "rotation_confirmed"

_log = logging.getLogger(__name__)


@frozen(kw_only=True)
class Rotated:
    """What a rotation did."""

    stored: int  # pictures in the store before
    deleted: int
    waiting: int = 0  # files of the owner's that wait for a word before they are deleted


@define(kw_only=True, eq=False)
class Rotation:
    """Deletes the oldest pictures of the store. Never one that a frame is still to fetch, never outside the store."""

    _store: PictureStore
    _journal: Journal
    _least: int
    _most: int
    _is_given: bool  # the owner wrote image_amount_max down, and so knows that pictures are deleted
    _clock: Clock
    _executor: Executor
    _turn: asyncio.Lock = field(init=False, factory=asyncio.Lock)
    waiting: int = field(init=False, default=0)

    async def confirm(self) -> Rotated:
        """The owner agrees that files this server did not make are deleted too."""
        await self._journal.notes.put(_CONFIRMED, "yes")
        return await self.run()

    async def run(self) -> Rotated:
        """Count, and delete when there are too many."""
        async with self._turn:
            stored = await self._journal.pictures.count(STORE)
            if stored <= self._most:
                self.waiting = 0
                return Rotated(stored=stored, deleted=0)
            awaited = await self._journal.jobs.awaited_pictures(self._clock.now())
            doomed = await self._journal.pictures.oldest(STORE, stored - self._least, awaited)
            foreign = sum(not picture.is_ours for picture in doomed)
            if foreign and not self._is_given and await self._journal.notes.get(_CONFIRMED) is None:
                self.waiting = foreign
                _log.warning(
                    "rotation waits: %d pictures are stored, more than image_amount_max (%d), and %d of the %d to be "
                    "deleted were not made by this server. Say `imageserver rotate --yes`, or write image_amount_max "
                    "into options.yml",
                    stored,
                    self._most,
                    foreign,
                    len(doomed),
                )
                return Rotated(stored=stored, deleted=0, waiting=foreign)
            self.waiting = 0
            deleted = await self._delete(doomed)
            _log.info("rotation: %d pictures were stored, the %d oldest are deleted", stored, deleted)
            return Rotated(stored=stored, deleted=deleted)

    async def _delete(self, doomed: list[Picture]) -> int:
        # First nobody can choose them any more, then the files go, then the records: a crash in between leaves
        # records without files, which the next scan takes away.
        self._store.drop([picture.id for picture in doomed])
        # A frame may have been given one of them a moment ago; now that nobody is given one, this is the last word.
        awaited = await self._journal.jobs.awaited_pictures(self._clock.now())
        free = [picture for picture in doomed if picture.id not in awaited]
        gone = await asyncio.get_running_loop().run_in_executor(self._executor, self._delete_files, free)
        await self._journal.pictures.forget(picture.id for picture in gone)
        self._store.drop([picture.id for picture in gone])  # a scan may have seen the files until they went
        ids = {picture.id for picture in gone}
        self._store.restore([picture for picture in doomed if picture.id not in ids and picture.broken is None])
        for picture in gone:
            await self._store.renditions.forget(rendition_name(picture))
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
