"""Writing a file so that a crash leaves the old one or the new one, whole. Plain blocking code: called in a thread."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path


def write_durably(
    path: Path,
    data: bytes,
    *,
    mode: int = 0o644,
    keep_rights: bool = False,
    last_look: Callable[[], None] | None = None,
) -> None:
    """Put `data` at `path`; returns when it and its name are on the disk. Raises OSError, the old file untouched.

    With `keep_rights` the mode and owner of a file that is there already stay as they are. One writer at a time.
    `last_look` is called right before the new file takes the place of the old one; what it raises prevents that.
    """
    temporary = temporary_for(path)
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "wb") as file:
            if keep_rights:
                _take_rights(file.fileno(), path)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if last_look is not None:
            last_look()
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def temporary_for(path: Path) -> Path:
    """What stands beside `path` while it is written, and after a crash in the middle of that."""
    return path.with_name(f".{path.name}.tmp")


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where its file system can."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with contextlib.suppress(OSError):  # some network file systems refuse to sync a folder
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _take_rights(descriptor: int, path: Path) -> None:
    try:
        old = path.stat()
    except FileNotFoundError:
        return
    new = os.fstat(descriptor)
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        with contextlib.suppress(PermissionError):  # only root may give files away
            os.fchown(descriptor, old.st_uid, old.st_gid)
    os.fchmod(descriptor, old.st_mode & 0o7777)
