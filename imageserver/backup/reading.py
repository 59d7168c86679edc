"""Reading a backup from its beginning to its end, as something that a stranger may have made. Plain blocking code.

Only plain files with names that a backup has are let through; everything else is a problem, and so is whatever differs
from the list of hashes at the end. A piece of it at a time is in memory, however many files there are.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import IO, Any, BinaryIO

from attrs import frozen

from imageserver.backup.archive import ABOUT, FOLDER, FORMAT, SUMS, About, name_in, sum_line
from imageserver.backup.belongings import CERTIFICATES, DATA, FILES, IMAGES, JOURNAL, PLUGINS, is_left_out
from imageserver.errors import ImageServerError

_TOPS = (DATA, IMAGES, CERTIFICATES, PLUGINS, FILES)
_PIECE = 2**20  # bytes
_LARGEST_ABOUT = 2**20  # bytes
_MOST_TOLD = 10


class BackupBroken(ImageServerError):
    """The file is no backup, or not a whole one. Carries every problem that was found, up to ten."""

    reason = "backup_broken"

    def __init__(self, path: Path, problems: list[str]) -> None:
        super().__init__("\n".join(f"{path}: {problem}" for problem in problems))
        self.problems = problems


class BackupTooNew(ImageServerError):
    """The file was written by a version that knows more than this one."""

    reason = "newer_version"


@frozen(kw_only=True)
class Member:
    """One file of a backup."""

    name: str  # such as data/options.yml
    size: int  # bytes
    mode: int
    mtime_ns: int


Take = Callable[[Member], "BinaryIO | None"]


def read_about(path: Path) -> About:
    """What a backup says of itself. Only its beginning is read. Raises BackupBroken, BackupTooNew and OSError."""
    with _reading(path) as (tar, _file):
        return _about(path, tar)[0]


def walk(path: Path, take: Take, sums: BinaryIO) -> About:
    """Read a whole backup. Each file's bytes are written to what `take` gives and that is closed; None: nowhere.

    The hashes as they are found go to `sums`, in the form of `sha256sum`. Raises BackupBroken with everything that is
    not as it should be, BackupTooNew, and OSError.
    """
    problems: list[str] = []
    with _reading(path) as (tar, _file):
        about, first = _about(path, tar)
        sums.write(sum_line(hashlib.sha256(first).hexdigest(), ABOUT))
        is_whole = False
        while (info := tar.next()) is not None and len(problems) < _MOST_TOLD:
            tar.members.clear()  # type: ignore[attr-defined]  # not in its stubs; or it would remember each of a hundred thousand
            name = info.name.removeprefix(f"{FOLDER}/")
            if is_whole:
                problems.append(f"something stands behind its end: {info.name[:200]!r}")
            elif name == SUMS and _is_plain(info):
                is_whole = True
                sums.flush()
                problems += _differences(tar.extractfile(info), Path(sums.name))
            elif (why := _unfit(info, name)) is not None:
                problems.append(f"{info.name[:200]!r} {why}")
            else:
                sums.write(sum_line(_copied(tar.extractfile(info), info, take(_member(info, name))), name))
        if not is_whole and not problems:
            problems.append("it is cut short: its list of hashes is missing")
    if problems:
        raise BackupBroken(path, problems[:_MOST_TOLD])
    return about


@contextmanager
def _reading(path: Path) -> Iterator[tuple[tarfile.TarFile, BinaryIO]]:
    try:
        with path.open("rb") as file, tarfile.open(fileobj=file, mode="r:") as tar:
            yield tar, file
    except (tarfile.TarError, EOFError, ValueError, OverflowError) as error:
        raise BackupBroken(path, [f"it is no whole tar archive: {error}"]) from error


def _about(path: Path, tar: tarfile.TarFile) -> tuple[About, bytes]:
    info = tar.next()
    if info is None or info.name != f"{FOLDER}/{ABOUT}" or not _is_plain(info) or info.size > _LARGEST_ABOUT:
        raise BackupBroken(path, ["it is no backup of ImageServer: it does not begin with backup.json"])
    file = tar.extractfile(info)
    assert file is not None
    data = file.read()
    try:
        said = json.loads(data)
        format_, version = int(said["format"]), str(said["version"])
        if format_ > FORMAT:
            raise BackupTooNew(
                f"{path}: this backup was written by a newer version ({version}; its form is {format_}, this version "
                f"knows {FORMAT}): install that version"
            )
        about = About(
            made=float(said["made"]),
            version=version,
            folders={str(name): str(value) for name, value in said["folders"].items()},
            libraries={str(name): str(value) for name, value in said["libraries"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackupBroken(path, [f"its backup.json cannot be read: {error}"]) from error
    return about, data


def _is_plain(info: tarfile.TarInfo) -> bool:
    sparse: Any = getattr(info, "sparse", None)
    return info.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and sparse is None and info.size >= 0


def _unfit(info: tarfile.TarInfo, name: str) -> str | None:
    """Why a member has no place in a backup; None when it has."""
    if not _is_plain(info):
        return "is no plain file"
    parts = name.split("/")
    if name == info.name or len(parts) < 2 or any(part in ("", ".", "..") for part in parts) or "\0" in name:
        return "is no name that a backup has"
    if parts[0] not in _TOPS or (parts[0] == DATA and name != JOURNAL and is_left_out(parts[1])):
        return "has no place in a backup"
    return None


def _member(info: tarfile.TarInfo, name: str) -> Member:
    try:
        mtime_ns = int(Decimal(info.pax_headers.get("mtime", "")) * 10**9)
    except InvalidOperation:
        mtime_ns = int(info.mtime) * 10**9
    return Member(name=name, size=info.size, mode=info.mode & 0o777, mtime_ns=max(0, min(mtime_ns, 2**63 - 1)))


def _copied(source: IO[bytes] | None, info: tarfile.TarInfo, target: BinaryIO | None) -> str:
    """Copy a member's bytes; returns their hash."""
    assert source is not None
    digest, left = hashlib.sha256(), info.size
    try:
        while left:
            piece = source.read(min(_PIECE, left))
            if not piece:
                raise EOFError("it ends in the middle of a file")
            digest.update(piece)
            if target is not None:
                target.write(piece)
            left -= len(piece)
    finally:
        if target is not None:
            target.close()
    return digest.hexdigest()


def _differences(listed: IO[bytes] | None, found: Path) -> list[str]:
    """What differs between the list at the end of a backup and what was read before it."""
    assert listed is not None
    problems: list[str] = []
    with found.open("rb") as lines:
        for line, said in zip(lines, listed, strict=False):
            if line == said:
                continue
            if name_in(line) != name_in(said):
                return [
                    *problems,
                    f"its files are not those of its list: {name_in(line)!r} stands for {name_in(said)!r}",
                ]
            problems.append(f"{name_in(line)!r} is damaged: its hash is another one")
            if len(problems) == _MOST_TOLD:
                return problems
        if lines.read(1) or listed.read(1):
            problems.append("its files are not as many as its list names")
    return problems
