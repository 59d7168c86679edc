"""options.yml as a file: which one it is, what stands in it, and putting another text in its place."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from pathlib import Path

from attrs import field, frozen

from imageserver.durable import temporary_for, write_durably
from imageserver.errors import OptionsRefused, Problem

NAMES = ("options.yml", "options.yaml")


@frozen(kw_only=True)
class OptionsText:
    """What stands in the owner's file; nothing where there is no file yet."""

    name: str
    raw: bytes = field(default=b"", repr=False)  # may hold a key
    is_there: bool = True

    @property
    def version(self) -> str:
        """Another one for another text."""
        return hashlib.sha256(self.raw).hexdigest()[:16]


def look(data: Path) -> tuple[OptionsText, list[Problem]]:
    """The options file of a data folder, and why there is not exactly one that can be read."""
    found: dict[str, bytes] = {}
    problems = []
    for name in NAMES:
        try:
            found[name] = (data / name).read_bytes()
        except OSError as error:
            absent = isinstance(error, FileNotFoundError | NotADirectoryError)
            if not absent or os.path.islink(data / name):  # noqa: PTH114 - is_symlink raises where this is False
                problems.append(Problem(name, f"cannot be read: {error.strerror}"))
    if len(found) > 1:
        problems.append(Problem(NAMES[1], f"stands beside {NAMES[0]}: keep one of them"))
    for name, raw in found.items():
        return OptionsText(name=name, raw=raw), problems
    return OptionsText(name=NAMES[0], is_there=False), problems


def why_not_writable(data: Path, text: OptionsText) -> str | None:
    """Why the owner's file cannot be changed here, as far as that shows before it is tried; None when it can."""
    path = (data / text.name).resolve()
    if text.is_there and not (os.access(path, os.W_OK) and path.stat().st_mode & 0o222):
        return f"{text.name} is read-only"  # its folder may be writable, but its owner does not want it changed
    if not os.access(path.parent, os.W_OK | os.X_OK):
        return f"the folder of {text.name} is read-only"
    return None


def replace(data: Path, old: OptionsText, raw: bytes) -> None:
    """Put `raw` where `old` was read, whole or not at all. Blocks: call it in a thread.

    Raises OptionsRefused: `changed` when another text stands there by now, `not_writable` when the disk refuses.
    """

    def last_look() -> None:
        now, problems = look(data)
        if problems or (now.name, now.is_there, now.raw) != (old.name, old.is_there, old.raw):
            raise OptionsRefused("changed", f"{old.name} was changed meanwhile: look at it again")

    try:
        if why := why_not_writable(data, old):
            raise OptionsRefused("not_writable", f"{why}: change it by hand, or let this server write to it")
        last_look()
        # what a link leads to is changed, not the link
        write_durably((data / old.name).resolve(), raw, keep_rights=True, last_look=last_look)
    except OSError as error:
        why = error.strerror or str(error)
        if error.errno == errno.EBUSY:  # a container's mount of this one file
            why = "it is mounted by itself and cannot be replaced; mount the folder that it lies in"
        raise OptionsRefused("not_writable", f"{old.name} cannot be written: {why}") from error


def sweep(data: Path) -> None:
    """Remove what a writer that was killed in the middle left behind. Blocks."""
    for name in NAMES:
        with contextlib.suppress(OSError):
            temporary_for((data / name).resolve()).unlink()
