"""Takes jobs off the queue and asks providers, each in its turn, until one gives a picture."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

from attrs import define, evolve

from imageserver.answers import Answers
from imageserver.clock import Clock
from imageserver.counters import Counters
from imageserver.errors import (
    BadResult,
    CapReached,
    DeadlineExceeded,
    JournalUnavailable,
    ProviderError,
    RateLimited,
    TransientError,
    Unreachable,
    UnreadableAnswer,
)
from imageserver.extension_registry import Extensions
from imageserver.extensions import PromptWish
from imageserver.jobs import Hands, Job, JobQueue, JobState, Kind, OpenJobs, short
from imageserver.journal import Journal
from imageserver.provider_host import ProviderHost
from imageserver.providers import GeneratedImage, GenerationRequest, PollingImageProvider
from imageserver.registry import Registry
from imageserver.settler import Settler
from imageserver.till import Till

T = TypeVar("T")
_ATTEMPTS = 3  # at one provider for one job, where a failure certainly cost nothing and may pass
# A ticket outlives these: they say nothing about the picture behind it.
_STILL_GOOD = (TransientError, Unreachable, RateLimited, DeadlineExceeded, UnreadableAnswer)

_log = logging.getLogger(__name__)


@define(kw_only=True, eq=False)
class Worker:
    """Works on one job at a time. Several share the queue; the journal and the hands keep them off each other's job."""

    _journal: Journal
    _registry: Registry
    _extensions: Extensions
    _queue: JobQueue
    _open_jobs: OpenJobs
    _settler: Settler
    _till: Till
    _answers: Answers
    _pause: float  # seconds between two attempts; doubled, with jitter
    _hands: Hands
    _first_polled: dict[str, float]  # steady seconds by job; shared by all workers
    _unsaved: dict[str, GeneratedImage]  # pictures that a full disk did not take yet; shared by all workers
    _counters: Counters
    _clock: Clock
    _rng: random.Random
    _executor: Executor

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await self.work(await self._queue.next())

    async def work(self, job_id: str) -> None:
        """Bring one job as far as it goes now. An id that is settled, unknown or in other hands is passed over."""
        if not self._hands.take(job_id):
            return
        try:
            job = await self._journal.jobs.get(job_id)
            if job is None or job.is_finished:
                self._open_jobs.end(job_id)
            elif await self._keep_unsaved(job):
                pass
            elif job.state is JobState.WAITING:
                await self._poll(job)
            elif job.state is JobState.CALLING:
                await self._resume(job)
            else:
                await self._ask(job)
        except JournalUnavailable as error:
            # the job stays as it is, and the schedule wakes it again
            _log.error("job %s: %s", short(job_id), error)
        except OSError as error:
            _log.error("job %s: its picture cannot be kept: %s", short(job_id), error)
        finally:
            self._hands.drop(job_id)
            if job_id not in self._open_jobs:
                self._unsaved.pop(job_id, None)
                self._first_polled.pop(job_id, None)

    async def _keep_unsaved(self, job: Job) -> bool:
        """Try again to keep a picture that a full disk did not take. False when there is none."""
        host = self._registry.hosts.get(job.provider or "")
        image = self._unsaved.get(job.id)
        if host is None or image is None:
            return False
        if await self._keep(job, host, image) is not None:
            await self._end_without(job, may_paint=True)
        return True

    async def _resume(self, job: Job) -> None:
        """Go on with a job that was cut off while a provider was being asked."""
        if await self._settler.adopt(job):
            return
        host = self._registry.hosts.get(job.provider or "")
        if host is not None and host.is_starting:
            return  # the schedule wakes the job again: what lies on the disk is for the provider to read
        if host is not None and await self._recover(job, host):
            return
        if host is None or (host.provider_class.paid and not host.provider_class.idempotent):
            lost = "the answer was lost when the server was cut off"
            await self._settler.keep_answer(job, lost)
            await self._settler.as_unknown(_noted(job, job.provider or "", "lost", lost))
            return
        await self._ask(job)

    async def _recover(self, job: Job, host: ProviderHost) -> bool:
        """Settle a job from the answer that had reached the disk. False when there is none that is whole."""
        answer = await self._in_thread(lambda: self._answers.read(job.id))
        if answer is None:
            return False
        try:
            image = await host.recover(_request(job), answer)
        except ProviderError as error:
            _log.warning("job %s: the answer on the disk is not whole: %s", short(job.id), error)
            return False
        return image is not None and await self._settler.keep(job, host, image)

    # Asking

    async def _ask(self, job: Job) -> None:
        for code in _untried(job):
            host = self._registry.hosts.get(code)
            if host is None:
                job = _noted(job, code, "off", "it does not serve any more")
                continue
            if not host.take_slot(job.id):
                return  # the provider's next free slot wakes this job again
            try:
                asked = await self._ask_one(job, host)
            finally:
                self._free_slot(host)
            if asked is None:
                return
            job = asked
        await self._fall_back(job)

    async def _ask_one(self, job: Job, host: ProviderHost) -> Job | None:
        """Ask one provider. None when the job is done with for now, else the job for the next provider."""
        purchase, now = self._till.purchase(host), self._till.clock.now()
        refused: str | None = await self._till.why_not(host)
        if refused is None:
            try:
                if not await self._journal.jobs.begin_call(job.id, host.code, now, purchase):
                    return None
            except CapReached as error:  # another job was faster
                refused = str(error)
        if refused is not None:
            _log.info("job %s: %s is not asked: %s", short(job.id), host.code, refused)
            return _noted(job, host.code, CapReached.reason, refused)
        host.asked_at = now
        if purchase is not None:
            self._till.clock.bought(purchase.at)
        self._open_jobs.news.tell(job.id)
        job = evolve(job, provider=host.code, state=JobState.CALLING)
        try:
            image = await self._call(job, host)
        except ProviderError as error:
            return await self._failed(job, host, error)
        if image is None:
            return None  # a ticket
        return await self._keep(job, host, image)

    async def _call(self, job: Job, host: ProviderHost) -> GeneratedImage | None:
        """The picture, or None when the provider gave a ticket."""
        answer = await self._patiently(job, host)
        if isinstance(answer, GeneratedImage):
            return answer
        await self._journal.jobs.keep_ticket(job.id, answer)  # a promise; only the picture closes the circuit again
        self._open_jobs.news.tell(job.id)
        _log.info("job %s: %s gave a ticket", short(job.id), host.code)
        return None

    async def _patiently(self, job: Job, host: ProviderHost) -> str | GeneratedImage:
        """A ticket or a picture, asked for again where that certainly costs nothing and may help."""
        ask = host.submit if host.gives_tickets else host.generate
        request = await self._worded(job, host)
        for attempt in range(1, _ATTEMPTS):
            try:
                return await ask(request)
            except TransientError as error:
                if error.charged and host.provider_class.paid:
                    raise
                _log.info("job %s: %s is asked once more: %s", short(job.id), host.code, error)
            await self._clock.sleep(self._pause * 2 ** (attempt - 1) * self._rng.uniform(0.5, 1.5))
        return await ask(request)

    async def _worded(self, job: Job, host: ProviderHost) -> GenerationRequest:
        """The request in the words that are meant for this provider."""
        language, suffix = host.wording
        wish = PromptWish(
            prompt=job.prompt,
            negative=job.negative,
            provider=host.code,
            language=language,
            suffix=suffix,
            translations={} if language is None else job.translations,
        )
        worded = await self._extensions.worded(wish)
        return evolve(_request(job), prompt=worded.prompt, negative=worded.negative)

    async def _failed(self, job: Job, host: ProviderHost, error: ProviderError) -> Job | None:
        host.breaker.failed(error)
        self._counters.provider_failed(host.code)
        _log.warning("job %s: %s: %s", short(job.id), host.code, error)
        job = _noted(job, host.code, error.reason, str(error))
        if error.charged and host.provider_class.paid:
            await self._settler.keep_answer(job, str(error))
            await self._settler.as_unknown(job)
            return None
        await self._journal.jobs.note_failure(job)
        self._open_jobs.news.tell(job.id)
        return job

    async def _keep(self, job: Job, host: ProviderHost, image: GeneratedImage) -> Job | None:
        self._unsaved[job.id] = image
        kept = await self._settler.keep(job, host, image)
        del self._unsaved[job.id]
        if kept:
            host.breaker.succeeded()
            return None
        bad = BadResult("what it gave is no picture; it is kept in quarantine")
        host.breaker.failed(bad)  # or a service that has only such ones to sell would be bought from up to the cap
        self._counters.provider_failed(host.code)
        job = _noted(job, host.code, bad.reason, str(bad))
        if not host.provider_class.paid:
            await self._journal.jobs.note_failure(job)
            return job
        # It was paid for and counts as spent: nobody else is asked for this job, so nothing is bought twice.
        await self._end_without(job, may_paint=False)
        return None

    # Tickets

    async def _poll(self, job: Job) -> None:
        host = self._registry.hosts.get(job.provider or "")
        if host is None or job.ticket is None or not host.gives_tickets:
            await self._give_up_ticket(job, "off", f"{job.provider} does not serve any more")
            return
        if not host.take_slot(job.id):
            return
        self._first_polled.setdefault(job.id, self._clock.monotonic())  # patience begins with the question, not its end
        try:
            image = await host.poll(job.ticket)
            if image is None:
                if self._is_overdue(job, host):
                    late = f"{host.code} did not finish the picture within {_patience(host):.0f} s"
                    await self._give_up_ticket(job, "deadline", late)
            elif await self._keep(job, host, image) is not None:
                await self._end_without(job, may_paint=True)
        except ProviderError as error:
            if isinstance(error, _STILL_GOOD) and not self._is_overdue(job, host):
                _log.info("job %s: %s cannot be asked just now: %s", short(job.id), host.code, error)
                return
            host.breaker.failed(error)
            await self._give_up_ticket(job, error.reason, str(error), charged=error.charged)
        finally:
            self._free_slot(host)

    def _is_overdue(self, job: Job, host: ProviderHost) -> bool:
        # By the steady clock: a wall clock that was set right must not give up a picture that is being paid for.
        return self._clock.monotonic() - self._first_polled[job.id] > _patience(host)

    async def _give_up_ticket(self, job: Job, reason: str, message: str, *, charged: bool = True) -> None:
        self._counters.provider_failed(job.provider or "")
        _log.warning("job %s: the ticket of %s is given up: %s", short(job.id), job.provider, message)
        job = _noted(job, job.provider or "", reason, message)
        host = self._registry.hosts.get(job.provider or "")
        if charged and (host is None or host.provider_class.paid):
            await self._settler.as_unknown(job)
            return
        await self._journal.jobs.note_failure(job)
        await self._fall_back(job)

    def _free_slot(self, host: ProviderHost) -> None:
        for job_id in host.free_slot():
            self._queue.wake(job_id)

    # Without a picture

    async def _fall_back(self, job: Job) -> None:
        """No candidate gave a picture: the last resort and the store stand at the end, then a card."""
        if job.error == CapReached.reason and job.kind in (Kind.ANY, Kind.PROVIDER):
            await self._settler.with_error(job, "cap_reached")
            return
        await self._end_without(job, may_paint=True)

    async def _end_without(self, job: Job, *, may_paint: bool) -> None:
        keeps_to_its_own = self._settler.is_choosy(job)  # then a stored picture comes before the last resort's
        if (job.kind is Kind.AUTO or keeps_to_its_own) and await self._settler.with_stored(job):
            return
        final = next((code for code, host in self._registry.hosts.items() if _is_final(host)), None)
        if may_paint and final is not None and final not in job.candidates and job.kind is not Kind.STARTER:
            await self._ask(evolve(job, candidates=(*job.candidates, final), provider=job.candidates[-1]))
            return
        if job.kind is not Kind.STARTER and await self._settler.with_stored(job):
            return
        await self._settler.with_card(job, "provider_failed")

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)


def _untried(job: Job) -> tuple[str, ...]:
    if job.provider in job.candidates:
        place = job.candidates.index(job.provider)
        # without an error it was being asked when the server ended, and asking again costs nothing (see _resume)
        return job.candidates[place if job.error is None else place + 1 :]
    return job.candidates


def _is_final(host: ProviderHost) -> bool:
    return host.state.role == "last_resort" and host.state.ready


def _patience(host: ProviderHost) -> float:
    kind = host.provider_class
    return kind.patience if issubclass(kind, PollingImageProvider) else host.deadline


def _noted(job: Job, code: str, reason: str, message: str) -> Job:
    return evolve(job, provider=code, error=reason, message=message, why=f"{job.why}; {code}: {reason}")


def _request(job: Job) -> GenerationRequest:
    return GenerationRequest(
        job=job.id, prompt=job.prompt, negative=job.negative, width=job.width, height=job.height, seed=job.seed
    )
