"""Fills an empty store when nobody but the built-in painter is there: the first picture is soon on the wall."""

from __future__ import annotations

import asyncio
import logging

from imageserver.errors import ImageServerError
from imageserver.frames import Frame, Frames
from imageserver.intake import Intake
from imageserver.jobs import Kind, OpenJobs
from imageserver.journal import Journal
from imageserver.pictures.store import PictureStore
from imageserver.policy import Wish
from imageserver.registry import LAST_RESORT, Registry

STARTER_SET = 24  # pictures: a day of hourly changes
_NOTE = "starter_set"  # how many are still to be painted
_LONGEST_PAINTING = 600.0  # seconds; a hung painter must not hold this for ever

_log = logging.getLogger(__name__)


async def paint_starter_set(
    *, journal: Journal, store: PictureStore, registry: Registry, intake: Intake, frames: Frames, open_jobs: OpenJobs
) -> None:
    """Paint the starter set, or what is left of it after a restart, one picture after the other."""
    note = await journal.notes.get(_NOTE)
    if note is None:
        only_atelier = set(registry.hosts) == {LAST_RESORT}
        note = str(STARTER_SET if only_atelier and store.count() == 0 else 0)
        await journal.notes.put(_NOTE, note)
    left = int(note)
    if left and set(registry.hosts) == {LAST_RESORT}:
        _log.info("nothing is stored yet: %d starter pictures are painted in the background", left)
    # A provider that came meanwhile may cost money, and its owner did not ask for a day of its pictures.
    while left and set(registry.hosts) == {LAST_RESORT}:
        wish = Wish(kind=Kind.STARTER)
        try:
            receipt = await intake.take(wish, Frame(key="", target=frames.default))
        except ImageServerError as error:
            _log.warning("starter pictures: %s", error)
            return
        await open_jobs.wait(receipt.id, _LONGEST_PAINTING)
        await asyncio.sleep(0)  # a stored answer ends at once; let the others have their turn
        left -= 1
        await journal.notes.put(_NOTE, str(left))
