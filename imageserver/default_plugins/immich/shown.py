"""Which photos were shown in this lap, so that none comes twice before all were shown once."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

_MOST = 10_000  # ids; in a larger library the oldest are forgotten, and may come again


class Shown:
    """The ids of a lap, in a file of the provider's own. A file that cannot be used costs repeats, never a picture."""

    def __init__(self, file: Path, log: logging.Logger) -> None:
        self._file = file
        self._log = log
        self._ids = dict.fromkeys(self._read())
        self.last = next(reversed(self._ids), "")

    def __contains__(self, photo_id: object) -> bool:
        return photo_id in self._ids

    def add(self, photo_id: str) -> None:
        """This one had its turn. Waits for the disk."""
        self._ids[photo_id] = None
        self.last = photo_id
        while len(self._ids) > _MOST:
            del self._ids[next(iter(self._ids))]
        self._write()

    def begin_again(self) -> None:
        """All were shown: a new lap."""
        self._ids.clear()

    def _read(self) -> list[str]:
        try:
            read = json.loads(self._file.read_text("utf-8"))
        except FileNotFoundError:
            return []
        except (OSError, ValueError, RecursionError):
            read = None
        if not isinstance(read, list) or not all(isinstance(one, str) for one in read):
            self._log.warning("%s cannot be used: photos begin from the start", self._file)
            return []
        return read[-_MOST:]

    def _write(self) -> None:
        fresh = self._file.with_name(f".{self._file.name}.tmp")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with fresh.open("w", encoding="utf-8") as file:
                json.dump(list(self._ids), file)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._file)
        except OSError as error:
            self._log.warning("%s cannot be written, photos may come again: %s", self._file, error.strerror)
