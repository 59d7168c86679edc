"""Takes a frame's wish: asks the policy where the picture comes from, writes the job down, wakes a worker.

Never waits for a provider, and a stored picture waits for no disk either.
"""

from __future__ import annotations

import asyncio
import logging
import random
from concurrent.futures import Executor
from typing import Literal

from attrs import define, evolve, field, frozen

from imageserver.clock import Clock
from imageserver.errors import JournalUnavailable, TooManyWaiting, UnknownProvider
from imageserver.frames import Frame
from imageserver.job_ids import JobIds
from imageserver.jobs import CARDS, Job, JobQueue, JobState, Kind, OpenJobs, short
from imageserver.journal import ASKED, Journal
from imageserver.pictures.store import PictureStore
from imageserver.policy import Decision, Source, Standing, Wish, decide
from imageserver.prompts import Prompt, PromptLibrary
from imageserver.registry import Registry
from imageserver.till import Till

AUTO_ASKED = "auto_asked"  # the note that holds when `auto` last asked a provider

_log = logging.getLogger(__name__)


@frozen(kw_only=True)
class Receipt:
    """What a frame gets for its wish."""

    id: str
    state: Literal[JobState.QUEUED, JobState.DONE]
    picture: int | None = None


@frozen(kw_only=True)
class Limits:
    """The options that the intake obeys."""

    threshold: float  # seconds between two times that `auto` asks a provider
    queue_size: int


@define(kw_only=True, eq=False)
class Intake:
    """The one place where jobs begin."""

    _journal: Journal
    _store: PictureStore
    _registry: Registry
    _prompts: PromptLibrary
    _queue: JobQueue
    _open_jobs: OpenJobs
    _ids: JobIds
    _limits: Limits
    _till: Till
    _clock: Clock
    _rng: random.Random
    _executor: Executor
    _auto_asked: float | None = field(init=False, default=None)
    counts: dict[str, int] = field(init=False, factory=dict)  # wishes since the start, by kind

    async def open(self) -> None:
        """Take up where the last run stopped."""
        asked = await self._journal.notes.get(AUTO_ASKED)
        self._auto_asked = None if asked is None else float(asked)
        for code, when in (await self._journal.notes.beginning(ASKED)).items():
            if code in self._registry.hosts:
                self._registry.hosts[code].asked_at = float(when)

    async def take(self, wish: Wish, frame: Frame) -> Receipt:
        """Begin a job. Raises UnknownProvider, and TooManyWaiting for an explicit wish when the queue is full."""
        self.counts[wish.kind] = self.counts.get(wish.kind, 0) + 1
        if wish.provider is not None:
            wish = evolve(wish, provider=self._registry.code_of(wish.provider))
        if wish.kind is Kind.PROVIDER and wish.provider not in self._registry.hosts:
            raise UnknownProvider(self._no_such_provider(wish.provider or ""))
        refused = await self._refused(wish)
        now = self._till.clock.now()
        self._forget_the_future(now)
        decision = decide(wish, self._standing(now, refused), self._rng)
        if decision.source is Source.PROVIDER:
            return await self._ask_provider(wish, frame, decision, now)
        if decision.source is Source.STORED:
            return self._give_stored(wish, frame, decision)
        return self._give_card(wish, frame, decision)

    def _forget_the_future(self, now: float) -> None:
        """After the clock was set back, one threshold from now is as long as anybody waits."""
        if self._auto_asked is not None:
            self._auto_asked = min(self._auto_asked, now)
        for host in self._registry.hosts.values():
            if host.asked_at is not None:
                host.asked_at = min(host.asked_at, now)

    async def _refused(self, wish: Wish) -> dict[str, str]:
        """Providers that may not be asked now, and why. Asks the journal only when somebody might be asked."""
        if wish.kind is Kind.OLD or (wish.kind is Kind.AUTO and self._is_too_soon()):
            return {}
        refused = {}
        for host in self._registry.hosts.values():
            try:
                why = await self._till.why_not(host)
            except (JournalUnavailable, OSError) as error:
                why = f"what it has spent cannot be read: {error}"
            if why is not None:
                refused[host.code] = why
        return refused

    def _is_too_soon(self) -> bool:
        asked = self._auto_asked
        return asked is not None and 0 <= self._till.clock.now() - asked < self._limits.threshold

    def _standing(self, now: float, refused: dict[str, str]) -> Standing:
        states = self._registry.states()
        return Standing(
            now=now,
            auto_asked=self._auto_asked,
            threshold=self._limits.threshold,
            providers=states,
            stored=self._store.count(),
            refused=refused,
            stored_in={state.code: self._store.count(state.code) for state in states if state.is_library},
            has_room=len(self._open_jobs) < self._limits.queue_size,
        )

    async def _ask_provider(self, wish: Wish, frame: Frame, decision: Decision, now: float) -> Receipt:
        before = self._auto_asked
        notes = {}
        if wish.kind is Kind.AUTO:
            self._auto_asked = now  # before anything is awaited: two frames at once ask one provider once
            notes[AUTO_ASKED] = repr(now)
        prompt = await self._prompt(wish)
        job = Job(
            id=self._ids.give(),
            kind=wish.kind,
            frame=frame.key,
            created=now,
            width=frame.target.width,
            height=frame.target.height,
            why=decision.why,
            candidates=decision.candidates,
            prompt=prompt.text,
            negative=prompt.negative,
            seed=self._rng.getrandbits(31),
        )
        limit = None if wish.kind in (Kind.AUTO, Kind.STARTER) else self._limits.queue_size
        try:
            await self._journal.jobs.create(job, limit=limit, notes=notes)
        except TooManyWaiting:
            raise
        except JournalUnavailable as error:
            # What cannot be written down is not asked for: a picture that is paid could be lost.
            _log.error("job %s: %s", short(job.id), error)
            if wish.kind is Kind.AUTO:
                self._auto_asked = before
            return self._give_stored(wish, frame, Decision(source=Source.STORED, why="the journal cannot be written"))
        self._open_jobs.add(job.id)
        self._queue.wake(job.id)
        self._say(wish, frame, job.id, f"a provider ({', '.join(decision.candidates)})", decision.why)
        return Receipt(id=job.id, state=JobState.QUEUED)

    async def _prompt(self, wish: Wish) -> Prompt:
        if wish.prompt is not None:
            return Prompt(text=wish.prompt, negative=wish.negative, idx=0)
        loop = asyncio.get_running_loop()
        drawn = await loop.run_in_executor(self._executor, self._prompts.draw, self._rng)
        return drawn if wish.negative is None else Prompt(text=drawn.text, negative=wish.negative, idx=drawn.idx)

    def _give_stored(self, wish: Wish, frame: Frame, decision: Decision) -> Receipt:
        picture, turn = self._store.choose(frame.key, decision.scope)
        if picture is None:
            return self._give_card(wish, frame, evolve(decision, why=f"{decision.why}, and {turn}"))
        why = f"{decision.why}; {turn}"
        job_id = self._ids.give("picture", picture)
        self._note(wish, frame, job_id, why, picture=picture)
        self._store.prepare(picture, frame.target)
        self._say(wish, frame, job_id, f"stored picture {picture}", why)
        return Receipt(id=job_id, state=JobState.DONE, picture=picture)

    def _give_card(self, wish: Wish, frame: Frame, decision: Decision) -> Receipt:
        job_id = self._ids.give("card", CARDS.index(decision.card))
        self._note(wish, frame, job_id, decision.why, card=decision.card)
        self._say(wish, frame, job_id, f"a card ({decision.card})", decision.why)
        return Receipt(id=job_id, state=JobState.DONE)

    def _note(
        self, wish: Wish, frame: Frame, job_id: str, why: str, *, picture: int | None = None, card: str | None = None
    ) -> None:
        now = self._clock.now()
        self._journal.jobs.note(
            Job(
                id=job_id,
                kind=wish.kind,
                frame=frame.key,
                created=now,
                width=frame.target.width,
                height=frame.target.height,
                why=why,
                state=JobState.DONE,
                picture=picture,
                card=card,
                settled=now,
            )
        )

    def _no_such_provider(self, code: str) -> str:
        off = self._registry.off.get(code)
        there = ", ".join(sorted(self._registry.hosts)) or "none"
        return f"provider {code} is off: {off}" if off else f"there is no provider called {code}; there are: {there}"

    @staticmethod
    def _say(wish: Wish, frame: Frame, job_id: str, source: str, why: str) -> None:
        who = f"frame {frame.key} asked {wish.kind}" if frame.key else "a starter picture"
        _log.info("%s: job %s, %s, because %s", who, short(job_id), source, why)
