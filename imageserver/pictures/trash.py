"""Deleting with a way back: a picture lies in the trash for a week, or until its room is needed.

The journal is told first where the files belong, then they are moved; what a crash cuts off is finished at the next
start, before the first scan. A scan must not see a file on its way, so both take turns.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

from attrs import define, evolve

from imageserver.clock import Clock
from imageserver.errors import PictureNotMoved
from imageserver.journal import STORE, TRASH, Journal, Picture
from imageserver.pictures import trash_folder
from imageserver.pictures.store import PictureStore

T = TypeVar("T")
KEPT = 7 * 24 * 3600.0  # seconds

_log = logging.getLogger(__name__)


@define(kw_only=True, eq=False)
class Trash:
    """Deleted pictures of the store. What lies in a library is the owner's and never moved."""

    _store: PictureStore
    _journal: Journal
    _clock: Clock
    _executor: Executor

    async def open(self) -> None:
        """Finish what was cut off. Before the store's first scan, which would take half a move for something new."""
        for picture in await self._journal.albums.deleted():
            try:
                await self._finish(picture)
            except OSError as error:
                _log.warning("picture %s cannot be moved: %s", picture.path, error)

    async def _finish(self, picture: Picture) -> None:
        folder = self._store.folder
        if picture.root == STORE:  # on its way back
            path = picture.path
            if await self._in_thread(lambda: trash_folder.lying_in(folder, _name(picture), path)) is not None:
                path = await self._in_thread(lambda: trash_folder.free_path(folder, picture.path))
            picture = evolve(picture, path=path)
            await self._note(picture)
            await self._carry_out(picture)
            await self._note(evolve(picture, deleted=None))
        elif not await self._in_thread(lambda: trash_folder.carry_in(folder, picture)) and trash_folder.is_there(
            folder
        ):
            await self._journal.pictures.forget([picture.id])  # somebody has emptied the trash by hand

    async def delete(self, picture: Picture) -> Picture:
        """Move a picture of the store into the trash. Raises PictureNotMoved and JournalUnavailable; it stays then."""
        async with self._store.unscanned:
            now = self._clock.now()
            moved = evolve(picture, root=TRASH, deleted=now)
            moved = evolve(moved, path=f"{_name(moved)}/{picture.path}")
            self._store.drop([picture.id])
            is_moved = False
            try:
                await self._note(moved)
                is_moved = await self._in_thread(lambda: trash_folder.carry_in(self._store.folder, moved))
            except OSError as error:
                await self._note(picture)
                raise PictureNotMoved(f"{picture.path} cannot be moved: {error.strerror or error}") from error
            finally:
                if not is_moved and picture.broken is None:
                    self._store.restore([picture])
            if not is_moved:  # changed or gone a moment ago: the next scan knows more
                await self._note(picture)
                raise PictureNotMoved(f"{picture.path} is not the file that it was")
            return moved

    async def restore(self, picture: Picture) -> Picture:
        """Move a picture back to where it lay, or beside what lies there now.

        Raises PictureNotMoved and JournalUnavailable; it is in the trash then, or on its way at the next start.
        """
        async with self._store.unscanned:
            before = trash_folder.path_before(picture)
            path = await self._in_thread(lambda: trash_folder.free_path(self._store.folder, before))
            back = evolve(picture, root=STORE, path=path)
            await self._note(back)
            try:
                await self._carry_out(back)
            except OSError as error:
                await self._note(picture)
                raise PictureNotMoved(f"{before} cannot be moved: {error.strerror or error}") from error
            if back.broken is None:
                self._store.restore([back])
            back = evolve(back, deleted=None)
            await self._note(back)
            return back

    async def empty(self, most: int) -> int:
        """Delete for good what has lain there for its time, and the oldest where store and trash are above `most`."""
        now = self._clock.now()
        lying = [picture for picture in await self._journal.albums.deleted() if picture.root == TRASH]
        stored = await self._store.stored() - len(await self._journal.albums.favourites())
        too_many = max(0, stored + len(lying) - most)
        doomed = [
            picture for place, picture in enumerate(lying) if place < too_many or (picture.deleted or 0.0) <= now - KEPT
        ]
        gone = 0
        for picture in doomed:
            gone += await self._throw_away(picture)
        known = {picture.path.partition("/")[0] for picture in lying}
        for name in await self._in_thread(lambda: trash_folder.strays(self._store.folder, known, now - KEPT)):
            await self._in_thread(lambda name=name: trash_folder.throw_away(self._store.folder, name))  # type: ignore[misc]  # mypy cannot type a lambda's default
        if gone:
            _log.info("trash: %d pictures are deleted for good", gone)
        return gone

    async def _throw_away(self, picture: Picture) -> bool:
        async with self._store.unscanned:
            now = await self._journal.albums.get(picture.id)
            if now is None or now.path != picture.path:  # it was restored meanwhile
                return False
            name = picture.path.partition("/")[0]
            try:
                await self._in_thread(lambda: trash_folder.throw_away(self._store.folder, name))
            except OSError as error:
                _log.warning("trash: %s cannot be deleted: %s", picture.path, error)
                return False
            await self._journal.pictures.forget([picture.id])
        await self._store.renditions.forget(picture.version)
        return True

    async def _carry_out(self, picture: Picture) -> None:
        await self._in_thread(lambda: trash_folder.carry_out(self._store.folder, _name(picture), picture.path))

    async def _note(self, picture: Picture) -> None:
        await self._journal.albums.move(picture.id, root=picture.root, path=picture.path, deleted=picture.deleted)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)


def _name(picture: Picture) -> str:
    """Its folder in the trash."""
    return trash_folder.name_for(picture.id, picture.deleted or 0.0)
