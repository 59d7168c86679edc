"""What a rendition is, what it is made from, and what may be drawn on it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import aiofiles
from attrs import field, frozen

from imageserver.pictures.open_files import opened
from imageserver.target import Target

if TYPE_CHECKING:
    from PIL.Image import Image


# Letters that are written at once. A whole picture for a frame's panel is one block; of a large one for a tablet a slow
# reader holds no more than this in memory.
_BLOCK = 256 * 1024


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

    @property
    def base64_size(self) -> int:
        """Letters of the picture as base64 text."""
        return (self.size + 2) // 3 * 4

    def base64_at_hand(self, size: int) -> list[bytes] | None:
        """The picture as base64 text in pieces of at most `size` letters; None if it is not to be written at once."""
        if self.base64 is None or len(self.base64) > _BLOCK:
            return None
        return _pieces(self.base64, size)

    async def base64_blocks(self, size: int) -> AsyncGenerator[list[bytes], None]:
        """The picture as base64 text: blocks for one write each, of pieces of at most `size` letters each.

        Raises OSError when the file has gone meanwhile.
        """
        if self.base64 is not None:
            for start in range(0, len(self.base64), _BLOCK):
                yield _pieces(self.base64[start : start + _BLOCK], size)
            return
        assert self.path is not None
        piece = max(3, size // 4 * 3)  # three bytes make four letters, so only the last piece is padded
        block = max(_BLOCK // 4 * 3 // piece, 1) * piece
        # Each call of aiofiles is a trip to another thread, which costs more than the bytes that it brings.
        async with opened(aiofiles.open(self.path, "rb"), lambda file: file.close()) as file:
            data = await file.read(block)
            while len(data) == block:
                yield _pieces(base64.b64encode(data), piece // 3 * 4)
                data = await file.read(block)
        # What a frame takes is one block: while it is read slowly, no file is open for it.
        if data:
            yield _pieces(base64.b64encode(data), piece // 3 * 4)

    async def jpeg(self) -> bytes:
        """The JPEG itself."""
        if self.base64 is not None:
            return base64.b64decode(self.base64)
        assert self.path is not None
        # One trip to a thread, which also closes the file: whoever waits here may be cancelled in the middle.
        return await asyncio.to_thread(self.path.read_bytes)


def _pieces(text: bytes, size: int) -> list[bytes]:
    return [text[start : start + size] for start in range(0, len(text), size)]


@frozen(kw_only=True)
class Order:
    """A rendition that is to be made."""

    key: str
    target: Target
    original: Callable[[], bytes]  # in a thread
    drawing: Drawing | None
    focus: tuple[float, float] | None  # what a crop must keep
