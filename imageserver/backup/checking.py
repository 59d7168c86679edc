"""Whether a backup is whole: every file's hash, the journal inside, and that what the journal names is there."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from attrs import frozen

from imageserver.backup.archive import About, name_in
from imageserver.backup.belongings import IMAGES, JOURNAL
from imageserver.backup.reading import BackupBroken, Member, walk
from imageserver.journal import STORE, TRASH, Damaged
from imageserver.journal.copies import counts_in, missing_from, verify

ROOTS = (STORE, TRASH)  # what the journal names in the store


@frozen(kw_only=True)
class Checked:
    """A backup that is whole."""

    about: About
    files: int
    pictures: int  # that its journal names, those of libraries too
    purchases: int


def check_backup(path: Path) -> Checked:
    """Read a backup from end to end. Raises BackupBroken, BackupTooNew, JournalRefused and OSError."""
    files = 0
    with tempfile.TemporaryDirectory(prefix="imageserver-check-") as folder:
        journal = Path(folder, "journal.sqlite")

        def take(member: Member) -> BinaryIO | None:
            nonlocal files
            files += 1
            return journal.open("wb") if member.name == JOURNAL else None

        with Path(folder, "sums").open("w+b") as sums:
            about = walk(path, take, sums)
            pictures, purchases = check_journal(path, journal, Path(folder, "sums"))
    return Checked(about=about, files=files, pictures=pictures, purchases=purchases)


def check_journal(backup: Path, journal: Path, sums: Path) -> tuple[int, int]:
    """Look at the journal out of a backup whose hashes are in `sums`; how many pictures and purchases it names.

    Raises BackupBroken, JournalRefused and OSError.
    """
    if not journal.exists():
        raise BackupBroken(backup, [f"{JOURNAL} is missing"])
    try:
        verify(journal)
        missing = missing_from(journal, ROOTS, pictures_in_sums(sums), most=10)
        counts = counts_in(journal)
    except Damaged as error:
        raise BackupBroken(backup, [f"{JOURNAL} is damaged: {error}"]) from error
    if missing:
        raise BackupBroken(backup, [f"{name!r} is named by the journal and missing" for _id, _root, name in missing])
    return counts


def pictures_in_sums(sums: Path) -> Iterator[tuple[str, str]]:
    """Every file of the store that a list of hashes names, by root and path."""
    with sums.open("rb") as lines:
        for line in lines:
            name = name_in(line)
            if name.startswith(f"{IMAGES}/{TRASH}/"):
                yield TRASH, name.removeprefix(f"{IMAGES}/{TRASH}/")
            elif name.startswith(f"{IMAGES}/"):
                yield STORE, name.removeprefix(f"{IMAGES}/")
