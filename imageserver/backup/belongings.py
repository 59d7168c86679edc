"""What belongs into a backup, and under which name. Only looks; plain blocking code.

Everything in the data folder but what is made again by itself; of the store what the server looks at; plugins,
certificates, and single files that options name elsewhere. Libraries are the owner's own and are named only.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from attrs import field, frozen

from imageserver.config.folders import find_checkout
from imageserver.pictures.scan import ORIGINALS, SMALLER
from imageserver.pictures.trash_folder import FOLDER as TRASH_FOLDER

DATA, IMAGES, CERTIFICATES, PLUGINS, FILES = "data", "images", "certs", "plugins", "files"
RESTORED_FILES = "restored-files"  # in the data folder: where a restore puts FILES
JOURNAL = f"{DATA}/journal.sqlite"
# Of the data folder: what is made anew, what belongs to one running server, what a restore works with.
_LEFT_OUT = ("renditions", ".lock", "server.json", ".restore", "lost+found")
_LEFT_OUT_BEGINNINGS = ("journal.sqlite", ".journal-", "before-restore-")  # the journal itself comes as a copy


@frozen(kw_only=True)
class Belongings:
    """Where an installation keeps its things. All paths are absolute."""

    data: Path
    images: Path
    certificates: Path
    plugins: Path
    log_file: Path | None = None  # its folder may lie inside
    files: Mapping[str, Path] = field(factory=dict)  # single files elsewhere, by the option that names them
    libraries: Mapping[str, Path] = field(factory=dict)  # folders that are not copied, by provider


@frozen(kw_only=True)
class Thing:
    """One file."""

    name: str  # in the backup, with "/"
    path: Path


def is_left_out(name: str) -> bool:
    """Whether a name at the top of the data folder belongs into no backup."""
    return name in _LEFT_OUT or name.startswith(_LEFT_OUT_BEGINNINGS) or _is_draft(name)


def things(of: Belongings) -> Iterator[Thing]:
    """Every file but the journal; what goes meanwhile may be among them. Raises OSError for unreadable folders."""
    nested = {_key(folder) for folder in (of.images, of.certificates, of.plugins)} - {None}
    log = None if of.log_file is None else (str(of.log_file.parent), of.log_file.name)
    # What a restore has left there and its owner has put back outside comes from outside; both would be one place.
    stale = {f"{DATA}/{RESTORED_FILES}/{name}" for name in of.files}
    for entry in _listed(of.data):
        if not is_left_out(entry.name):
            found = _below(Path(entry.path), f"{DATA}/{entry.name}", nested, log)
            yield from (one for one in found if one.name not in stale)
    yield from _store(of.images)
    yield from _below(of.certificates, CERTIFICATES, set(), None)
    for entry in _listed(of.plugins):
        if not _came_with_us(of.plugins, entry.name):
            yield from _below(Path(entry.path), f"{PLUGINS}/{entry.name}", set(), None)
    for name, path in of.files.items():
        yield Thing(name=f"{FILES}/{name}", path=path)


def _store(images: Path) -> Iterator[Thing]:
    """What the server looks at in the store. It follows no links there, and neither does a backup."""
    for folder, prefix in ((images, IMAGES), (images / ORIGINALS, f"{IMAGES}/{ORIGINALS}")):
        yield from _plain_files(folder, prefix)
    yield from _plain_files(images / SMALLER, f"{IMAGES}/{SMALLER}")
    for deleted in _listed(images / TRASH_FOLDER):
        for place, _folders, names in os.walk(deleted.path, onerror=_unless_gone):
            below = Path(place).relative_to(images).as_posix()
            for name in names:
                if _is_plain(Path(place, name)):
                    yield Thing(name=f"{IMAGES}/{below}/{name}", path=Path(place, name))


def _plain_files(folder: Path, prefix: str) -> Iterator[Thing]:
    if folder.is_symlink() and prefix != IMAGES:
        return
    for entry in _listed(folder):
        if not entry.name.startswith(".") and entry.is_file(follow_symlinks=False):
            yield Thing(name=f"{prefix}/{entry.name}", path=Path(entry.path))


def _below(
    path: Path, name: str, nested: set[tuple[int, int] | None], log: tuple[str, str] | None, depth: int = 0
) -> Iterator[Thing]:
    """A file, or all files of a folder. Links are followed: where they lead may not be there on another machine."""
    if log is not None and (str(path.parent), path.name[: len(log[1])]) == log:
        return
    key = _key(path)
    if key is None or depth > 30:  # gone, a link to nothing, or a link that leads round in a circle
        return
    if path.is_dir():
        if key in nested or path.name == "__pycache__":
            return
        for entry in _listed(path):
            if not _is_draft(entry.name):
                yield from _below(Path(entry.path), f"{name}/{entry.name}", {*nested, key}, log, depth + 1)
    elif path.is_file():
        yield Thing(name=name, path=path)


def _listed(folder: Path) -> list[os.DirEntry[str]]:
    """What is in a folder, in the order of names; nothing where there is none."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _is_draft(name: str) -> bool:
    return name.startswith(".") and name.endswith(".tmp")


def _is_plain(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode) and not _is_draft(path.name)
    except FileNotFoundError:
        return False


def _unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise error


def _key(path: Path) -> tuple[int, int] | None:
    try:
        facts = path.stat()
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            return None
        raise  # a backup without what cannot be read would be none
    return facts.st_dev, facts.st_ino


def _came_with_us(plugins: Path, name: str) -> bool:
    """Whether a file of the plugins folder is the project's and not the owner's."""
    home = find_checkout()
    return home is not None and plugins == home / "plugins" and name in ("README.md", "examples")
