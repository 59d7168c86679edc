"""What people and programs want of a frame: another picture, or a new one. The one way for pages, API and MQTT."""

from __future__ import annotations

from attrs import define, evolve

from imageserver.frames import Frame, Frames
from imageserver.intake import Intake, Receipt
from imageserver.jobs import JobState
from imageserver.pictures.choices import Choices
from imageserver.pictures.store import PictureStore
from imageserver.policy import Wish


@define(kw_only=True, eq=False)
class Steering:
    """Chooses and asks in the owner's name. Caps and thresholds hold as for everybody: the intake sees to that."""

    _frames: Frames
    _store: PictureStore
    _choices: Choices
    _intake: Intake

    async def another(self, key: str) -> int | None:
        """The frame's next stored picture, but not the one that would come anyway; None when nothing is stored."""
        scope = self._frames.called(key).scope
        coming = await self._choices.of(key) or self._store.peek(key, scope)
        picture, _why = self._store.choose(key, scope)
        if picture == coming:
            picture, _why = self._store.choose(key, scope)
        return picture

    async def ask(self, wish: Wish, key: str | None) -> Receipt:
        """Begin a job. Nobody's picture is new to every frame; one for a frame waits for that frame's next visit.

        Raises what Intake.take does.
        """
        nobody = Frame(key="", target=self._frames.default)
        frame = nobody if key is None else evolve(self._frames.called(key), key="")
        receipt = await self._intake.take(wish, frame)
        if key is not None and receipt.state is JobState.QUEUED:
            await self._choices.choose_job(key, receipt.id)
        return receipt
