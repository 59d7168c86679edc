"""From an id to what the frame gets: its picture, another when that one is gone, a card, or the word that it waits."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Coroutine
from typing import Any

from attrs import define, field, frozen

from imageserver.clock import Clock
from imageserver.frames import Frame
from imageserver.job_ids import JobId, JobIds
from imageserver.jobs import CARDS, Job, JobQueue, JobState, OpenJobs, short
from imageserver.journal import Journal
from imageserver.pictures.cards import CardRenditions
from imageserver.pictures.renditions import Rendition
from imageserver.pictures.store import PictureStore

# A frame gives up 2 s after its request. A waiting job gets this long to end meanwhile, so that a picture which is
# ready is there at the frame's first question …
_JOB_SECONDS = 0.5
# … and a rendition this long to be made; after that the frame hears `pending` and comes again.
_RENDITION_SECONDS = 1.0
_MOST_REPLACED = 4096

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


Outcome = Never | Pending | Failed | Ready


@define(kw_only=True, eq=False)
class Delivery:
    """Answers a frame's question for its result."""

    _journal: Journal
    _store: PictureStore
    _cards: CardRenditions
    _queue: JobQueue
    _open_jobs: OpenJobs
    _ids: JobIds
    _clock: Clock
    _replaced: OrderedDict[str, int] = field(
        init=False, factory=OrderedDict
    )  # ids whose picture is gone → the one shown instead
    shown: tuple[int, float] | None = field(init=False, default=None)  # the picture any frame took last, and when
    delivered: int = field(init=False, default=0)

    async def open(self) -> None:
        """Take up what hung on a wall last before a restart."""
        self.shown = await self._journal.jobs.last_fetched()

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
            return await self._in_time(self._picture(job_id.text, job_id.number, frame))
        return await self._in_time(self._card(frame, CARDS[min(job_id.number, len(CARDS) - 1)]))

    async def _job_result(self, job_id: JobId, frame: Frame) -> Outcome:
        job = await self._ended_job(job_id)
        if not isinstance(job, Job):
            return job
        if job.state is JobState.FAILED:
            return _FAILED
        if job.picture is not None:
            return await self._in_time(self._picture(job_id.text, job.picture, frame))
        return await self._in_time(self._card(frame, job.card or "nothing_stored", _reasons(job)))

    def taken(self, text: str, ready: Ready) -> None:
        """The frame has read the whole answer."""
        self.delivered += 1
        now = self._clock.now()
        self._journal.jobs.fetched(text, now)
        if ready.picture is not None:
            self.shown = (ready.picture, now)

    async def picture(self, picture_id: int, frame: Frame) -> Rendition | None:
        """One picture at the frame's size, or None when it cannot be shown."""
        picture = await self._store.picture(picture_id)
        return None if picture is None else await self._store.rendition(picture, frame.target)

    async def stored_or_card(self, frame: Frame, first: int | None = None, *, card: str = "nothing_stored") -> Ready:
        """A picture that can be shown now: `first`, else the frame's next one, else a card."""
        picture_id = first
        while True:  # one that turns out broken is not chosen again, so this ends
            if picture_id is None:
                picture_id, _why = self._store.choose(frame.key)
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

    async def _card(self, frame: Frame, kind: str, reasons: tuple[tuple[str, str], ...] = ()) -> Ready:
        return Ready(rendition=await self._cards.get(kind, frame.target, reasons), picture=None)

    @staticmethod
    async def _in_time(work: Coroutine[Any, Any, Ready]) -> Ready | Pending:
        try:
            async with asyncio.timeout(_RENDITION_SECONDS):
                return await work
        except TimeoutError:  # the rendition goes on being made and is there when the frame comes again
            return Pending()


def _reasons(job: Job) -> tuple[tuple[str, str], ...]:
    return ((job.provider or "", job.message),) if job.message else ()


_EXPIRED = Failed(reason="expired", message="this operation has expired")
_FAILED = Failed(reason="failed", message="no picture could be made")
