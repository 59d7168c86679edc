"""What picture files lie in a folder. Plain blocking code: called in a thread."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from imageserver.journal import Found

ENDINGS = (".jpg", ".jpeg", ".png", ".webp")
ORIGINALS = "original"  # the folder of the store in which new pictures are put
SMALLER = "scalable"  # where version 1.04 of the Go server kept each picture once more, at the frame's size
_BY_GO = re.compile(r"f(?P<time>\d{9,10})(?P<original>-orig)?\.jpeg", re.ASCII)


def scan_store(store: Path) -> Iterator[Found]:
    """Pictures directly in the store, in its `original/`, and in `scalable/` those without an original.

    In the order in which the disk gives them, with paths below the store. Raises OSError when a folder cannot be read.
    """
    yield from _pictures_in(store, "")
    if (store / ORIGINALS).is_dir():
        yield from _pictures_in(store / ORIGINALS, f"{ORIGINALS}/")
    if (store / SMALLER).is_dir():
        for file in _pictures_in(store / SMALLER, f"{SMALLER}/"):
            larger = _larger_twin(file.path)
            if larger is None or not _is_plain_file(store / larger):
                yield file


def made_by_go(path: str) -> bool:
    """Whether a file of the store has a name as the Go server gave them."""
    return _BY_GO.fullmatch(path.rpartition("/")[2]) is not None


def smaller_twin(path: str) -> str | None:
    """Where the Go server kept the same picture at the frame's size, if `path` is one of its originals."""
    folder, _, name = path.rpartition("/")
    named = _BY_GO.fullmatch(name)
    return f"{SMALLER}/f{named['time']}.jpeg" if named and named["original"] and folder == ORIGINALS else None


def made_at(file: Found) -> int:
    """Nanoseconds. What the Go server named by the time says more than the file's, which a copy may have changed."""
    named = _BY_GO.fullmatch(file.path.rpartition("/")[2])
    return int(named["time"]) * 10**9 if named else file.mtime_ns


def scan_library(folder: Path) -> Iterator[Found]:
    """Pictures in an owner's folder and all its subfolders, as the disk gives them, with absolute paths.

    Raises OSError when the folder itself cannot be read; an unreadable subfolder is passed over.
    """
    top = folder.resolve(strict=True)
    waiting: list[Path] = []
    yield from _pictures_in(top, f"{top}/", waiting)
    while waiting:
        below = waiting.pop()
        with contextlib.suppress(OSError):
            yield from _pictures_in(below, f"{below}/", waiting)


def _larger_twin(path: str) -> str | None:
    """The original of which `path` would be the smaller copy."""
    named = _BY_GO.fullmatch(path.rpartition("/")[2])
    return f"{ORIGINALS}/f{named['time']}-orig.jpeg" if named and not named["original"] else None


def _is_plain_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def _pictures_in(folder: Path, prefix: str, subfolders: list[Path] | None = None) -> Iterator[Found]:
    with os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name
            if name.startswith("."):
                continue
            try:
                name.encode()  # a name that is no text cannot be kept in the journal
                # a link could lead anywhere, out of the folder that the owner named
                if not name.lower().endswith(ENDINGS) or not entry.is_file(follow_symlinks=False):
                    # what a NAS, a camera or an editor keeps beside the pictures is not for walls
                    if subfolders is not None and name[0] != "@" and entry.is_dir(follow_symlinks=False):
                        subfolders.append(folder / name)
                    continue
                facts = entry.stat(follow_symlinks=False)
            except (OSError, UnicodeEncodeError):
                continue
            yield Found(path=prefix + name, size=facts.st_size, mtime_ns=facts.st_mtime_ns)
