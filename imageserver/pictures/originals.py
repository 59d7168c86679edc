"""The bytes a provider gave, kept untouched in the store. Plain blocking code: called in a thread."""

from __future__ import annotations

import hashlib
from pathlib import Path

from imageserver.durable import write_durably
from imageserver.journal import Found
from imageserver.pictures.scan import ORIGINALS, SMALLER, smaller_twin

_ENDING = {"jpeg": "jpg", "png": "png", "webp": "webp"}


def name_for(job_id: str, created: float, picture_format: str) -> str:
    """The path below the store for a job's picture: the same each time, so that a crash leaves no second copy."""
    digest = hashlib.sha256(job_id.encode()).hexdigest()[:12]
    return f"{ORIGINALS}/f{int(created)}-{digest}.{_ENDING[picture_format]}"


def find_original(store: Path, job_id: str, created: float) -> Found | None:
    """The file that `write_original` left for this job, or None."""
    for picture_format in _ENDING:
        path = name_for(job_id, created, picture_format)
        if (store / path).is_file():
            facts = (store / path).stat()
            return Found(path=path, size=facts.st_size, mtime_ns=facts.st_mtime_ns)
    return None


def write_original(store: Path, path: str, data: bytes) -> Found:
    """Put the bytes at `path` below the store; returns when they and their name are on the disk. Raises OSError."""
    target = store / path
    target.parent.mkdir(parents=True, exist_ok=True)
    write_durably(target, data)
    facts = target.stat()
    return Found(path=path, size=facts.st_size, mtime_ns=facts.st_mtime_ns)


def plain_file(store: Path, path: str) -> Path | None:
    """Where a picture of the store lies, or would; None for what is no plain file in one of the store's folders."""
    target = store / path
    if target.parent not in (store, store / ORIGINALS, store / SMALLER) or target.is_symlink():
        return None
    return None if target.parent != store and target.parent.is_symlink() else target


def delete_original(store: Path, path: str) -> bool:
    """Delete one file of the store, and what the Go server made of it for the frame.

    False when it is not a plain file directly in the store, its `original/` or `scalable/`. The store itself may be a
    link, to a larger disk for one; what lies in it may not.
    """
    target = plain_file(store, path)
    if target is None:
        return False
    twin = smaller_twin(path)
    if twin is not None:
        delete_original(store, twin)  # first: left alone, it would be taken for a picture without an original
    target.unlink(missing_ok=True)
    return True
