"""Reading and writing a file that the owner edits too: whole or not at all, on disk before it counts."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from attrs import frozen

from imageserver.durable import temporary_for, write_durably

# A hundred thousand prompts of ordinary length fit; what is larger is not a prompts file.
LARGEST = 32 * 2**20  # bytes


@frozen
class Signature:
    """What changes when a file is edited, replaced or touched; cheap to ask for."""

    modified: int  # nanoseconds
    changed: int  # nanoseconds
    size: int
    inode: int


class NotText(Exception):
    """The bytes of a file are no text to read. `line` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def exists(path: Path) -> bool:
    """Whether something stands there, a symbolic link to nothing included."""
    return os.path.lexists(path)


def signature(path: Path) -> Signature | None:
    """The signature of what the path leads to; None where nothing can be asked for."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return Signature(stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino)


def read(path: Path) -> str:
    """The text of a UTF-8 file with its line ends as they are; raises OSError, NotText."""
    if not path.is_file():  # a pipe would never answer
        raise OSError("is no file" if path.exists() else "leads to nothing")
    with path.open("rb") as stream:
        data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise NotText(1, f"is larger than {LARGEST // 2**20} MiB")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotText(data.count(b"\n", 0, error.start) + 1, "is not in UTF-8") from None


def write(path: Path, text: str) -> None:
    """Put the text where the path leads to (through symbolic links), atomically; raises OSError.

    When this returns the file survives a loss of power. Mode and owner stay as they were.
    """
    write_durably(path.resolve(), text.encode(), keep_rights=True)


def sweep(path: Path) -> None:
    """Remove the temporary file that a writer killed in the middle left beside what the path leads to."""
    with contextlib.suppress(OSError):
        temporary_for(path.resolve()).unlink()
