"""The log: written by a thread of its own, so that a slow terminal or disk never holds the loop up."""

from __future__ import annotations

import logging
import logging.handlers
import queue
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class _OnceAMinute(logging.Filter):
    """Lets a line of the loop through once a minute: out of files for connections it would write thousands."""

    def __init__(self) -> None:
        super().__init__()
        self._next: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        key = str(record.msg)[:60]
        if record.created < self._next.get(key, 0.0):
            return False
        self._next[key] = record.created + 60.0
        return True


@contextmanager
def logging_to_stderr(level: str) -> Iterator[None]:
    """Send everything from `level` upwards to standard error while the context lasts."""
    lines: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    stderr = logging.StreamHandler(sys.stderr)
    stderr.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", "%Y-%m-%d %H:%M:%S"))
    listener = logging.handlers.QueueListener(lines, stderr)
    root = logging.getLogger()
    handler = logging.handlers.QueueHandler(lines)
    root.addHandler(handler)
    root.setLevel(level)
    # A client that leaves or sends nonsense is everyday life, not something for an owner to read about.
    logging.getLogger("aiohttp").setLevel(max(logging.WARNING, root.level))
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    logging.getLogger("asyncio").setLevel(max(logging.WARNING, root.level))
    logging.getLogger("asyncio").addFilter(_OnceAMinute())
    listener.start()
    try:
        yield
    finally:
        listener.stop()
        root.removeHandler(handler)
