"""Tells whoever watches a job that something has changed. What it is, the journal says: the news carries ids only."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from imageserver.errors import TooManyWatching

_MOST = 64  # who watch at the same time, all jobs together


class JobNews:
    """For one process, and forgotten with it. Telling costs a look into a dictionary where nobody watches."""

    def __init__(self) -> None:
        self._watching: dict[str, list[asyncio.Event]] = {}
        self.is_closed = False

    def tell(self, job_id: str) -> None:
        """This job is not as it was."""
        for changed in self._watching.get(job_id, ()):
            changed.set()

    @contextmanager
    def watching(self, job_id: str) -> Iterator[asyncio.Event]:
        """An event that is set at each change, for the watcher to clear. Raises TooManyWatching."""
        if sum(map(len, self._watching.values())) >= _MOST:
            raise TooManyWatching(f"{_MOST} watch jobs already")
        changed = asyncio.Event()
        if self.is_closed:
            changed.set()
        others = self._watching.setdefault(job_id, [])
        others.append(changed)
        try:
            yield changed
        finally:
            others.remove(changed)
            if not others:
                self._watching.pop(job_id, None)

    def close(self) -> None:
        """Let everybody go: the server stops."""
        self.is_closed = True
        for job_id in list(self._watching):
            self.tell(job_id)
