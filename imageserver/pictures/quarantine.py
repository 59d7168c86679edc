"""Answers of providers that are no pictures, kept for the owner to look at. Plain blocking code: called in a thread."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from imageserver.durable import write_durably


class Quarantine:
    """A folder in which nothing is ever chosen for a frame."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, job_id: str, provider: str, data: bytes, reason: str) -> Path:
        """Keep the bytes and, beside them, who gave them and what is wrong. Raises OSError."""
        name = f"{provider}-{hashlib.sha256(job_id.encode()).hexdigest()[:12]}"
        self._folder.mkdir(parents=True, exist_ok=True)
        write_durably(self._folder / f"{name}.bin", data)
        facts = json.dumps({"job": job_id, "provider": provider, "reason": reason}, ensure_ascii=False)
        write_durably(self._folder / f"{name}.json", facts.encode())
        return self._folder / f"{name}.bin"
