"""Takes jobs off the queue, asks providers, keeps what they give, and settles the jobs: the only place that does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Literal, TypeVar

from attrs import define, evolve

from imageserver.clock import Clock
from imageserver.errors import BadResult, DeadlineExceeded, JournalUnavailable, PictureBroken, ProviderError
from imageserver.jobs import Job, JobQueue, JobState, Kind, OpenJobs, short
from imageserver.journal import Journal
from imageserver.pictures.quarantine import Quarantine
from imageserver.pictures.store import Made, PictureStore
from imageserver.provider_host import ProviderHost
from imageserver.providers import GeneratedImage, GenerationRequest, PollingImageProvider
from imageserver.registry import Registry
from imageserver.target import Target

T = TypeVar("T")
_EXPLICIT = (Kind.ANY, Kind.PROVIDER)

_log = logging.getLogger(__name__)


@define(kw_only=True, eq=False)
class Worker:
    """Works on one job at a time. Several share the queue; the journal and `held` keep them off each other's job."""

    _journal: Journal
    _store: PictureStore
    _registry: Registry
    _queue: JobQueue
    _open_jobs: OpenJobs
    _quarantine: Quarantine
    _held: set[str]  # jobs that some worker has in its hands, shared by all workers
    _clock: Clock
    _executor: Executor

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await self.work(await self._queue.next())

    async def work(self, job_id: str) -> None:
        """Bring one job as far as it goes now. An id that is settled, unknown or in other hands is passed over."""
        if job_id in self._held:
            return
        self._held.add(job_id)
        try:
            job = await self._journal.jobs.get(job_id)
            if job is None or job.is_finished:
                self._open_jobs.end(job_id)
            elif job.state is JobState.WAITING:
                await self._poll(job)
            elif job.state is JobState.CALLING:
                await self._resume(job)
            else:
                await self._ask(job)
        except JournalUnavailable as error:
            # the job stays as it is, and the schedule wakes it again
            _log.error("job %s: %s", short(job_id), error)
        finally:
            self._held.discard(job_id)

    async def _resume(self, job: Job) -> None:
        """Go on with a job that was cut off while a provider was being asked."""
        if await self._store.adopt(evolve(job, state=JobState.DONE, settled=self._clock.now())):
            self._open_jobs.end(job.id)
            _log.info("job %s is done: its picture was in the store already", short(job.id))
            return
        host = self._registry.hosts.get(job.provider or "")
        if host is None or (host.provider_class.paid and not host.provider_class.idempotent):
            await self._settle_unknown(_noted(job, job.provider or "", "lost", "the answer was lost at a restart"))
            return
        await self._ask(job)

    # Asking

    async def _ask(self, job: Job) -> None:
        for code in self._untried(job):
            host = self._registry.hosts.get(code)
            if host is None:
                job = _noted(job, code, "off", "it does not serve any more")
                continue
            if not host.take_slot(job.id):
                return  # the provider's next free slot wakes this job again
            try:
                if not await self._journal.jobs.begin_call(job.id, code):
                    return
                job = evolve(job, provider=code, state=JobState.CALLING)
                if host.gives_tickets:
                    answer = await host.submit(_request(job))
                    if isinstance(answer, GeneratedImage):
                        await self._keep(job, host, answer)
                        return
                    await self._journal.jobs.keep_ticket(job.id, answer)
                    _log.info("job %s: %s gave a ticket", short(job.id), code)
                    return
                await self._keep(job, host, await host.generate(_request(job)))
            except ProviderError as error:
                job = _noted(job, code, error.reason, str(error))
                _log.warning("job %s: %s: %s", short(job.id), code, error)
                if error.charged and host.provider_class.paid:
                    await self._settle_unknown(job)
                    return
                await self._journal.jobs.note_failure(job)
            else:
                return
            finally:
                self._free_slot(host)
        await self._fall_back(job)

    def _untried(self, job: Job) -> tuple[str, ...]:
        if job.provider in job.candidates:
            place = job.candidates.index(job.provider)
            # without an error it was being asked when the server ended, and asking again costs nothing (see _resume)
            return job.candidates[place if job.error is None else place + 1 :]
        return job.candidates

    async def _poll(self, job: Job) -> None:
        host = self._registry.hosts.get(job.provider or "")
        if host is None or job.ticket is None or not host.gives_tickets:
            await self._give_up_ticket(job, "off", f"{job.provider} does not serve any more")
            return
        if not host.take_slot(job.id):
            return
        try:
            image = await host.poll(job.ticket)
            if image is not None:
                await self._keep(job, host, image)
            elif self._clock.now() - job.created > _patience(host):
                raise DeadlineExceeded(f"{host.code} did not finish the picture within {_patience(host):.0f} s")
        except ProviderError as error:
            if error.reason in {"transient", "unreachable", "rate_limit"} and not self._is_overdue(job, host):
                _log.info("job %s: %s cannot be asked just now: %s", short(job.id), host.code, error)
                return  # the ticket is good; the next poll may get through
            await self._give_up_ticket(job, error.reason, str(error))
        finally:
            self._free_slot(host)

    def _is_overdue(self, job: Job, host: ProviderHost) -> bool:
        return self._clock.now() - job.created > _patience(host)

    async def _give_up_ticket(self, job: Job, reason: str, message: str) -> None:
        _log.warning("job %s: the ticket of %s is given up: %s", short(job.id), job.provider, message)
        job = _noted(job, job.provider or "", reason, message)
        host = self._registry.hosts.get(job.provider or "")
        if host is None or host.provider_class.paid:
            await self._settle_unknown(job)
        else:
            await self._fall_back(job)

    def _free_slot(self, host: ProviderHost) -> None:
        turned_away = host.free_slot()
        if turned_away is not None:
            self._queue.wake(turned_away)

    # Keeping

    async def _keep(self, job: Job, host: ProviderHost, image: GeneratedImage) -> None:
        data = bytes(image.data)
        picture_format = await self._judge(job, host, data)
        settled = evolve(
            job, state=JobState.DONE, why=f"{job.why}; {host.code} painted", settled=self._clock.now(), error=None
        )
        try:
            picture = await self._store.add(
                settled,
                Made(
                    data=data,
                    format=picture_format,
                    provider=host.code,
                    prompt=job.prompt,
                    negative=job.negative,
                    model=image.model,
                    seed=image.seed,
                    details=image.details,
                ),
            )
        except (OSError, JournalUnavailable) as error:
            _log.error("job %s: the picture of %s cannot be kept: %s", short(job.id), host.code, error)
            await self._fall_back(_noted(job, host.code, "disk", "the picture could not be kept on the disk"))
            return
        self._open_jobs.end(job.id)
        _log.info("job %s is done: %s painted picture %d", short(job.id), host.code, picture.id)

    async def _judge(self, job: Job, host: ProviderHost, data: bytes) -> Literal["jpeg", "png", "webp"]:
        """The picture's format. Raises BadResult for what cannot be shown; what was paid for is kept aside."""

        def judge() -> Literal["jpeg", "png", "webp"]:
            from imageserver import image

            facts = image.identify(data)
            image.render(data, Target(width=job.width, height=job.height))  # decodes all of it
            return facts.format

        try:
            return await self._in_thread(judge)
        except PictureBroken as error:
            reason = str(error)
            place = await self._in_thread(lambda: self._quarantine.keep(job.id, host.code, data, reason))
            _log.warning("job %s: what %s gave is kept as %s", short(job.id), host.code, place)
            raise BadResult(f"{host.code} gave no picture: {error}") from error

    # Ending

    async def _fall_back(self, job: Job) -> None:
        """No candidate gave a picture: the last resort and the store stand at the end, then a card."""
        final = next((code for code, host in self._registry.hosts.items() if _is_final(host)), None)
        paints = final is not None and final not in job.candidates
        if job.kind is Kind.AUTO and self._store.count() and await self._settle_stored(job):
            return
        if paints and final is not None and job.kind is not Kind.STARTER:
            await self._ask(evolve(job, candidates=(*job.candidates, final), provider=job.candidates[-1]))
            return
        if job.kind in (*_EXPLICIT, Kind.AUTO) and await self._settle_stored(job):
            return
        await self._settle(
            evolve(job, state=JobState.FAILED)
            if job.kind is Kind.STARTER
            else evolve(job, state=JobState.DONE, card="provider_failed")
        )

    async def _settle_stored(self, job: Job) -> bool:
        picture, _why = self._store.choose(job.frame)
        if picture is None:
            return False
        await self._settle(evolve(job, state=JobState.DONE, picture=picture, why=f"{job.why}; a stored picture"))
        return True

    async def _settle_unknown(self, job: Job) -> None:
        await self._settle(evolve(job, state=JobState.UNKNOWN, card="answer_lost"))

    async def _settle(self, job: Job) -> None:
        await self._journal.jobs.settle(evolve(job, settled=self._clock.now()))
        self._open_jobs.end(job.id)
        _log.info("job %s is %s: %s", short(job.id), job.state, job.why)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)


def _is_final(host: ProviderHost) -> bool:
    return host.state.role == "last_resort" and host.state.ready


def _patience(host: ProviderHost) -> float:
    kind = host.provider_class
    return kind.patience if issubclass(kind, PollingImageProvider) else kind.deadline


def _noted(job: Job, code: str, reason: str, message: str) -> Job:
    return evolve(job, provider=code, error=reason, message=message, why=f"{job.why}; {code}: {reason}")


def _request(job: Job) -> GenerationRequest:
    return GenerationRequest(
        job=job.id, prompt=job.prompt, negative=job.negative, width=job.width, height=job.height, seed=job.seed
    )
