"""The owner's album: every picture that there is, also what no frame is shown, and what the owner says of it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from functools import partial
from pathlib import Path

from attrs import define, evolve, field, frozen

from imageserver.errors import PictureBroken
from imageserver.journal import STORE, TRASH, Journal, Page, Picture, Query
from imageserver.pictures.reading import is_plain, read_original
from imageserver.pictures.rendition import Order
from imageserver.pictures.rendition_folder import RenditionFolder
from imageserver.pictures.store import PictureStore
from imageserver.pictures.trash import Trash
from imageserver.pictures.trash_folder import file_of
from imageserver.target import THUMBNAIL


@frozen(kw_only=True)
class Deleted:
    """What became of a picture that was to be deleted."""

    picture: Picture
    is_hidden_only: bool  # it lies in a folder of the owner's, where nothing is moved or deleted


@define(kw_only=True, eq=False)
class Album:
    """Looks at pictures, and changes what the owner wants changed."""

    _store: PictureStore
    _trash: Trash
    _journal: Journal
    _libraries: Callable[[], Mapping[str, object]]
    _renditions: Path  # where the store keeps its renditions: thumbnails are among them
    _disk: Executor
    _brush: Executor  # for what takes a processor
    # One at a time: a page of thumbnails must not stand in front of a frame that waits for its picture.
    _making: asyncio.Semaphore = field(init=False, factory=lambda: asyncio.Semaphore(1))

    # Looking

    async def page(self, *, after: int | None, count: int, **asked: object) -> Page:
        """Up to `count` pictures, newest first; `asked` are the fields of a Query."""
        query = Query(roots=frozenset(self._roots()), **asked)  # type: ignore[arg-type]  # a Query's own fields
        return await self._journal.albums.page(query, after=after, count=count)

    async def get(self, picture_id: int) -> Picture | None:
        """A picture that can be looked at; None where there is none, or where its library does not serve."""
        picture = await self._journal.albums.get(picture_id)
        return picture if picture is not None and picture.root in {TRASH, *self._roots()} else None

    def path_of(self, picture: Picture) -> Path:
        """Where the file lies."""
        return file_of(self._store.folder, picture) if picture.root == TRASH else self._store.path_of(picture)

    async def may_be_sent(self, picture: Picture) -> bool:
        """Whether the file lies where it belongs, and no link leads to it."""
        looking = partial(is_plain, self.path_of(picture), self._store_of(picture))
        return await asyncio.get_running_loop().run_in_executor(self._disk, looking)

    def _store_of(self, picture: Picture) -> Path | None:
        return self._store.folder if picture.root in (STORE, TRASH) else None

    @staticmethod
    def thumbnail_tag(picture: Picture) -> str:
        """The same for the same thumbnail. Asks no disk."""
        return hashlib.sha256(f"{THUMBNAIL.key}/{picture.version}".encode()).hexdigest()[:24]

    async def thumbnail(self, picture: Picture) -> bytes | None:
        """A small JPEG, None for a picture that cannot be shown.

        Made once and kept beside the frames' renditions, but never in the memory that is kept for these.
        """
        order = Order(
            key=f"{THUMBNAIL.key}/{picture.version}",
            target=THUMBNAIL,
            original=partial(read_original, self.path_of(picture), self._store_of(picture)),
            drawing=None,
            focus=picture.focus,
        )
        folder, loop = RenditionFolder(self._renditions), asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(self._disk, partial(folder.find, order.key, hot=False))
            if found is None:
                async with self._making:
                    found = await loop.run_in_executor(self._brush, partial(folder.find_or_make, order, hot=False))
            return await found.jpeg()
        except PictureBroken as error:
            await self._set_aside(picture, str(error))
        except OSError:  # a disk that is away; the store finds out by itself
            pass
        return None

    async def _set_aside(self, picture: Picture, reason: str) -> None:
        self._store.drop([picture.id])
        await self._journal.pictures.set_broken(picture.id, reason)

    # Changing

    async def mark(self, picture: Picture, *, favourite: bool | None = None, hidden: bool | None = None) -> Picture:
        """Note what the owner says; None changes nothing. Raises JournalUnavailable."""
        await self._journal.albums.mark(picture.id, favourite=favourite, hidden=hidden)
        marked = evolve(
            picture,
            favourite=picture.favourite if favourite is None else favourite,
            hidden=picture.hidden if hidden is None else hidden,
        )
        if marked.hidden:
            self._store.drop([marked.id])
        elif hidden is False and self._can_hang(marked):
            self._store.restore([marked])
        return marked

    async def delete(self, picture: Picture) -> Deleted:
        """Into the trash. Raises PictureNotMoved and JournalUnavailable."""
        if picture.root != STORE:
            return Deleted(picture=await self.mark(picture, hidden=True), is_hidden_only=True)
        return Deleted(picture=await self._trash.delete(picture), is_hidden_only=False)

    async def undelete(self, picture: Picture) -> Picture:
        """Out of the trash again; what was only hidden is shown again. Raises PictureNotMoved, JournalUnavailable."""
        if picture.root == TRASH:
            return await self._trash.restore(picture)
        return await self.mark(picture, hidden=False)

    def _can_hang(self, picture: Picture) -> bool:
        return picture.broken is None and picture.root in self._roots() and picture.root not in self._store.absent

    def _roots(self) -> set[str]:
        return {STORE, *self._libraries()}
