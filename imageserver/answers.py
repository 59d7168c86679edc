"""Answers of paid calls, kept while they arrive: what has reached the disk was not paid for in vain.

One file for each job, named after it. It is there from the first byte until the job is settled.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


class Answers:
    """The folder of unfinished answers. Plain blocking code."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def writing(self, job: str) -> Iterator[BinaryIO]:
        """A file for this job's answer, empty at first; it is on the disk when the context ends."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._path(job).open("wb", buffering=0) as file:
            yield file
            os.fsync(file.fileno())

    def read(self, job: str) -> bytes | None:
        """What has arrived for this job, or None."""
        try:
            return self._path(job).read_bytes()
        except FileNotFoundError:
            return None

    def drop(self, job: str) -> None:
        """The job is settled."""
        self._path(job).unlink(missing_ok=True)

    def keep_only(self, jobs: list[str]) -> None:
        """Delete what no unfinished job needs any more."""
        wanted = {self._path(job).name for job in jobs}
        if self._folder.is_dir():
            for path in self._folder.iterdir():
                if path.name not in wanted:
                    path.unlink(missing_ok=True)

    def _path(self, job: str) -> Path:
        return self._folder / f"{hashlib.sha256(job.encode()).hexdigest()[:24]}.answer"
