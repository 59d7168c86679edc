"""From an id to what the frame gets: its picture, another when that one is gone, a card, or the word that it waits."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Coroutine
from typing import Any

from attrs import define, evolve, field, frozen

from imageserver.clock import Clock
from imageserver.counters import Counters, Source
from imageserver.errors import RenditionsBusy
from imageserver.frames import Frame
from imageserver.job_ids import JobId, JobIds
from imageserver.jobs import CARDS, Job, JobQueue, JobState, OpenJobs, short
from imageserver.journal import Journal
from imageserver.pictures.cards import CardRenditions
from imageserver.pictures.choices import Choices
from imageserver.pictures.rendition import Rendition
from imageserver.pictures.store import PictureStore
from imageserver.troubles import Trouble

# A frame gives up 2 s after its request. A waiting job gets this long to end meanwhile, so that a picture which is
# ready is there at the frame's first question …
_JOB_SECONDS = 0.5
# … and a rendition this long to be made; after that the frame hears `pending` and comes again.
_RENDITION_SECONDS = 1.0
# Behind a long line of others it is not made in that time either, and all who wait would only be in the way.
_HURRIED_SECONDS = 0.05
_MOST_REPLACED = 4096
_MOST_FRAMES = 10_000  # of which it is known what they took last

_log = logging.getLogger(__name__)


@frozen(kw_only=True)
class Never:
    """An id that was never given."""


@frozen(kw_only=True)
class Pending:
    """The picture is still being made."""


@frozen(kw_only=True)
class Failed:
    """There is no picture and there will be none. `reason` and `message` are short and ASCII."""

    reason: str
    message: str


@frozen(kw_only=True)
class Ready:
    """The picture, at the frame's size. `picture` is None for a card."""

    rendition: Rendition
    picture: int | None
    is_made: bool = False  # by a provider, for this very wish

    @property
    def source(self) -> Source:
        """Where it comes from, as it is counted."""
        if self.picture is None:
            return "card"
        return "made" if self.is_made else "stored"


@frozen(kw_only=True)
class Shown:
    """What a frame took last."""

    operation: str
    picture: int | None  # None: a card
    at: float  # seconds since 1970


Outcome = Never | Pending | Failed | Ready


@define(kw_only=True, eq=False)
class Delivery:
    """Answers a frame's question for its result."""

    _journal: Journal
    _store: PictureStore
    _choices: Choices
    _cards: CardRenditions
    _queue: JobQueue
    _open_jobs: OpenJobs
    _ids: JobIds
    _counters: Counters
    _clock: Clock
    _replaced: OrderedDict[str, int] = field(
        init=False, factory=OrderedDict
    )  # ids whose picture is gone → the one shown instead
    shown: tuple[int, float] | None = field(init=False, default=None)  # the picture any frame took last, and when
    _on: OrderedDict[str, Shown] = field(init=False, factory=OrderedDict)  # by frame, the one that came last at the end
    delivered: int = field(init=False, default=0)

    async def open(self) -> None:
        """Take up what hung on a wall last before a restart."""
        self.shown = await self._journal.jobs.last_fetched()
        for frame, operation, picture, at in await self._journal.jobs.last_fetched_by_frames(_MOST_FRAMES):
            self._on[frame] = Shown(operation=operation, picture=picture, at=at)

    async def status(self, text: str) -> Never | Pending | Failed | None:
        """Where a job stands; None when its result is there."""
        job_id = self._ids.read(text)
        if job_id is None:
            return Never()
        if self._ids.is_expired(job_id):
            return _EXPIRED
        if job_id.what != "job":
            return None
        job = await self._ended_job(job_id)
        if isinstance(job, Job):
            return _FAILED if job.state is JobState.FAILED else None
        return job

    async def result(self, text: str, frame: Frame) -> Outcome:
        """What the frame gets for this id, within a second and a half."""
        job_id = self._ids.read(text)
        if job_id is None:
            return Never()
        if self._ids.is_expired(job_id):
            return _EXPIRED
        if job_id.what == "job":
            return await self._job_result(job_id, frame)
        if job_id.what == "picture":
            return self._at_hand(job_id.text, job_id.number, frame) or await self._in_time(
                self._picture(job_id.text, job_id.number, frame)
            )
        return await self._in_time(self._card(frame, CARDS[min(job_id.number, len(CARDS) - 1)]))

    async def _job_result(self, job_id: JobId, frame: Frame) -> Outcome:
        job = await self._ended_job(job_id)
        if not isinstance(job, Job):
            return job
        if job.state is JobState.FAILED:
            return _FAILED
        if job.picture is not None:
            ready = await self._in_time(self._picture(job_id.text, job.picture, frame))
            if isinstance(ready, Ready) and job.error is None and ready.picture == job.picture:
                return evolve(ready, is_made=True)
            return ready
        return await self._in_time(self._card(frame, job.card or "nothing_stored", _about(job)))

    def taken(self, text: str, ready: Ready, frame: Frame) -> None:
        """The frame has read the whole answer."""
        self._counters.picture_sent(ready.source, frame.key)
        self.delivered += 1
        now = self._clock.now()
        self._journal.jobs.fetched(text, now)
        self._on[frame.key] = Shown(operation=text, picture=ready.picture, at=now)
        self._on.move_to_end(frame.key)
        if len(self._on) > _MOST_FRAMES:
            self._on.popitem(last=False)
        if ready.picture is not None:
            self.shown = (ready.picture, now)
            self._choices.taken(frame.key, ready.picture)

    def on(self, frame: str) -> Shown | None:
        """What the frame with this key took last; None: nothing that is still known."""
        return self._on.get(frame)

    def rename(self, old: str, new: str) -> None:
        """A frame has another key from now on; what hangs there hangs there still."""
        shown, other = self._on.pop(old, None), self._on.get(new)
        if shown is not None and (other is None or other.at < shown.at):
            self._on[new] = shown
            self._on.move_to_end(new)
        self._journal.jobs.rename_frame(old, new)

    def can_show(self, frame: str) -> bool:
        """Whether what the frame with this key took last is known, and neither hidden nor gone since."""
        shown = self._on.get(frame)
        return shown is not None and (shown.picture is None or self._store.has(shown.picture))

    async def still(self, frame: Frame) -> Ready | None:
        """What hangs on a frame, made once more. None when it cannot be told any more. Takes no turn of the frame's."""
        shown = self._on.get(frame.key)
        if shown is None:
            return None
        if shown.picture is not None:
            rendition = await self.picture(shown.picture, frame)
            return None if rendition is None else Ready(rendition=rendition, picture=shown.picture)
        outcome = await self.result(shown.operation, frame)
        return outcome if isinstance(outcome, Ready) and outcome.picture is None else None

    async def picture(self, picture_id: int, frame: Frame) -> Rendition | None:
        """One picture at the frame's size, or None when it cannot be shown."""
        picture = await self._store.picture(picture_id)
        return None if picture is None else await self._store.rendition(picture, frame.target)

    async def stored_or_card(self, frame: Frame, first: int | None = None, *, card: str = "nothing_stored") -> Ready:
        """A picture that can be shown now: `first`, else the frame's next one, else a card."""
        picture_id = first
        while True:  # one that turns out broken is not chosen again, so this ends
            if picture_id is None:
                picture_id, _why = self._store.choose(frame.key, frame.scope)
            if picture_id is None:
                return await self._card(frame, card)
            rendition = await self.picture(picture_id, frame)
            if rendition is not None:
                return Ready(rendition=rendition, picture=picture_id)
            picture_id = None

    async def card(self, frame: Frame, kind: str) -> Ready:
        """A drawn card."""
        return await self._card(frame, kind)

    async def _ended_job(self, job_id: JobId) -> Job | Pending | Failed:
        if job_id.text in self._open_jobs:
            self._queue.wake(job_id.text)  # a provider that gave a ticket is asked right away
            await self._open_jobs.wait(job_id.text, _JOB_SECONDS)
            if job_id.text in self._open_jobs:
                return Pending()
        job = await self._journal.jobs.get(job_id.text)
        if job is None:  # given, but the journal that knew it is gone
            return _EXPIRED
        return job if job.is_finished else Pending()

    def _at_hand(self, text: str, picture_id: int, frame: Frame) -> Ready | None:
        """The same as `_picture` gives, where memory has it: nothing to wait for, so no clock runs beside it."""
        picture_id = self._replaced.get(text, picture_id)
        rendition = self._store.at_hand(picture_id, frame.target)
        return None if rendition is None else Ready(rendition=rendition, picture=picture_id)

    async def _picture(self, text: str, picture_id: int, frame: Frame) -> Ready:
        ready = await self.stored_or_card(frame, self._replaced.get(text, picture_id))
        if ready.picture is not None and ready.picture != picture_id:
            # The same id keeps showing the same picture, whichever it came to be.
            if text not in self._replaced:
                _log.info("job %s: picture %d is gone, %d is shown", short(text), picture_id, ready.picture)
            self._replaced[text] = ready.picture
            if len(self._replaced) > _MOST_REPLACED:
                self._replaced.popitem(last=False)
        return ready

    async def _card(self, frame: Frame, kind: str, about: tuple[str, Trouble] | None = None) -> Ready:
        if kind == "test":
            return Ready(
                rendition=await self._cards.test(frame.number, frame.name or frame.key, frame.target), picture=None
            )
        return Ready(rendition=await self._cards.get(kind, frame.target, about, frame.called), picture=None)

    async def _in_time(self, work: Coroutine[Any, Any, Ready]) -> Ready | Pending:
        seconds = _HURRIED_SECONDS if self._store.renditions.is_crowded else _RENDITION_SECONDS
        try:
            async with asyncio.timeout(seconds):
                return await work
        except (TimeoutError, RenditionsBusy):  # what is begun goes on being made until the frame comes again
            return Pending()


def _about(job: Job) -> tuple[str, Trouble] | None:
    return (job.provider or "", Trouble(job.message, job.error or "")) if job.message else None


_EXPIRED = Failed(reason="expired", message="this operation has expired")
_FAILED = Failed(reason="failed", message="no picture could be made")
