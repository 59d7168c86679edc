"""What picture files lie in a folder. Plain blocking code: called in a thread."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from imageserver.journal import Found

ENDINGS = (".jpg", ".jpeg", ".png", ".webp")
ORIGINALS = "original"  # the folder of the store in which new pictures are put


def scan_store(store: Path) -> list[Found]:
    """Pictures directly in the store and in its `original/`, oldest file first, with paths below the store.

    Raises OSError when the store cannot be read.
    """
    found = list(_pictures_in(store, ""))
    if (store / ORIGINALS).is_dir():
        found += _pictures_in(store / ORIGINALS, f"{ORIGINALS}/")
    return _oldest_first(found)


def scan_library(folder: Path) -> list[Found]:
    """Pictures in an owner's folder and all its subfolders, oldest file first, with absolute paths.

    Raises OSError when the folder itself cannot be read; an unreadable subfolder is passed over.
    """
    top = folder.resolve(strict=True)
    found = list(_pictures_in(top, f"{top}/"))
    for place, folders, _files in os.walk(top):
        # what a NAS, a camera or an editor keeps beside the pictures is not for walls
        folders[:] = sorted(name for name in folders if not name.startswith((".", "@")))
        for name in folders:
            if not Path(place, name).is_symlink():
                found += _passing_over(Path(place, name))
    return _oldest_first(found)


def _passing_over(folder: Path) -> list[Found]:
    try:
        return list(_pictures_in(folder, f"{folder}/"))
    except OSError:
        return []


def _pictures_in(folder: Path, prefix: str) -> Iterator[Found]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or not entry.name.lower().endswith(ENDINGS):
                continue
            try:
                # a link could lead anywhere, out of the folder that the owner named
                if not entry.is_file(follow_symlinks=False):
                    continue
                facts = entry.stat(follow_symlinks=False)
                entry.name.encode()  # a name that is no text cannot be kept in the journal
            except (OSError, UnicodeEncodeError):
                continue
            yield Found(path=prefix + entry.name, size=facts.st_size, mtime_ns=facts.st_mtime_ns)


def _oldest_first(found: list[Found]) -> list[Found]:
    return sorted(found, key=lambda file: (file.mtime_ns, file.path))
