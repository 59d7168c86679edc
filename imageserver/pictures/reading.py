"""Reading an original, and nothing else: a link in its place leads nowhere. Plain blocking code: called in a thread.

A scan passes links over. But what was a picture when it was scanned may be a link when it is shown, and whoever can
write into a shared folder shall not read the rest of the disk by it.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from imageserver.errors import PictureBroken
from imageserver.pictures.scan import ORIGINALS, SMALLER

_MOST_BYTES = 64 * 1024 * 1024
# A pipe that was put there would be waited for, for ever.
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def read_original(path: Path, store: Path | None = None) -> bytes:
    """An original's bytes. Raises PictureBroken for a file that is too large, OSError for one that cannot be read.

    `store` as of `is_plain`.
    """
    if not is_plain(path, store):
        path.lstat()  # one that is gone is gone; that is another error
        raise OSError(errno.ELOOP, "it is no plain file, or lies behind a link")
    with open(os.open(path, _FLAGS), "rb") as file:  # noqa: PTH123 - of a descriptor
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise OSError(errno.ELOOP, "it is no plain file")
        if facts.st_size > _MOST_BYTES:
            raise PictureBroken(f"the file is larger than {_MOST_BYTES // 1024 // 1024} MiB")
        return file.read()


def is_plain(path: Path, store: Path | None) -> bool:
    """Whether this is a file, and neither it nor a folder on the way to it is a link.

    The owner's own links are allowed: `store`, and in it the two folders of originals, may lie on a larger disk. None
    for a file of a library, whose path was free of links when it was scanned. Raises OSError.
    """
    base, rest = Path("/"), path.parent.parts[1:]
    if store is not None:
        base, rest = store, path.parent.relative_to(store).parts
        if rest and rest[0] in (ORIGINALS, SMALLER):
            base, rest = store / rest[0], rest[1:]
    if os.path.realpath(path.parent) != os.path.join(os.path.realpath(base), *rest):  # noqa: PTH118 - as the other side
        return False
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except FileNotFoundError:
        return False
