"""Making a backup: everything into one file beside its final name, verified there, then renamed. Plain blocking code.

The journal was copied first. Pictures that went or moved while the others were copied are looked for where they went;
those that are gone for good are taken out of the copy of the journal, as they are out of the journal itself.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from attrs import frozen

from imageserver.backup.archive import ABOUT, About, Writer
from imageserver.backup.belongings import IMAGES, JOURNAL, Belongings, things
from imageserver.backup.checking import ROOTS, Checked, check_backup, pictures_in_sums
from imageserver.backup.reading import read_about
from imageserver.durable import sync_folder, temporary_for
from imageserver.errors import ImageServerError
from imageserver.journal import STORE, TRASH, Damaged
from imageserver.journal.copies import forget_in, missing_from, verify
from imageserver.version import __version__

_FOR_EACH = 2_048  # bytes that a file takes in the archive beside its own, and in the list of hashes
_RESERVE = 16 * 2**20  # bytes


class CannotBackUp(ImageServerError):
    """A backup cannot be made; the message says why and what to do. Nothing was written."""

    reason = "backup"


@frozen(kw_only=True)
class Made:
    """What is in a new backup."""

    checked: Checked
    size: int  # bytes
    gone: int  # pictures that the journal named and that went before they could be copied


def check_target(target: Path, of: Belongings) -> None:
    """Raise CannotBackUp where no backup can be written to `target`."""
    folder = target.parent
    if not folder.is_dir():
        raise CannotBackUp(f"there is no folder {folder}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise CannotBackUp(f"{folder} is not writable for user {os.getuid()}")
    where = folder.resolve()
    for inside in (of.data, of.images, of.certificates, of.plugins):
        if where.is_relative_to(inside.resolve()):
            raise CannotBackUp(f"{target} lies in {inside}, which is to be backed up: choose a folder outside of it")
    if target.is_symlink() or (target.exists() and not target.is_file()):
        raise CannotBackUp(f"{target} is there already, and is no plain file")
    if target.exists() and target.stat().st_size:
        try:
            read_about(target)
        except ImageServerError:
            raise CannotBackUp(f"{target} is there already, and is no backup: it is not overwritten") from None


def make_backup(target: Path, of: Belongings, journal: Path, *, now: float) -> Made:
    """Write a backup with `journal`, a copy that nobody else uses. It is changed here. `now` in seconds since 1970.

    Raises CannotBackUp, BackupBroken where what was written cannot be read again, and OSError; an older backup at
    `target` stays then.
    """
    check_target(target, of)
    verify(journal)
    _check_room(target, of, journal)
    about = About(
        made=now,
        version=__version__,
        folders={
            "data": str(of.data),
            "images": str(of.images),
            "certs": str(of.certificates),
            "plugins": str(of.plugins),
            **{f"files/{name}": str(path) for name, path in of.files.items()},
        },
        libraries={name: str(path) for name, path in of.libraries.items()},
    )
    with _draft(target) as (file, draft):
        with _sums_of(draft).open("w+b") as sums:
            writer = Writer(file, sums)
            writer.add_bytes(ABOUT, about.written(), mtime=int(now))
            for thing in things(of):
                writer.add_file(thing.name, thing.path)
            sums.flush()
            gone = _look_for_missing(writer, of, journal, _sums_of(draft))
            writer.add_file(JOURNAL, journal)
            writer.finish(mtime=int(now))
        file.flush()
        os.fsync(file.fileno())
        size = file.tell()
        with suppress(OSError, AttributeError):  # what is verified is what the disk gives
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        checked = check_backup(draft)
        draft.rename(target)
    sync_folder(target.parent)
    return Made(checked=checked, size=size, gone=gone)


def _check_room(target: Path, of: Belongings, journal: Path) -> None:
    needed = journal.stat().st_size + _RESERVE
    for thing in things(of):
        with suppress(FileNotFoundError):
            needed += thing.path.stat().st_size + _FOR_EACH
    free = shutil.disk_usage(target.parent).free
    if free < needed:
        raise CannotBackUp(
            f"{target.parent} has {free // 2**20} MiB free, and the backup needs about {needed // 2**20} MiB: "
            "make room, or choose another disk"
        )


@contextmanager
def _draft(target: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """The file as it grows; taken away where it did not become the backup. One that was killed left one: it goes."""
    draft = temporary_for(target)
    descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotBackUp(f"another backup to {target} is being made") from None
        try:
            os.fchmod(descriptor, 0o600)  # it holds keys
            file.truncate(0)
            yield file, draft
        finally:
            _sums_of(draft).unlink(missing_ok=True)
            draft.unlink(missing_ok=True)


def _sums_of(draft: Path) -> Path:
    return draft.with_name(f"{draft.name}.sums")


def _look_for_missing(writer: Writer, of: Belongings, journal: Path, sums: Path) -> int:
    """Add what went from one place to another meanwhile; let the journal forget what is gone. How many those are."""
    try:
        missing = missing_from(journal, ROOTS, pictures_in_sums(sums))
    except Damaged as error:
        raise CannotBackUp(f"the copy of the journal is damaged: {error}") from error
    holds_any = next(pictures_in_sums(sums), None) is not None
    gone = [
        picture_id
        for picture_id, root, path in missing
        if not any(writer.add_file(_name(root, path), place) for place in _places(of.images, picture_id, root, path))
    ]
    if gone and not holds_any:
        raise CannotBackUp(f"the journal names {len(gone)} pictures, and {of.images} holds none: is its disk mounted?")
    if gone:
        forget_in(journal, gone)
    return len(gone)


def _name(root: str, path: str) -> str:
    return f"{IMAGES}/{path}" if root == STORE else f"{IMAGES}/{TRASH}/{path}"


def _places(images: Path, picture_id: int, root: str, path: str) -> Iterator[Path]:
    """Where a picture can have gone."""
    if root == STORE:
        yield images / path
        for folder in sorted((images / TRASH).glob(f"*-{picture_id}")):
            yield folder / path
    else:
        yield images / TRASH / path
        yield images / path.partition("/")[2]
