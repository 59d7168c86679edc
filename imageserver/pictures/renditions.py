"""Pictures at a frame's size: made once, kept on disk and, the hot ones, in memory as finished base64.

All of it can be thrown away at any time; it is made again from the originals.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import os
import shutil
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING

import aiofiles
from attrs import define, field, frozen

from imageserver.errors import PictureBroken
from imageserver.target import Target

if TYPE_CHECKING:
    from PIL.Image import Image

_HOT_BYTES = 24 * 1024 * 1024  # of base64 in memory: a few hundred pictures at 320×480
_MEMORY_FILE_BYTES = 4 * 1024 * 1024  # a rendition above this is never kept in memory
_REMEMBERED_COLD = 4096  # names of renditions that were streamed from disk once; at the second time they become hot
_MOST_ORIGINAL_BYTES = 64 * 1024 * 1024

_log = logging.getLogger(__name__)


@frozen(kw_only=True)
class Drawing:
    """What is drawn on a picture at a frame's size before it becomes a JPEG."""

    key: str  # the same drawing on the same picture has the same key; a part of a file's name
    draw: Callable[[Image], tuple[Image, bool]]  # in a thread; False: not all of it could be drawn


@frozen(kw_only=True)
class Rendition:
    """A JPEG of exactly a frame's size. It lies in memory, on disk, or both."""

    key: str  # the same bytes have the same key
    size: int  # bytes of the JPEG
    path: Path | None
    base64: bytes | None = field(default=None, repr=False)
    is_whole: bool = True  # False: something is missing on it, so it is shown once and not kept

    async def base64_chunks(self, size: int) -> AsyncIterator[bytes]:
        """The picture as base64 text in pieces of `size` bytes. Raises OSError when the file has gone meanwhile."""
        if self.base64 is not None:
            whole = memoryview(self.base64)
            for start in range(0, len(whole), size):
                yield bytes(whole[start : start + size])
            return
        assert self.path is not None
        block = max(3, size // 4 * 3)  # three bytes make four letters, so only the last piece is padded
        async with aiofiles.open(self.path, "rb") as file:
            while data := await file.read(block):
                yield base64.b64encode(data)

    async def jpeg(self) -> bytes:
        """The JPEG itself."""
        if self.base64 is not None:
            return base64.b64decode(self.base64)
        assert self.path is not None
        async with aiofiles.open(self.path, "rb") as file:
            return await file.read()


@define
class _Hot:
    """The renditions in memory, the ones used last at the end."""

    renditions: OrderedDict[str, Rendition] = field(factory=OrderedDict)
    bytes: int = 0

    def get(self, key: str) -> Rendition | None:
        found = self.renditions.get(key)
        if found is not None:
            self.renditions.move_to_end(key)
        return found

    def keep(self, rendition: Rendition) -> None:
        self.drop(rendition.key)
        self.renditions[rendition.key] = rendition
        self.bytes += len(rendition.base64 or b"")
        while self.bytes > _HOT_BYTES:
            self.drop(next(iter(self.renditions)))

    def drop(self, key: str) -> None:
        dropped = self.renditions.pop(key, None)
        if dropped is not None:
            self.bytes -= len(dropped.base64 or b"")


class Renditions:
    """Gives renditions, making each at most once at a time."""

    def __init__(self, folder: Path, executor: Executor) -> None:
        self._folder = folder
        self._executor = executor
        self._hot = _Hot()
        self._making: dict[str, asyncio.Future[Rendition]] = {}
        self._streamed: OrderedDict[str, None] = OrderedDict()

    async def get(
        self, name: str, target: Target, original: Callable[[], bytes], drawing: Drawing | None = None
    ) -> Rendition:
        """The rendition called `name` (an original's identity, without a point) for `target`.

        `original` reads the original, in a thread. Raises PictureBroken when it cannot be shown, OSError when it
        cannot be read.
        """
        key = f"{target.key}/{name}.{drawing.key}" if drawing else f"{target.key}/{name}"
        hot = self._hot.get(key)
        if hot is not None:
            return hot
        making = self._making.get(key)
        if making is None:
            # The future, not the caller, owns the work: one frame that gives up must not spoil it for the others.
            making = asyncio.ensure_future(self._make(key, target, original, drawing))
            self._making[key] = making
            making.add_done_callback(lambda done: self._made(key, done))
        return await asyncio.shield(making)

    async def forget(self, name: str) -> None:
        """Throw away every rendition of one original."""
        for key in [key for key in self._hot.renditions if _is_of(name, key)]:
            self._hot.drop(key)
        await asyncio.get_running_loop().run_in_executor(self._executor, self._delete, name)

    async def keep_only(self, targets: list[Target]) -> None:
        """Throw away the renditions of sizes and settings that no frame has any more."""
        wanted = {target.key for target in targets}
        await asyncio.get_running_loop().run_in_executor(self._executor, self._delete_others, wanted)

    async def close(self) -> None:
        """Let what is being made come to its end."""
        if self._making:
            await asyncio.wait(self._making.values())

    def _made(self, key: str, done: asyncio.Future[Rendition]) -> None:
        del self._making[key]
        if not done.cancelled():
            done.exception()  # every caller may have gone; the error was theirs

    async def _make(
        self, key: str, target: Target, original: Callable[[], bytes], drawing: Drawing | None
    ) -> Rendition:
        rendition = await asyncio.get_running_loop().run_in_executor(
            self._executor, self._find_or_make, key, target, original, drawing, key in self._streamed
        )
        if not rendition.is_whole:
            return rendition
        if rendition.base64 is not None:
            self._hot.keep(rendition)
            self._streamed.pop(key, None)
        else:
            self._streamed[key] = None
            if len(self._streamed) > _REMEMBERED_COLD:
                self._streamed.popitem(last=False)
        return rendition

    # Below here: threads.

    def _find_or_make(
        self, key: str, target: Target, original: Callable[[], bytes], drawing: Drawing | None, hot: bool
    ) -> Rendition:
        path = self._folder / f"{key}.jpg"
        size = _whole_jpeg(path)
        if size:
            text = base64.b64encode(path.read_bytes()) if hot and size <= _MEMORY_FILE_BYTES else None
            return Rendition(key=key, size=size, path=path, base64=text)
        from imageserver import image

        canvas, whole = image.fitted(original(), target), True
        if drawing is not None:
            canvas, whole = drawing.draw(canvas)
        jpeg = image.encoded(canvas, target)
        if not whole:
            return Rendition(key=key, size=len(jpeg), path=None, base64=base64.b64encode(jpeg), is_whole=False)
        written = self._write(path, jpeg)
        if drawing is not None:
            _delete_older_drawings(path)
        text = base64.b64encode(jpeg) if len(jpeg) <= _MEMORY_FILE_BYTES or not written else None
        return Rendition(key=key, size=len(jpeg), path=path if written else None, base64=text)

    def _write(self, path: Path, jpeg: bytes) -> bool:
        temporary = path.with_name(f"{path.name}.tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(jpeg)
            temporary.replace(path)
        except OSError as error:  # a full disk: the frame is served from memory
            with contextlib.suppress(OSError):
                temporary.unlink()
            _log.warning("renditions: %s cannot be kept: %s", path.name, error)
            return False
        return True

    def _delete(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            for folder in self._folder.iterdir():
                for path in (folder / f"{name}.jpg", *folder.glob(f"{name}.*.jpg")):
                    with contextlib.suppress(OSError):
                        path.unlink()

    def _delete_others(self, wanted: set[str]) -> None:
        with contextlib.suppress(FileNotFoundError):
            for folder in self._folder.iterdir():
                if folder.name not in wanted:
                    shutil.rmtree(folder, ignore_errors=True)


def _is_of(name: str, key: str) -> bool:
    return key.rpartition("/")[2].partition(".")[0] == name


def _delete_older_drawings(path: Path) -> None:
    """A picture with yesterday's date on it is of no use: only the newest drawing of each picture is kept."""
    name = path.name.partition(".")[0]
    for other in path.parent.glob(f"{name}.*.jpg"):
        if other != path:
            with contextlib.suppress(OSError):
                other.unlink()


def read_original(path: Path) -> bytes:
    """An original's bytes. Raises PictureBroken for a file that is too large to be one, OSError when unreadable."""
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size > _MOST_ORIGINAL_BYTES:
            raise PictureBroken(f"the file is larger than {_MOST_ORIGINAL_BYTES // 1024 // 1024} MiB")
        return file.read()


def _whole_jpeg(path: Path) -> int:
    """The size of the JPEG, 0 when it is not there or was cut short: renditions are written without a flush."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size < 4 or file.read(2) != b"\xff\xd8":
                return 0
            file.seek(-2, os.SEEK_END)
            return size if file.read(2) == b"\xff\xd9" else 0
    except OSError:
        return 0
