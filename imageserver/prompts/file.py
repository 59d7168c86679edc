"""Reading and writing a file that the owner edits too: whole or not at all, on disk before it counts."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from attrs import frozen

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
    path = path.resolve()
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            _keep_rights(stream.fileno(), path)
            stream.write(text.encode())
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames and removals in a folder durable, where its file system can."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network file systems refuse to sync a folder
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep(path: Path) -> None:
    """Remove temporary files that a writer killed in the middle left beside what the path leads to."""
    path = path.resolve()
    for leftover in path.parent.glob(f".{path.name}.*.tmp"):
        with contextlib.suppress(OSError):
            leftover.unlink()


def _keep_rights(descriptor: int, path: Path) -> None:
    try:
        old = path.stat()
    except FileNotFoundError:
        os.fchmod(descriptor, 0o644)
        return
    new = os.fstat(descriptor)
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        with contextlib.suppress(PermissionError):  # only root may give files away
            os.fchown(descriptor, old.st_uid, old.st_gid)
    os.fchmod(descriptor, old.st_mode & 0o7777)
