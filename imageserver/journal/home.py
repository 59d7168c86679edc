"""How a journal came to lie where it lies: left by its own server, by a crash, or copied from somewhere.

A crash leaves what SQLite recovers. A folder that was copied file by file while a server wrote may hold halves of two
states, and nothing in the files says so. So two small files stand beside the journal. `-home` is written once and never
touched again: a copy of it has another time of change, which no copying program can give it. `-seal` says which `-home`
it belongs to and, between two runs, what the journal looked like when it was closed. Plain blocking code.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from enum import Enum, auto
from pathlib import Path
from typing import Any

from imageserver.durable import write_durably

_HASHED = 256 * 2**20  # bytes; hashing more would make a stop long, and a copy of it is then confirmed by its owner
_NOTE = b"This file shows the server whether its folder was copied. It is made anew when it is missing.\n"


class Arrival(Enum):
    """How the journal came here."""

    NEW = auto()  # there is none yet
    MISSING = auto()  # there is none, but a snapshot of one
    CLOSED = auto()  # it was closed, and nobody has touched it
    MOVED = auto()  # the same, and then the folder was copied or moved as a whole
    CUT_OFF = auto()  # a crash, or a version that knew nothing of seals
    COPIED = auto()  # whatever lies here was not left here: it may be halves of two states


def beside(path: Path, what: str) -> Path:
    """The file `what` that belongs to the journal at `path`."""
    return path.with_name(f"{path.name}-{what}")


def how_it_came(path: Path) -> Arrival:
    """Look at the journal and what stands beside it. Changes nothing."""
    if not _holds_something(path):
        return Arrival.MISSING if _holds_something(beside(path, "snapshot")) else Arrival.NEW
    seal = _read_seal(path)
    if seal is None:
        return Arrival.CUT_OFF
    is_at_home, closed = seal["home"] == _identity(path), seal["closed"]
    if closed is None:
        return Arrival.CUT_OFF if is_at_home else Arrival.COPIED
    if _holds_something(beside(path, "wal")):
        return Arrival.COPIED
    if is_at_home and [closed["size"], closed["mtime_ns"]] == _facts(path):
        return Arrival.CLOSED
    is_the_same = closed["blake2b"] is not None and closed["blake2b"] == _digest(path)
    return Arrival.MOVED if is_the_same else Arrival.COPIED


def break_seal(path: Path) -> None:
    """The journal lies here and is about to be written to: from now on it counts as cut off."""
    home = beside(path, "home")
    try:
        if not home.exists():
            write_durably(home, _NOTE, mode=0o600)
        _write_seal(path, None)
    except OSError:  # a full disk; without a seal it counts as cut off too
        beside(path, "seal").unlink(missing_ok=True)


def seal(path: Path) -> None:
    """The journal is closed, and all of it is in its one file."""
    if _holds_something(beside(path, "wal")):
        return
    with contextlib.suppress(OSError):  # a full disk: it counts as cut off then, which costs a check
        size, mtime_ns = _facts(path)
        digest = _digest(path) if size <= _HASHED else None
        _write_seal(path, {"size": size, "mtime_ns": mtime_ns, "blake2b": digest})


def _holds_something(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:
        return False


def _identity(path: Path) -> list[int] | None:
    try:
        home = beside(path, "home").stat()
        return [home.st_ino, home.st_ctime_ns, path.stat().st_ino]
    except FileNotFoundError:
        return None


def _facts(path: Path) -> list[int]:
    facts = path.stat()
    return [facts.st_size, facts.st_mtime_ns]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=32)).hexdigest()


def _write_seal(path: Path, closed: dict[str, Any] | None) -> None:
    text = json.dumps({"home": _identity(path), "closed": closed})
    write_durably(beside(path, "seal"), text.encode(), mode=0o600)


def _read_seal(path: Path) -> dict[str, Any] | None:
    try:
        said = json.loads(beside(path, "seal").read_bytes())
        closed = said["closed"]
        home = [int(number) for number in said["home"]]
        if closed is not None:
            closed = {name: closed[name] for name in ("size", "mtime_ns", "blake2b")}
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return {"home": home, "closed": closed}


def raw_descriptor(path: Path) -> int:
    """The journal's bytes, to be read beside SQLite.

    Open it before SQLite opens the file, and close it only afterwards: a process that closes any descriptor of a file
    loses all its locks on it (sqlite.org/howtocorrupt.html, 2.2).
    """
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
