"""Lines that come with every picture: a house of frames is told line by line, a crowd of them by its number.

A thousand frames would fill a log with a million lines a day, and each costs as much as the answer that it tells of.
"""

from __future__ import annotations

import logging

from attrs import define, field

from imageserver.clock import Clock

_WINDOW = 60.0  # seconds


@define(kw_only=True, eq=False)
class LogRation:
    """Lets so many lines of one sort through in each minute, and says how many more there would have been."""

    _log: logging.Logger
    _clock: Clock
    _most: int = 60
    _more: str  # said with the number of lines that were left out
    _began: float = field(init=False, default=float("-inf"))  # monotonic seconds
    _let_through: int = field(init=False, default=0)
    _left_out: int = field(init=False, default=0)

    def info(self, message: str, *facts: object) -> None:
        """As `Logger.info`."""
        if not self._log.isEnabledFor(logging.INFO):
            return
        now = self._clock.monotonic()
        if now - self._began >= _WINDOW:
            if self._left_out:
                self._log.info(self._more, self._left_out)
            self._began, self._let_through, self._left_out = now, 0, 0
        if self._let_through < self._most:
            self._let_through += 1
            self._log.info(message, *facts)
        else:
            self._left_out += 1
