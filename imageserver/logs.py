"""The log: written by a thread of its own, so that a slow terminal or disk never holds the loop up."""

from __future__ import annotations

import logging
import logging.handlers
import platform
import queue
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, tzinfo

from imageserver.clock import Clock, zone_in_words
from imageserver.log_file import LogFile
from imageserver.version import __version__

_log = logging.getLogger(__name__)


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


class _Lines(logging.Formatter):
    """Date, level and message, by the clock on the owner's wall."""

    def __init__(self, zone: tzinfo) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s")
        self._zone = zone

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002, N802 - logging's own name
        return datetime.fromtimestamp(record.created, self._zone).strftime("%Y-%m-%d %H:%M:%S")


class _Stderr(logging.StreamHandler):  # type: ignore[type-arg]  # generic in the stubs only
    """Standard error. That it has gone, or is a file on a full disk, is not worth a traceback for every line."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        pass


@contextmanager
def logging_to(level: str, zone: tzinfo, file: LogFile | None = None) -> Iterator[None]:
    """Send everything from `level` upwards to standard error, and to the file, while the context lasts.

    A file that cannot be written is told about, and tried again with every line.
    """
    lines: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    targets: list[logging.Handler] = [_Stderr(sys.stderr)]
    if file is not None:
        targets.append(file)
    for target in targets:
        target.setFormatter(_Lines(zone))
    listener = logging.handlers.QueueListener(lines, *targets)
    root = logging.getLogger()
    handler = logging.handlers.QueueHandler(lines)
    root.addHandler(handler)
    set_level(level)
    logging.getLogger("asyncio").addFilter(_OnceAMinute())
    if file is not None and (why := file.problem()):
        # Nobody misses a file that they did not ask for.
        how_loud = logging.ERROR if file.is_named else logging.WARNING
        _log.log(how_loud, "the log file %s cannot be written: %s. The log is on standard error only", file.path, why)
    listener.start()
    try:
        yield
    finally:
        if file is not None:
            file.hurry()
        listener.stop()
        root.removeHandler(handler)
        if file is not None:
            file.close()


def set_level(level: str) -> None:
    """Everything from `level` upwards is told from now on."""
    root = logging.getLogger()
    root.setLevel(level)
    # A client that leaves or sends nonsense is everyday life, not something for an owner to read about.
    logging.getLogger("aiohttp").setLevel(max(logging.WARNING, root.level))
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    logging.getLogger("asyncio").setLevel(max(logging.WARNING, root.level))


def first_line(clock: Clock, environment: Mapping[str, str]) -> str:
    """What the log begins with: all that a report of a fault must name."""
    python, zone = platform.python_version(), zone_in_words(clock, environment)
    return f"ImageServer {__version__}, Python {python}, time zone {zone}"
