"""Answers of providers that are no pictures, kept for the owner to look at. Plain blocking code: called in a thread.

What was paid for stays until the owner deletes it: caps and the reserve of the disk bound how much is bought. What cost
nothing may come for ever, from a service that is broken, and only the newest of it is kept.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from imageserver.durable import write_durably

MOST_FREE = 100  # answers that cost nothing
MOST_FREE_BYTES = 64 * 2**20  # of them together; one may be larger than that, and then it is the only one


class Quarantine:
    """A folder in which nothing is ever chosen for a frame."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, job_id: str, provider: str, data: bytes, reason: str, *, is_paid: bool) -> Path:
        """Keep the bytes and, beside them, who gave them and what is wrong. Raises OSError.

        Of the answers that cost nothing the oldest go when they are more than MOST_FREE, or larger than
        MOST_FREE_BYTES together.
        """
        name = f"{provider}-{hashlib.sha256(job_id.encode()).hexdigest()[:12]}"
        self._folder.mkdir(parents=True, exist_ok=True)
        write_durably(self._folder / f"{name}.bin", data, mode=0o600)  # it may tell the key that it was asked with
        facts = {"job": job_id, "provider": provider, "reason": reason, "paid": is_paid}
        write_durably(self._folder / f"{name}.json", json.dumps(facts, ensure_ascii=False).encode())
        if not is_paid:
            self._make_room(self._folder / f"{name}.bin")
        return self._folder / f"{name}.bin"

    def _make_room(self, newest: Path) -> None:
        free = []
        for path in self._folder.glob("*.bin"):
            facts = path.stat()
            if path != newest and _cost_nothing(path.with_suffix(".json")):
                free.append((facts.st_mtime_ns, facts.st_size, path))
        count, size = 1, newest.stat().st_size
        for _, more, path in sorted(free, reverse=True):
            count, size = count + 1, size + more
            if count > MOST_FREE or size > MOST_FREE_BYTES:
                path.unlink(missing_ok=True)
                path.with_suffix(".json").unlink(missing_ok=True)


def _cost_nothing(facts: Path) -> bool:
    """Whether it is certain: what nobody knows anything about any more counts as paid."""
    try:
        read = json.loads(facts.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(read, dict) and read.get("paid") is False
