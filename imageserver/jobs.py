"""A job, its states, and the queue that wakes the workers. The queue carries ids only: the journal is the truth."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from enum import StrEnum

from attrs import field, frozen

from imageserver.job_news import JobNews


class JobState(StrEnum):
    """Where a job stands. The wire knows only pending (the first three), done and error."""

    QUEUED = "queued"  # no provider was asked yet
    CALLING = "calling"  # a provider is being asked; written before the first byte goes out
    WAITING = "waiting"  # the provider gave a ticket
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"  # a paid call whose outcome was lost; never bought again by itself


# Cards that an id can carry: what a number in an id means must never change.
CARDS = ("nothing_stored", "cap_reached", "black", "test")

UNFINISHED = (JobState.QUEUED, JobState.CALLING, JobState.WAITING)


class Kind(StrEnum):
    """What was asked for."""

    AUTO = "auto"  # a provider when it is time, the store otherwise
    OLD = "old"  # a stored picture
    ANY = "any"  # any provider, now
    PROVIDER = "provider"  # this one provider, now
    TEST = "test"  # the test card
    STARTER = "starter"  # the server itself fills an empty store


@frozen(kw_only=True)
class Job:
    """One wish for one picture. Times are seconds since 1970, sizes pixels of the frame's panel as it hangs."""

    id: str
    kind: Kind
    frame: str  # the address of the frame that asked; empty for the server's own jobs
    created: float
    width: int
    height: int
    why: str  # the decision behind it, and what came of it
    state: JobState = JobState.QUEUED
    candidates: tuple[str, ...] = ()  # providers to try, in this order
    prompt: str = ""
    template: str | None = None  # the prompt as the library has it, where something was drawn for it
    translations: Mapping[str, str] = field(factory=dict, hash=False)  # language → the drawn prompt in it
    negative: str | None = None
    seed: int = 0
    provider: str | None = None  # the one asked last
    ticket: str | None = None
    picture: int | None = None
    card: str | None = None  # shown where there is no picture
    error: str | None = None  # short reason of the last failure
    message: str | None = None  # the same for people
    settled: float | None = None
    fetched: float | None = None  # when a frame last took the result

    @property
    def is_finished(self) -> bool:
        return self.state not in UNFINISHED


def short(job_id: str) -> str:
    """The end of an id, enough to tell one line of the log from another. Its beginning is the time for all."""
    return job_id[-10:]


class JobQueue:
    """Wakes workers. Losing or doubling an id is harmless: claiming in the journal decides."""

    def __init__(self) -> None:
        self._ids: asyncio.Queue[str] = asyncio.Queue()
        self.taken = 0  # ids since the start, for whoever watches whether workers take any

    def wake(self, job_id: str) -> None:
        """Tell a worker that this job can be worked on."""
        self._ids.put_nowait(job_id)

    async def next(self) -> str:
        """The next id, as soon as there is one."""
        job_id = await self._ids.get()
        self.taken += 1
        return job_id

    def __len__(self) -> int:
        return self._ids.qsize()


class Hands:
    """The jobs that workers have in their hands. Once closed, no more are taken."""

    def __init__(self) -> None:
        self._held: set[str] = set()
        self._closed = False
        self._empty = asyncio.Event()

    def take(self, job_id: str) -> bool:
        """False when another worker has it, or the server stops."""
        if self._closed or job_id in self._held:
            return False
        self._held.add(job_id)
        return True

    def drop(self, job_id: str) -> None:
        """The worker is through with it for now."""
        self._held.discard(job_id)
        if self._closed and not self._held:
            self._empty.set()

    async def close(self, seconds: float) -> None:
        """Take no more, and give what is held so long to come to its end."""
        self._closed = True
        if self._held:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._empty.wait()


class OpenJobs:
    """The ids of unfinished jobs, and who waits for one to end. A copy of what the journal says, for this process."""

    def __init__(self) -> None:
        self._ended: dict[str, asyncio.Event] = {}
        self.news = JobNews()

    def add(self, job_id: str) -> None:
        """This job is unfinished."""
        self._ended.setdefault(job_id, asyncio.Event())

    def end(self, job_id: str) -> None:
        """This job is settled: whoever waits for it goes on."""
        event = self._ended.pop(job_id, None)
        if event is not None:
            event.set()
        self.news.tell(job_id)

    def release(self) -> None:
        """Let everybody go who waits: the server stops."""
        for event in self._ended.values():
            event.set()
        self.news.close()

    def all(self) -> list[str]:
        """Every unfinished job."""
        return list(self._ended)

    async def wait(self, job_id: str, seconds: float) -> None:
        """Wait until the job has ended, but no longer than `seconds`."""
        event = self._ended.get(job_id)
        if event is not None:
            # not wait_for: up to Python 3.11 it can swallow a cancellation that comes together with the event
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await event.wait()

    def __contains__(self, job_id: object) -> bool:
        return job_id in self._ended

    def __len__(self) -> int:
        return len(self._ended)
