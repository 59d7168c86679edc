"""What a fake service was asked and what it charged: on the disk before the answer goes out."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


class Ledger:
    """A file with one JSON object a line, or only the memory without a path. An old file is continued."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._entries: list[dict[str, Any]] = read_ledger(path) if path is not None and path.exists() else []

    def note(self, event: str, **facts: object) -> None:
        """Write one entry and wait until the disk has it."""
        entry = {"event": event, "number": len(self._entries) + 1, **facts}
        self._entries.append(entry)
        if self._path is not None:
            line = json.dumps(entry, ensure_ascii=False).encode() + b"\n"
            with self._path.open("ab", buffering=0) as file:
                file.write(line)
                os.fsync(file.fileno())

    @property
    def charges(self) -> list[dict[str, Any]]:
        """Pictures that were charged, each with its prompt."""
        return [entry for entry in self._entries if entry["event"] == "charge"]

    @property
    def requests(self) -> list[dict[str, Any]]:
        """Everything that reached the service."""
        return [entry for entry in self._entries if entry["event"] == "request"]


def read_ledger(path: Path) -> list[dict[str, Any]]:
    """The entries of a ledger that another process writes."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
