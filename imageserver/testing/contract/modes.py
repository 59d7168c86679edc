"""The modes of a fake service that checks are run with again and again."""

from __future__ import annotations

from imageserver.testing.contract.base import ContractBase, Each
from imageserver.testing.contract.room import HASTY, PATIENT
from imageserver.testing.paint import BadPicture
from imageserver.testing.service import NEVER_ACCEPTS
from imageserver.testing.wire import BadWire, Refusing

_HANGING = {BadWire.SILENT.value, BadWire.DRIP.value, NEVER_ACCEPTS}
TOO_LARGE = (BadWire.HUGE_BODY.value, BadWire.GZIP_BOMB.value)
_WIRES = [NEVER_ACCEPTS, *(mode.value for mode in BadWire)]

EACH_WIRE = Each("wire", lambda _cls: _WIRES)
EACH_TOO_LARGE = Each("wire", lambda _cls: TOO_LARGE)
EACH_BAD_PICTURE = Each("picture", lambda _cls: [mode.value for mode in BadPicture])
EACH_REFUSING = Each("mode", lambda _cls: [mode.value for mode in Refusing])
EACH_FAILURE = Each("mode", lambda cls: list(cls.failures))


def _failures_and_wires(cls: type[ContractBase]) -> list[str]:
    return [*cls.failures, *(mode for mode in _WIRES if mode not in cls.failures)]


EACH_FAILURE_AND_WIRE = Each("mode", _failures_and_wires)


def deadline_in(mode: str) -> float:
    """Seconds for a call in this mode: few where no answer comes anyway."""
    return HASTY if mode in _HANGING else PATIENT
