"""Pictures that people bring: looked at before they are kept, kept as if they had been put into the store by hand."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import os
import re
import unicodedata
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import BinaryIO, Literal, TypeVar

from attrs import define, evolve, field, frozen

from imageserver.clock import Clock
from imageserver.durable import sync_folder
from imageserver.errors import JournalUnavailable, PictureBroken, PictureNotMoved
from imageserver.journal import STORE, TRASH, Journal, Picture
from imageserver.pictures.open_files import opened
from imageserver.pictures.scan import ORIGINALS
from imageserver.pictures.store import PictureStore
from imageserver.pictures.trash import Trash
from imageserver.target import THUMBNAIL

T = TypeVar("T")
LARGEST = 64 * 2**20  # bytes of one file: what image.py decodes at most
_ENDINGS = {"jpeg": "jpg", "png": "png", "webp": "webp"}
_DRAFT, _DRAFT_ENDING = ".upload-", ".tmp"  # a scan passes over names with a point in front
_LONGEST_NAME = 80  # bytes of what is kept of the owner's name for it

_log = logging.getLogger(__name__)


@frozen(kw_only=True)
class Brought:
    """What became of one file. `message` says why where it was refused, in English."""

    name: str  # as the owner calls it
    outcome: Literal["added", "known", "restored", "refused"]
    picture: int | None = None
    message: str = ""


class _Refused(Exception):
    """Why a file is not kept."""


@define(kw_only=True, eq=False)
class Uploads:
    """Takes files in, one after the other: a phone that sends a hundred must not fill the memory."""

    _store: PictureStore
    _trash: Trash
    _journal: Journal
    _clock: Clock
    _token: Callable[[int], bytes]
    _disk: Executor
    _brush: Executor  # for what takes a processor
    _keeping: asyncio.Lock = field(init=False, factory=asyncio.Lock)

    async def open(self) -> None:
        """Delete what a crash left half written."""
        await self._in_thread(lambda: _delete_drafts(self._store.folder / ORIGINALS))

    async def take(self, name: str, blocks: AsyncIterator[bytes]) -> Brought:
        """Take one file in. Whatever is wrong with it is said in the answer; `blocks` is read to its end."""
        draft = self._store.folder / ORIGINALS / f"{_DRAFT}{self._token(8).hex()}{_DRAFT_ENDING}"
        try:
            digest = await self._written(draft, blocks)
            async with self._keeping:
                return await self._kept(name, draft, digest)
        except (_Refused, PictureBroken, PictureNotMoved) as error:
            return Brought(name=name, outcome="refused", message=str(error))
        except (OSError, JournalUnavailable) as error:
            _log.error("an uploaded picture cannot be kept: %s", error)
            message = error.strerror if isinstance(error, OSError) else None
            return Brought(name=name, outcome="refused", message=f"it cannot be kept: {message or error}")
        finally:
            await self._in_thread(lambda: draft.unlink(missing_ok=True))

    async def _written(self, draft: Path, blocks: AsyncIterator[bytes]) -> str:
        """Write the blocks down as they come; returns their SHA-256."""
        digest, size = hashlib.sha256(), 0
        wrong: OSError | None = None
        async with opened(self._in_thread(lambda: draft.open("xb")), self._closed) as file:
            async for block in blocks:
                size += len(block)
                if size > LARGEST or wrong is not None:
                    continue  # to its end, for other files may follow behind it
                digest.update(block)
                try:
                    await self._in_thread(lambda block=block: file.write(block))  # type: ignore[misc]  # mypy cannot type a lambda's default
                except OSError as error:
                    wrong = error
            if wrong is None:
                await self._in_thread(file.flush)  # whoever closes it hears nothing
        if wrong is not None:
            raise wrong
        if size > LARGEST:
            raise _Refused(f"it is larger than {LARGEST // 2**20} MB")
        if size == 0:
            raise _Refused("it is empty")
        return digest.hexdigest()

    async def _closed(self, file: BinaryIO) -> None:
        with contextlib.suppress(OSError):
            await self._in_thread(file.close)

    async def _kept(self, name: str, draft: Path, digest: str) -> Brought:
        known = await self._with_bytes(draft, digest)
        if known is not None and known.root == TRASH:
            back = await self._trash.restore(known)
            return Brought(name=name, outcome="restored", picture=back.id)
        if known is not None:
            return Brought(name=name, outcome="known", picture=known.id)
        ending = await self._in_brush(lambda: _checked(draft))
        now = self._clock.now()
        path = f"{ORIGINALS}/u{int(now)}-{digest[:12]}{_cleaned(name)}.{ending}"
        facts = await self._in_thread(lambda: _put(draft, self._store.folder / path))
        picture = Picture(
            id=0,
            root=STORE,
            path=path,
            size=facts.st_size,
            mtime_ns=facts.st_mtime_ns,
            first_seen=now,
            sha256=digest,
        )
        try:
            picture = evolve(picture, id=await self._journal.albums.add(picture))
        except JournalUnavailable:  # or the next scan would find what the answer says is not kept
            await self._in_thread(lambda: (self._store.folder / path).unlink(missing_ok=True))
            raise
        self._store.restore([picture])
        _log.info("picture %d was uploaded: %s", picture.id, path)
        return Brought(name=name, outcome="added", picture=picture.id)

    async def _with_bytes(self, draft: Path, digest: str) -> Picture | None:
        """The picture that has these bytes already. Files put there by hand are read for that, if their size fits."""
        size = (await self._in_thread(draft.stat)).st_size
        for picture in await self._journal.albums.unhashed(size):
            with contextlib.suppress(OSError):
                path = self._store.path_of(picture)
                await self._journal.albums.set_hash(picture, await self._in_thread(lambda path=path: _digest(path)))  # type: ignore[misc]  # mypy cannot type a lambda's default
        return await self._journal.albums.with_bytes(digest)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._disk, work)

    async def _in_brush(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._brush, work)


def _checked(draft: Path) -> str:
    """Decode a picture as a test; HEIC becomes JPEG in its place. Returns its ending. Raises PictureBroken, OSError."""
    from imageserver import heif, image  # bring Pillow with them

    data = draft.read_bytes()
    if heif.is_heif(data[:12]):
        data = heif.as_jpeg(data)
        draft.write_bytes(data)
    picture_format = image.identify(data).format
    image.fitted(data, THUMBNAIL)  # decodes all of it
    return _ENDINGS[picture_format]


def _put(draft: Path, target: Path) -> os.stat_result:
    """Give the draft its name; returns when that is on the disk. Raises OSError."""
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.chmod(0o644)
    draft.rename(target)
    sync_folder(target.parent)
    return target.stat()


def _cleaned(name: str) -> str:
    """What is kept of the owner's name for a file: letters, digits and hyphens, one in front. May be empty."""
    stem = unicodedata.normalize("NFC", re.split(r"[/\\]", name)[-1]).rpartition(".")[0]
    words = "-".join(re.findall(r"[^\W_]+", stem))
    kept = words.encode("utf-8", "ignore")[:_LONGEST_NAME].decode("utf-8", "ignore").strip("-")
    return f"-{kept}" if kept else ""


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _delete_drafts(folder: Path) -> None:
    for draft in folder.glob(f"{_DRAFT}*{_DRAFT_ENDING}"):
        with contextlib.suppress(OSError):
            draft.unlink()
