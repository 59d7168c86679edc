"""Putting a backup back: unpacked beside its place and verified there, before anything of what is there is touched.

Plain blocking code, under the lock of the data folder.
"""

from __future__ import annotations

import filecmp
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from attrs import define, field, frozen

from imageserver.backup.archive import About
from imageserver.backup.belongings import CERTIFICATES, DATA, FILES, IMAGES, PLUGINS, RESTORED_FILES
from imageserver.backup.checking import check_journal
from imageserver.backup.moves import STAGE, Plan, finish, is_cut_off, sweep
from imageserver.backup.pointing import point
from imageserver.backup.reading import BackupBroken, Member, read_about, walk
from imageserver.config.folders import default_certificates, default_images, default_plugins
from imageserver.errors import ImageServerError
from imageserver.journal.copies import with_note
from imageserver.journal.opening import COPIED, UNCONFIRMED
from imageserver.lock import DataLock

_NOTHING = (".lock", STAGE, "lost+found")  # a folder with no more than these is empty
_OPTIONS = {IMAGES: "image_path", CERTIFICATES: "cert_path", PLUGINS: "plugins_dir"}


class CannotRestore(ImageServerError):
    """A backup cannot be put there; the message says why and what to do. Nothing was changed."""

    reason = "restore"


@frozen(kw_only=True)
class Places:
    """Where the parts of a backup go. All paths are absolute."""

    data: Path
    images: Path
    certificates: Path
    plugins: Path

    @classmethod
    def around(cls, data: Path, images: Path | None) -> Places:
        """Beside a data folder, as a server looks for them that is told nothing else."""
        return cls(
            data=data,
            images=images or default_images(data),
            certificates=default_certificates(data),
            plugins=default_plugins(data),
        )

    def of(self, top: str) -> Path:
        """The folder of one part."""
        return {
            DATA: self.data,
            IMAGES: self.images,
            CERTIFICATES: self.certificates,
            PLUGINS: self.plugins,
            FILES: self.data / RESTORED_FILES,
        }[top]


@frozen(kw_only=True)
class Restored:
    """What was done."""

    about: About
    files: int
    pictures: int
    aside: tuple[Path, ...]  # where what was there before is now
    remarks: tuple[str, ...]


def restore(backup: Path, places: Places, *, force: bool, now: datetime) -> Restored:
    """Put a backup there. With `force` what is there already is moved aside first.

    Raises CannotRestore, BackupBroken, BackupTooNew, DataFolderInUse, JournalRefused and OSError; nothing has changed
    then. Killed in between, nothing has changed, or the next start finishes it.
    """
    read_about(backup)  # before a folder is made for what is no backup
    was_there, was_locked = places.data.is_dir(), (places.data / ".lock").exists()
    lock = DataLock(places.data)
    lock.take()
    is_done = False
    try:
        if is_cut_off(places.data):
            finish(places.data)
        _refuse_what_is_there(places, force=force)
        restored = _Restoring(backup=backup, places=places, force=force, now=now).run()
        is_done = True
        return restored
    finally:
        with suppress(OSError):
            if not is_done and not was_locked:
                (places.data / ".lock").unlink()
            if not is_done and not was_there:
                places.data.rmdir()
        lock.release()


def _refuse_what_is_there(places: Places, *, force: bool) -> None:
    for folder in (places.data, places.images):
        if folder.exists() and not folder.is_dir():
            raise CannotRestore(f"{folder} is no folder")
        if not force and any(_existing(folder)):
            raise CannotRestore(
                f"{folder} is not empty: name another folder, or say --force, and what is there is moved into a folder "
                "inside of it"
            )


def _existing(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (one for one in sorted(folder.iterdir()) if one.name not in _NOTHING)


@define(kw_only=True)
class _Restoring:
    backup: Path
    places: Places
    force: bool
    now: datetime
    plan: Plan = field(factory=Plan)
    files: int = 0
    _roots: dict[str, Path] = field(init=False, factory=dict)  # by part, the folder in whose stage it is unpacked
    _tops: set[str] = field(init=False, factory=set)  # parts that the backup has
    _made: list[Path] = field(init=False, factory=list)  # folders that were not there before

    def run(self) -> Restored:
        is_done = False
        try:
            self._make_stages()
            _check_room(self.backup, [self.places.data, *self._roots.values()])
            sums = self.places.data / STAGE / "sums"
            with sums.open("w+b") as file:
                about = walk(self.backup, self._take, file)
                journal = self._staged("data/journal.sqlite")
                pictures, _ = check_journal(self.backup, journal, sums)
                # What was open when the backup was made may be paid for by now, and would be bought once more.
                with_note(journal, journal, (UNCONFIRMED, COPIED))
            remarks = self._point(about)
            aside = self._plan_moves()
            self.plan.commit(self.places.data)
            is_done = True
        finally:
            if not is_done:
                sweep(self.places.data, *self._roots.values())
                for folder in reversed(self._made):
                    with suppress(OSError):
                        folder.rmdir()
        finish(self.places.data)
        return Restored(about=about, files=self.files, pictures=pictures, aside=tuple(aside), remarks=tuple(remarks))

    def _make_stages(self) -> None:
        """A stage in the data folder, and one in each folder outside of it, on its own disk: a rename will do."""
        data = self.places.data
        self._roots = {
            top: data if self.places.of(top).is_relative_to(data) else self.places.of(top)
            for top in (DATA, IMAGES, CERTIFICATES, PLUGINS, FILES)
        }
        for root in (data, self.places.images):
            self._stage_in(root)

    def _stage_in(self, root: Path) -> Path:
        """The stage in a folder that is not inside of the data folder, or in that."""
        if root != self.places.data and root.is_relative_to(self.places.data):
            root = self.places.data
        stage = root / STAGE
        if stage not in self.plan.stages:
            try:
                for folder in reversed([one for one in (root, *root.parents) if not one.exists()]):
                    folder.mkdir()
                    self._made.append(folder)
                sweep(root)
                stage.mkdir(mode=0o700)
            except OSError as error:
                raise CannotRestore(f"{root} cannot be written to: {error.strerror or error}") from error
            self.plan.stages.append(stage)
        return stage

    def _staged(self, name: str) -> Path:
        """Where a member is unpacked. Its name was judged; no link can lie in a stage."""
        top, _, below = name.partition("/")
        place = self.places.of(top)
        root = self._roots[top]
        return self._stage_in(root) / "new" / os.path.relpath(place, root) / below

    def _take(self, member: Member) -> BinaryIO:
        path = self._staged(member.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open(path, flags, (member.mode & 0o777) | 0o600)
        except FileExistsError:
            raise BackupBroken(self.backup, [f"{member.name!r} is in it twice"]) from None
        self.files += 1
        self._tops.add(member.name.partition("/")[0])
        return _Unpacked(descriptor, member.mtime_ns)  # type: ignore[return-value]  # it has what is used of one

    def _point(self, about: About) -> list[str]:
        places = {option: self.places.of(top) for top, option in _OPTIONS.items()}
        beside = Places.around(self.places.data, None)
        defaults = {option: beside.of(top) for top, option in _OPTIONS.items()}
        # One without certificates or plugins is not told where they would be.
        for top, option in _OPTIONS.items():
            if top != IMAGES and top not in self._tops:
                del places[option]
        files = self._staged(f"{FILES}/")
        if (files / "password_file").exists():
            places["password_file"] = self.places.of(FILES) / "password_file"
            defaults["password_file"] = self.places.of(FILES) / "password_file"
        remarks = point(self._staged(f"{DATA}/"), self.places.data, places, defaults, self.now)
        for file in sorted(files.iterdir()) if files.is_dir() else ():
            if file.name != "password_file":
                remarks.append(
                    f"{file.name} named {about.folders.get(f'files/{file.name}', 'a file elsewhere')}: "
                    f"its copy is {self.places.of(FILES) / file.name}"
                )
        remarks += [f"not in the backup: the folder {folder} of {name}" for name, folder in about.libraries.items()]
        return remarks

    def _plan_moves(self) -> list[Path]:
        """First what is there goes aside, then what is new comes in."""
        stamp, number = f"before-restore-{self.now:%Y-%m-%d-%H%M%S}", 1
        while any(list(stage.parent.glob(f"*{stamp}")) for stage in self.plan.stages):
            number += 1
            stamp = f"before-restore-{self.now:%Y-%m-%d-%H%M%S}-{number}"
        aside: list[Path] = []
        for stage in self.plan.stages:
            root, new = stage.parent, stage / "new"
            is_merged = root in (self.places.certificates, self.places.plugins)
            coming = sorted(new.iterdir()) if new.is_dir() else []
            if is_merged:
                coming = [one for one in coming if not _is_same(one, root / one.name)]
            leaving = [root / one.name for one in coming] if is_merged else list(_existing(root))
            leaving = [one for one in leaving if os.path.lexists(one)]
            if leaving and not self.force:
                names = ", ".join(str(one) for one in leaving[:5])
                raise CannotRestore(f"{names}: there already, and different; say --force, and it is moved aside")
            for one in leaving:
                to = root / f"{one.name}.{stamp}" if is_merged else root / stamp / one.name
                self.plan.moves.append((one, to))
                aside += [to] if is_merged else ([root / stamp] if root / stamp not in aside else [])
            self.plan.moves += [(one, root / one.name) for one in coming]
        return aside


def _check_room(backup: Path, folders: list[Path]) -> None:
    needed = backup.stat().st_size
    for folder in folders:
        place = next(one for one in (folder, *folder.parents) if one.exists())
        free = shutil.disk_usage(place).free
        if free < needed:
            raise CannotRestore(
                f"{place} has {free // 2**20} MiB free, and the backup takes up to {needed // 2**20} MiB there"
            )


def _is_same(new: Path, old: Path) -> bool:
    """Whether two files, or two folders with all that is in them, are the same."""
    if not old.exists() or new.is_dir() != old.is_dir():
        return False
    if new.is_file():
        return filecmp.cmp(new, old, shallow=False)
    compared = filecmp.dircmp(new, old, ignore=["__pycache__"])
    if compared.left_only or compared.right_only or compared.funny_files:
        return False
    return all(_is_same(new / name, old / name) for name in compared.common)


class _Unpacked:
    """A file that is written, and then gets the time of change that it had."""

    def __init__(self, descriptor: int, mtime_ns: int) -> None:
        self._descriptor, self._mtime_ns = descriptor, mtime_ns

    def write(self, data: bytes) -> None:
        """Write all of it."""
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]

    def close(self) -> None:
        """No more is written."""
        try:
            os.utime(self._descriptor, ns=(self._mtime_ns, self._mtime_ns))
        finally:
            os.close(self._descriptor)
