"""The log as a file: put aside each local day and when it is too large, compressed, and deleted when it is old.

Used by the log's own thread only, so that a slow disk holds nobody up. Whatever goes wrong with the file costs lines
of it and nothing else.
"""

from __future__ import annotations

import contextlib
import gzip
import logging
import os
import re
import stat
from collections.abc import Iterator
from datetime import datetime, tzinfo
from pathlib import Path

_MODE = 0o640  # what providers answered stands in the log
_MOST_KEPT = 50  # files put aside, or one for each day that they are kept
_MOST_BYTES = 10  # all that is put aside, in largest log files
_PIECE = 256 * 1024  # bytes that are compressed at once
_DAY = 24 * 3600.0


class LogFile(logging.Handler):
    """Appends lines to a file that others may move, cut short or delete at any time, as logrotate does."""

    def __init__(self, path: Path, *, zone: tzinfo, megabytes: int, days: int, is_named: bool) -> None:
        super().__init__()
        # A link is followed now: what is put aside lies beside the file, and the link goes on leading to it.
        self.path = Path(os.path.realpath(path))
        self.is_named = is_named  # by the owner, who will look for it
        self._zone = zone
        self._largest = megabytes * 1_000_000
        self._days = days
        self._descriptor: int | None = None
        self._day = ""  # the local day of the last line in the file
        self._lost = 0  # lines, since the last one that was written
        self._is_untidy = True
        self._is_in_haste = False

    def problem(self) -> str | None:
        """Why the file cannot be written just now, in a few words; None when it can."""
        try:
            self._open()
        except OSError as error:
            return error.strerror or str(error)
        return None

    def emit(self, record: logging.LogRecord) -> None:
        """Append one line. What cannot be written is lost, and the next line tries again."""
        try:
            self._append(f"{self.format(record)}\n", record.created)
        except Exception:  # an error that left here would end the log's thread, or be told for every single line
            self._lost += 1
            self._let_go()
            return
        self._lost = 0
        if self._is_untidy:
            self._is_untidy = False
            with contextlib.suppress(Exception):
                self._tidy(record.created)

    def hurry(self) -> None:
        """The server stops: what is being compressed is left for the next start. Called from another thread."""
        self._is_in_haste = True

    def close(self) -> None:
        """Close the file."""
        self._let_go()
        super().close()

    def _append(self, line: str, moment: float) -> None:
        if self._lost:
            line = f"... {self._lost} lines before this one could not be written ...\n{line}"
        data = line.encode("utf-8", "backslashreplace")
        descriptor = self._open()
        size, day = os.fstat(descriptor).st_size, self._day_of(moment)
        if size and (day != self._day or size + len(data) > self._largest):
            descriptor = self._put_aside(descriptor, is_too_large=size + len(data) > self._largest)
            size = os.fstat(descriptor).st_size
        self._day = day
        if os.write(descriptor, data) < len(data):  # the disk was full in the middle of the line
            os.ftruncate(descriptor, size)
            raise OSError("the line does not fit")

    def _open(self) -> int:
        """The file at the path. Another one than before when somebody moved that away."""
        if self._descriptor is not None:
            if self._is_at_path(self._descriptor):
                return self._descriptor
            self._let_go()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # A pipe that nobody reads would block for ever.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK
        descriptor = os.open(self.path, flags, _MODE)
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            os.close(descriptor)
            raise OSError("it is no plain file")
        self._descriptor = descriptor
        self._day = self._day_of(found.st_mtime)
        return descriptor

    def _is_at_path(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(self.path.stat(), os.fstat(descriptor))
        except OSError:
            return False

    def _let_go(self) -> None:
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = None

    def _put_aside(self, descriptor: int, *, is_too_large: bool) -> int:
        try:
            numbers = [int(file.name.removesuffix(".gz").rpartition(".")[2]) for file in self._aside(self._day)]
            self.path.rename(self.path.with_name(f"{self.path.name}.{self._day}.{max(numbers, default=0) + 1}"))
        except OSError:  # a folder that lets nothing be renamed, or a single file that was mounted into a container
            if is_too_large:
                os.ftruncate(descriptor, 0)
            return descriptor
        self._is_untidy = True
        return self._open()

    def _day_of(self, moment: float) -> str:
        return datetime.fromtimestamp(moment, self._zone).date().isoformat()

    # What was put aside

    def _aside(self, day: str = r"\d{4}-\d\d-\d\d") -> Iterator[Path]:
        pattern = re.compile(rf"{re.escape(self.path.name)}\.{day}\.\d+(\.gz)?", re.ASCII)
        return (file for file in self.path.parent.iterdir() if pattern.fullmatch(file.name))

    def _tidy(self, now: float) -> None:
        """Compress what is not yet, also after a crash; delete what is too old or too much."""
        for file in list(self._aside()):
            if file.suffix != ".gz":
                with contextlib.suppress(OSError):
                    self._compress(file)
        kept = [(found.st_mtime_ns, found.st_size, file) for file in self._aside() for found in (file.stat(),)]
        most, room = max(_MOST_KEPT, self._days), _MOST_BYTES * self._largest
        for number, (modified, size, file) in enumerate(sorted(kept, reverse=True)):
            room -= size
            if number >= most or room < 0 or now - modified / 1e9 > self._days * _DAY:
                with contextlib.suppress(OSError):
                    file.unlink()

    def _compress(self, file: Path) -> None:
        packed = file.with_name(f"{file.name}.gz")
        temporary = file.with_name(f".{file.name}.tmp")
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _MODE)
            with os.fdopen(descriptor, "wb") as raw, file.open("rb") as plain:
                with gzip.GzipFile(filename="", mode="wb", fileobj=raw) as zipped:
                    while not self._is_in_haste and (piece := plain.read(_PIECE)):
                        zipped.write(piece)
                if self._is_in_haste:
                    temporary.unlink()
                    return
                raw.flush()
                os.fsync(raw.fileno())
            temporary.replace(packed)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        file.unlink()
