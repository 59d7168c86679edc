"""The moment in which a frame takes its picture: whether it read all of it is counted, either way."""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import TracebackType

import aiohttp
from aiohttp import web
from attrs import frozen

from imageserver.delivery import Ready
from imageserver.frames import Frame
from imageserver.jobs import short
from imageserver.web.counting import COUNTERS
from imageserver.web.keys import DELIVERY, SIGHTINGS

_log = logging.getLogger(__name__)


@frozen
class BeingRead:
    """Around the writing of a picture. A frame that leaves in the middle ends the block without an error."""

    _app: web.Application
    _frame: Frame
    _what: Callable[[], str]  # in words for the log
    _taken: Callable[[], None]  # called when the frame has read all of it

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error is None:
            self._taken()
            self._app[SIGHTINGS].fetched(self._frame.key)
            return False
        # Also when this very task is cancelled because its client is gone.
        _log.info("frame %s left before %s was through", self._frame.key, self._what())
        self._app[SIGHTINGS].aborted(self._frame.key)
        self._app[COUNTERS].download_aborted()
        return isinstance(error, ConnectionResetError | aiohttp.ClientConnectionError)


def handing_over(request: web.Request, frame: Frame, operation: str, ready: Ready) -> BeingRead:
    """Around the writing of an operation's picture."""
    app = request.app
    return BeingRead(
        app, frame, lambda: f"operation {short(operation)}", lambda: app[DELIVERY].taken(operation, ready, frame)
    )


def being_read(request: web.Request, frame: Frame, what: str) -> BeingRead:
    """Around the writing of a picture that belongs to no operation; `what` it is, in words."""
    return BeingRead(request.app, frame, lambda: what, _nothing_more)


def _nothing_more() -> None:
    pass
