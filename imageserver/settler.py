"""How a job ends: with its picture, with another one, with a card. The only place that settles jobs."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

from attrs import define, evolve, field

from imageserver.answers import Answers
from imageserver.clock import Clock
from imageserver.error_cards import ErrorCards
from imageserver.errors import PictureBroken
from imageserver.extensions import PictureReady
from imageserver.jobs import Job, JobState, Kind, OpenJobs, short
from imageserver.journal import Journal
from imageserver.judge import judge
from imageserver.pictures.quarantine import Quarantine
from imageserver.pictures.store import Made, PictureStore
from imageserver.provider_host import ProviderHost
from imageserver.providers import GeneratedImage
from imageserver.target import Target

T = TypeVar("T")

_log = logging.getLogger(__name__)


@define(kw_only=True, eq=False)
class Settler:
    """Settles jobs, and lets go of what was kept for them."""

    _journal: Journal
    _store: PictureStore
    _open_jobs: OpenJobs
    _quarantine: Quarantine
    _answers: Answers
    _error_cards: ErrorCards
    _clock: Clock
    _executor: Executor
    _tell: Callable[[PictureReady], None] = field(default=lambda _ready: None)  # must not wait for anybody
    _count: Callable[[str], None] = field(default=lambda _provider: None)  # whose picture was kept
    _scope_of: Callable[[str], str] = field(default=lambda _frame: "")  # the stored pictures that a frame shows

    async def keep(self, job: Job, host: ProviderHost, image: GeneratedImage) -> bool:
        """Keep a provider's picture and settle the job with it. False when it is no picture: it is kept aside then.

        Raises OSError or JournalUnavailable when it cannot be kept; the answer on the disk, if any, stays.
        """
        data = bytes(image.data)
        is_worded = host.provider_class.takes_prompt  # a photo has nothing to do with the prompt that was drawn
        target = Target(width=job.width, height=job.height)
        try:
            picture_format = await self._in_thread(lambda: judge(data, target, is_generator=is_worded))
        except PictureBroken as error:
            is_paid = host.provider_class.paid or host.caps.price > 0
            await self._set_aside(job, host.code, data, str(error), is_paid=is_paid)
            return False
        settled = evolve(job, state=JobState.DONE, why=f"{job.why}; {host.code} painted", settled=self._clock.now())
        digest = await self._in_thread(lambda: hashlib.sha256(data).hexdigest())
        earlier = await self._journal.pictures.with_bytes(digest)
        if earlier is not None and (self._store.has(earlier) or await self._is_hidden(earlier)):
            await self.settle(evolve(settled, picture=earlier, why=f"{settled.why} picture {earlier} once more"))
            self._count(host.code)
            return True
        picture = await self._store.add(
            evolve(settled, error=None),
            Made(
                data=data,
                format=picture_format,
                provider=host.code,
                prompt=job.prompt if is_worded else "",
                negative=job.negative if is_worded else None,
                model=image.model,
                seed=image.seed,
                details=image.details,
                sha256=digest,
            ),
        )
        await self._ended(job)
        self._count(host.code)
        _log.info("job %s is done: %s painted picture %d", short(job.id), host.code, picture.id)
        self._tell(
            PictureReady(
                id=picture.id,
                job=job.id,
                frame=job.frame,
                provider=host.code,
                prompt=job.prompt if is_worded else "",
                negative=job.negative if is_worded else None,
                model=image.model,
                seed=image.seed,
                created=picture.first_seen,
                width=job.width,
                height=job.height,
                file=self._store.path_of(picture),
                details=picture.details,
            )
        )
        return True

    async def _is_hidden(self, picture_id: int) -> bool:
        """Whether the owner wants to see this picture no more; then it is not let in again, and another is shown."""
        picture = await self._journal.pictures.get(picture_id)
        return picture is not None and picture.hidden

    async def adopt(self, job: Job) -> bool:
        """Settle a job whose picture reached the store before a crash. False when it did not."""
        if not await self._store.adopt(evolve(job, state=JobState.DONE, settled=self._clock.now())):
            return False
        await self._ended(job)
        self._count(job.provider or "")
        _log.info("job %s is done: its picture was in the store already", short(job.id))
        return True

    async def with_stored(self, job: Job) -> bool:
        """Settle a job with a stored picture. False when nothing is stored."""
        picture, _why = self._store.choose(job.frame, self._scope_of(job.frame))
        if picture is None:
            return False
        await self.settle(evolve(job, state=JobState.DONE, picture=picture, why=f"{job.why}; a stored picture"))
        return True

    def is_choosy(self, job: Job) -> bool:
        """Whether its frame shows some pictures only."""
        return bool(self._scope_of(job.frame))

    async def with_card(self, job: Job, card: str) -> None:
        """Settle a job with a card; one of the server's own fails, for nobody looks."""
        failed = job.kind is Kind.STARTER
        await self.settle(evolve(job, state=JobState.FAILED if failed else JobState.DONE, card=card))

    async def with_error(self, job: Job, card: str) -> None:
        """Settle a job with a card that says what is wrong; with a stored picture where its frame was told lately."""
        if await self._error_cards.may_tell(job.frame, job.id) or not await self.with_stored(job):
            await self.with_card(job, card)

    async def keep_answer(self, job: Job, reason: str) -> None:
        """Put what arrived of a paid answer aside, for the owner to look at; nothing where nothing arrived."""
        try:
            answer = await self._in_thread(lambda: self._answers.read(job.id))
        except OSError as error:
            _log.warning("job %s: its answer cannot be read: %s", short(job.id), error)
            return
        if answer:
            await self._set_aside(job, job.provider or "", answer, reason, is_paid=True)

    async def as_unknown(self, job: Job) -> None:
        """Settle a paid job whose outcome is lost: counted as spent, never bought again by itself."""
        is_told = job.kind is not Kind.AUTO and await self._error_cards.may_tell(job.frame, job.id)
        picture = None if is_told else self._store.choose(job.frame, self._scope_of(job.frame))[0]
        await self.settle(evolve(job, state=JobState.UNKNOWN, picture=picture, card="answer_lost"))

    async def settle(self, job: Job) -> None:
        """The end. What is still reserved for the job counts as spent."""
        await self._journal.jobs.settle(evolve(job, settled=self._clock.now()))
        await self._ended(job)
        _log.info("job %s is %s: %s", short(job.id), job.state, job.why)

    async def _ended(self, job: Job) -> None:
        self._open_jobs.end(job.id)
        try:
            await self._in_thread(lambda: self._answers.drop(job.id))
        except OSError as error:
            _log.warning("job %s: its answer cannot be deleted: %s", short(job.id), error)

    async def _set_aside(self, job: Job, code: str, data: bytes, reason: str, *, is_paid: bool) -> None:
        try:
            place = await self._in_thread(lambda: self._quarantine.keep(job.id, code, data, reason, is_paid=is_paid))
            _log.warning(
                "job %s: what %s gave is no picture (%s) and is kept as %s", short(job.id), code, reason, place
            )
        except OSError as error:
            _log.error("job %s: what %s gave is no picture and cannot be kept: %s", short(job.id), code, error)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)
