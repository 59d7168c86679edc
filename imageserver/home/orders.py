"""What Home Assistant tells a frame to do, through the same doors as pages and the API."""

from __future__ import annotations

import logging

from attrs import define, field

from imageserver.clock import Clock
from imageserver.errors import ImageServerError
from imageserver.home.topics import ON, ORDERS
from imageserver.jobs import Kind, short
from imageserver.log_ration import LogRation
from imageserver.naps import Naps
from imageserver.pictures.choices import Choices
from imageserver.policy import Wish
from imageserver.steering import Steering

_LONGEST = 16  # bytes of a payload that could be an order

_log = logging.getLogger(__name__)


@define(kw_only=True, eq=False)
class Orders:
    """Carries them out, one after the other."""

    _steering: Steering
    _choices: Choices
    _naps: Naps
    _clock: Clock
    _ration: LogRation = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._ration = LogRation(log=_log, clock=self._clock, more="%d more MQTT messages were told to frames")

    async def obey(self, frame: str, order: str, payload: bytes) -> None:
        """Do what is asked of the frame with this key. Never raises: the log says what was not done."""
        said = payload[:_LONGEST].decode("utf-8", "replace").strip().upper()
        if said not in ORDERS[order] or len(payload) > _LONGEST:
            self._ration.info(
                "frame %s: MQTT said %r where %s takes %s", frame, said, order, " or ".join(ORDERS[order])
            )
            return
        try:
            await self._do(frame, order, said)
        except ImageServerError as error:
            _log.warning("frame %s: what MQTT asked for (%s) was not done: %s", frame, order, error)

    async def _do(self, frame: str, order: str, said: str) -> None:
        if order == "generate":
            receipt = await self._steering.ask(Wish(kind=Kind.ANY), frame)
            self._ration.info(
                "frame %s: MQTT asked for a new picture: job %s, %s", frame, short(receipt.id), receipt.why
            )
        elif order == "next":
            picture = await self._steering.another(frame)
            if picture is None:
                self._ration.info("frame %s: MQTT asked for the next picture, and nothing is stored", frame)
                return
            await self._choices.choose(frame, picture)
            self._ration.info("frame %s: MQTT asked for the next picture: %d", frame, picture)
        elif said == ON:
            await self._naps.send(frame)
            self._ration.info("frame %s was sent to sleep by MQTT", frame)
        else:
            self._naps.wake(frame)
            self._ration.info("frame %s was woken by MQTT", frame)
