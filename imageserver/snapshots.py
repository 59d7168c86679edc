"""When a snapshot of the journal is made: once an hour, where something that matters has happened.

A snapshot is as large as the journal and wears an SD card out. What somebody waited for (a picture that was bought, a
prompt's job, a password) is worth one within the hour; which frame took what is worth one a day.
"""

from __future__ import annotations

import logging
from concurrent.futures import Executor

from attrs import define, field

from imageserver.clock import Clock
from imageserver.errors import JournalUnavailable
from imageserver.journal import Damaged, Journal
from imageserver.schedule import Entry

_DAY = 24 * 3600.0  # seconds
_DAILY = 2 * 2**30  # bytes written in a day at most: an hourly snapshot of a journal with 100,000 pictures
_ABOUT = 120.0  # seconds by which an hour's round may come early

_log = logging.getLogger(__name__)


@define(kw_only=True, eq=False)
class Snapshots:
    """The schedule's action."""

    _journal: Journal
    _clock: Clock
    _executor: Executor
    _made_at: float = field(init=False)  # by the steady clock
    _held: tuple[int, int] = field(init=False, default=(0, 0))  # what the journal had changed by then

    def __attrs_post_init__(self) -> None:
        self._made_at = self._clock.monotonic() - _DAY  # nobody knows what the last run has left out

    def entry(self) -> Entry:
        """Every hour, half an hour away from the summary."""
        return Entry(name="snapshot of the journal", cron="30 * * * *", action=self.keep)

    async def keep(self) -> bool:
        """Make one if it is due. False when it is not, or cannot be made; the old one is there then."""
        changes = self._journal.changes
        if not self._is_due(changes):
            return False
        try:
            await self._journal.copy_to(self._journal.snapshot, self._executor)
        except Damaged as error:
            _log.error("the journal is damaged (%s): restart the server, and its last snapshot takes its place", error)
            return False
        except (OSError, JournalUnavailable) as error:
            _log.warning("no snapshot of the journal can be kept: %s", error)
            return False
        self._made_at, self._held = self._clock.monotonic(), changes
        return True

    def _is_due(self, changes: tuple[int, int]) -> bool:
        passed = self._clock.monotonic() - self._made_at + _ABOUT
        if self._journal.path.stat().st_size * _DAY / _DAILY > passed:
            return False
        all_now, weighty_now = changes
        all_then, weighty_then = self._held
        return weighty_now > weighty_then or (all_now > all_then and passed >= _DAY)
