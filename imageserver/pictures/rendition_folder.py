"""Renditions on the disk: found there, or made and put there. Everything here blocks and runs in threads."""

from __future__ import annotations

import base64
import contextlib
import logging
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from attrs import frozen

from imageserver.pictures.rendition import Order, Rendition

_MEMORY_FILE_BYTES = 4 * 1024 * 1024  # a rendition above this is never kept in memory

_log = logging.getLogger(__name__)


@frozen
class RenditionFolder:
    """A folder with one below it for each target, and in that one for every hundred pictures.

    So what belongs to a picture is found among few files, however many there are, and pictures that were added one
    after the other, and go one after the other, share a folder.
    """

    _folder: Path

    def find(self, key: str, *, hot: bool) -> Rendition | None:
        """The rendition if it is there whole; with its base64 in memory when it is `hot`."""
        path = self._path_of(key)
        size = _whole_jpeg(path)
        if not size:
            return None
        text = base64.b64encode(path.read_bytes()) if hot and size <= _MEMORY_FILE_BYTES else None
        return Rendition(key=key, size=size, path=path, base64=text)

    def find_or_make(self, order: Order, *, hot: bool) -> Rendition:
        """The rendition, made if it is not there. Raises PictureBroken, and OSError when the original is unreadable."""
        found = self.find(order.key, hot=hot)
        if found is not None:
            return found
        from imageserver import image

        canvas, whole = image.fitted(order.original(), order.target, order.focus), True
        if order.drawing is not None:
            canvas, whole = order.drawing.draw(canvas)
        jpeg = image.encoded(canvas, order.target)
        if not whole:
            return Rendition(key=order.key, size=len(jpeg), path=None, base64=base64.b64encode(jpeg), is_whole=False)
        path = self._path_of(order.key)
        written = self._write(path, jpeg)
        if order.drawing is not None:
            _delete_older_drawings(path)
        text = base64.b64encode(jpeg) if len(jpeg) <= _MEMORY_FILE_BYTES or not written else None
        return Rendition(key=order.key, size=len(jpeg), path=path if written else None, base64=text)

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

    def delete(self, names: Iterable[str]) -> None:
        """Throw away every rendition of these originals."""
        shelves: dict[str, set[str]] = {}
        for name in names:
            shelves.setdefault(_shelf(name), set()).add(name)
        with contextlib.suppress(FileNotFoundError):
            for folder in self._folder.iterdir():
                for shelf, on_it in shelves.items():
                    _delete_in(folder / shelf, on_it)

    def delete_others(self, wanted: set[str]) -> None:
        """Throw away everything but these targets' renditions."""
        with contextlib.suppress(FileNotFoundError):
            for folder in self._folder.iterdir():
                if folder.name not in wanted:
                    shutil.rmtree(folder, ignore_errors=True)

    def _path_of(self, key: str) -> Path:
        target, _, name = key.rpartition("/")
        return self._folder / target / _shelf(name) / f"{name}.jpg"


def _shelf(name: str) -> str:
    """The folder for a picture's renditions: its id, with which the name begins, without the last two digits."""
    return name.partition("-")[0][:-2] or "0"


def _renditions_in(shelf: Path) -> Iterator[tuple[str, str]]:
    """Each rendition's file on a shelf, and the name of its original."""
    for file in os.listdir(shelf):  # noqa: PTH208 - names are all that is wanted, and pathlib makes paths of them
        if file.endswith(".jpg"):
            yield file, file.partition(".")[0]


def _delete_in(shelf: Path, names: set[str]) -> None:
    left = 0
    with contextlib.suppress(OSError):
        for file, name in _renditions_in(shelf):
            if name in names:
                with contextlib.suppress(OSError):
                    (shelf / file).unlink()
            else:
                left += 1
        if not left:
            shelf.rmdir()  # fails where one is just being written, and that is well


def _delete_older_drawings(path: Path) -> None:
    """A picture with yesterday's date on it is of no use: only the newest drawing of each picture is kept."""
    mine = path.name.partition(".")[0]
    with contextlib.suppress(OSError):
        for file, name in _renditions_in(path.parent):
            if name == mine and file not in (path.name, f"{mine}.jpg"):
                path.with_name(file).unlink(missing_ok=True)


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
