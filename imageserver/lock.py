"""One server for each data folder. The kernel lets go of the lock when the process ends, however it ends."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from pathlib import Path

from imageserver.errors import DataFolderInUse


class DataLock:
    """Held from before the journal is opened until after it is closed."""

    def __init__(self, data: Path) -> None:
        self._path = data / ".lock"
        self._descriptor: int | None = None

    def take(self) -> None:
        """Take the lock. Raises DataFolderInUse at once when another process holds it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                os.close(descriptor)
                raise DataFolderInUse(
                    f"{self._path} cannot be locked ({error.strerror}): the data folder must lie on a file system "
                    "with locks; a network folder often has none"
                ) from None
            holder = _holder(descriptor)
            os.close(descriptor)
            raise DataFolderInUse(
                f"{self._path.parent} is in use by another server (process {holder}): stop that one first, "
                "or give this one a folder of its own with --data"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        self._descriptor = descriptor

    def is_held(self) -> bool:
        """Whether some process holds it now. Changes nothing on the disk."""
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError as error:
            return error.errno in (errno.EWOULDBLOCK, errno.EACCES)
        finally:
            os.close(descriptor)
        return False

    def release(self) -> None:
        """Give the lock back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _holder(descriptor: int) -> str:
    """The process that holds the lock. It writes its number a moment after it has taken it: until then an old one."""
    pause = threading.Event()
    for _ in range(150):
        said = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
        if said.isdigit() and _is_alive(int(said)):
            return said
        pause.wait(0.02)
    return "unknown"


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # somebody else's, but there
        return True
    return True
