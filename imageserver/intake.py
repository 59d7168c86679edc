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

from imageserver.clock import Clock, local_time
from imageserver.config.model import Options
from imageserver.error_cards import ErrorCards
from imageserver.errors import JournalUnavailable, TooManyWaiting, UnknownProvider
from imageserver.frames import Frame
from imageserver.job_ids import JobIds
from imageserver.jobs import CARDS, Job, JobQueue, JobState, Kind, OpenJobs, short
from imageserver.journal import ASKED, Journal
from imageserver.log_ration import LogRation
from imageserver.naps import Naps
from imageserver.pictures.choices import Choices
from imageserver.pictures.store import PictureStore
from imageserver.policy import Decision, Source, Standing, Wish, decide
from imageserver.prompts import Prompt, PromptLibrary
from imageserver.registry import Registry
from imageserver.sleeping import BY_HAND, FrameSleepWindow, asleep
from imageserver.till import Till
from imageserver.troubles import Trouble

_NOBODYS = {Kind.STARTER: "a starter picture"}  # wishes that no frame has
_CHOSEN = "the owner chose it"
AUTO_ASKED = "auto_asked"  # the note that holds when `auto` last asked a provider

_log = logging.getLogger(__name__)


@frozen(kw_only=True)
class Receipt:
    """What a frame gets for its wish."""

    id: str
    state: Literal[JobState.QUEUED, JobState.DONE]
    picture: int | None = None
    why: str = ""


@frozen(kw_only=True)
class Foreseen:
    """What a frame would get if it asked now."""

    decision: Decision
    picture: int | None = None  # where it is certain which one
    is_being_made: bool = False  # what its owner asked for is not there yet


@frozen(kw_only=True)
class Limits:
    """The options that the intake obeys."""

    threshold: float  # seconds between two times that `auto` asks a provider
    queue_size: int


def limits_of(options: Options) -> Limits:
    """What the options say."""
    return Limits(threshold=options.image_generate_threshold * 60, queue_size=options.queue_size)


@define(kw_only=True, eq=False)
class Intake:
    """The one place where jobs begin."""

    _journal: Journal
    _store: PictureStore
    _choices: Choices
    _registry: Registry
    _prompts: PromptLibrary
    _queue: JobQueue
    _open_jobs: OpenJobs
    _ids: JobIds
    limits: Limits
    _till: Till
    _error_cards: ErrorCards
    _naps: Naps
    _clock: Clock
    _rng: random.Random
    _executor: Executor
    _auto_asked: float | None = field(init=False, default=None)
    counts: dict[str, int] = field(init=False, factory=dict)  # wishes since the start, by kind
    _everyday: LogRation = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._everyday = LogRation(log=_log, clock=self._clock, more="%d more wishes were answered without a provider")

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
        if wish.kind is Kind.AUTO and (chosen := await self.chosen(frame)) is not None:
            self._store.mark_seen(frame.key, chosen)
            return self._give(wish, frame, chosen, _CHOSEN)
        refused = await self._refused(wish)
        now = self._till.clock.now()
        self._forget_the_future(now)
        standing = await self._standing(wish, frame, now, refused)
        decision = decide(wish, standing, self._rng)
        if decision.source is Source.PROVIDER:
            return await self._ask_provider(wish, frame, decision, now)
        if decision.source is Source.STORED:
            return self._give_stored(wish, frame, decision)
        return self._give_card(wish, frame, decision)

    async def chosen(self, frame: Frame) -> int | None:
        """The picture that the owner wants to see on this frame next; a window with a black picture comes first."""
        picture = await self._choices.of(frame.key)
        if picture is None:
            return None
        if not self._store.has(picture):
            self._choices.forget(frame.key)
            return None
        window = self.asleep(frame)
        return None if window is not None and window.black_image_mode else picture

    @property
    def threshold(self) -> float:
        """Seconds between two times that `auto` asks any provider."""
        return self.limits.threshold

    def asleep(self, frame: Frame) -> FrameSleepWindow | None:
        """The window that the frame sleeps in; one that its owner sent to sleep does so at any hour."""
        return BY_HAND if self._naps.has(frame.key) else asleep(frame.sleep_time, local_time(self._clock))

    async def foresee(self, frame: Frame) -> Foreseen:
        """What `auto` would bring this frame now. Nothing is begun, nobody is asked and no turn is used up."""
        chosen = await self.chosen(frame)
        if chosen is not None:
            return Foreseen(decision=Decision(source=Source.STORED, why=_CHOSEN), picture=chosen)
        wish = Wish(kind=Kind.AUTO)
        refused, now = await self._refused(wish), self._till.clock.now()
        standing = await self._standing(wish, frame, now, refused)
        decision = decide(wish, standing, random.Random(0))  # noqa: S311 - nothing is chosen by it
        is_stored = decision.source is Source.STORED
        return Foreseen(
            decision=decision,
            picture=self._store.peek(frame.key, decision.scope or frame.scope) if is_stored else None,
            is_being_made=self._choices.is_being_made(frame.key),
        )

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
        refused: dict[str, str] = {}
        for host in self._registry.hosts.values():
            try:
                why = await self._till.why_not(host)
            except (JournalUnavailable, OSError) as error:
                why = Trouble(f"what it has spent cannot be read: {error}", "journal")
            if why is not None:
                refused[host.code] = why
        return refused

    def _is_too_soon(self) -> bool:
        asked = self._auto_asked
        return asked is not None and 0 <= self._till.clock.now() - asked < self.limits.threshold

    async def _standing(self, wish: Wish, frame: Frame, now: float, refused: dict[str, str]) -> Standing:
        # Awaited before the rest is looked at, and only where an error may be said at all.
        has_some = self._store.count(frame.scope) > 0
        might_be_told = bool(refused) if has_some else frame.providers is not None
        may_tell = not might_be_told or await self._error_cards.may_tell(frame.key)
        states = self._registry.states()
        is_choosy = frame.providers is not None
        if is_choosy and wish.kind is not Kind.PROVIDER:  # who names a provider means it
            # The last resort is for everybody, and one like the others for a frame that names it.
            mine = [evolve(state, role="chosen") for state in states if frame.shows(state.code)]
            states = mine + [state for state in states if state.role == "last_resort" and not frame.shows(state.code)]
            is_choosy = not any(state.role == "last_resort" and frame.shows(state.code) for state in states)
        return Standing(
            now=now,
            auto_asked=self._auto_asked,
            threshold=self.limits.threshold,
            providers=states,
            stored=self._store.count(frame.scope),
            refused=refused,
            stored_in={state.code: self._store.count(state.code) for state in states if state.is_library},
            has_room=len(self._open_jobs) < self.limits.queue_size,
            is_choosy=is_choosy,
            asleep=self.asleep(frame),
            may_tell=may_tell,
        )

    async def _ask_provider(self, wish: Wish, frame: Frame, decision: Decision, now: float) -> Receipt:
        before = self._auto_asked
        notes = {}
        if wish.kind is Kind.AUTO:
            self._auto_asked = now  # before anything is awaited: two frames at once ask one provider once
            notes[AUTO_ASKED] = repr(now)
        prompt = await self._prompt(wish, frame)
        job = Job(
            id=self._ids.give(),
            kind=wish.kind,
            frame=frame.key,
            created=now,
            width=frame.target.upright[0],
            height=frame.target.upright[1],
            why=decision.why,
            candidates=decision.candidates,
            prompt=prompt.text,
            template=prompt.template,
            translations=prompt.translations,
            negative=prompt.negative,
            seed=self._rng.getrandbits(31),
        )
        limit = None if wish.kind in (Kind.AUTO, Kind.STARTER) else self.limits.queue_size
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
        return Receipt(id=job.id, state=JobState.QUEUED, why=decision.why)

    async def _prompt(self, wish: Wish, frame: Frame) -> Prompt:
        text = wish.prompt
        if text is None and frame.prompts:
            text = self._rng.choice(frame.prompts)
        loop = asyncio.get_running_loop()
        if text is not None:
            return await loop.run_in_executor(self._executor, self._prompts.expand, text, self._rng, wish.negative)
        drawn = await loop.run_in_executor(self._executor, self._prompts.draw, self._rng)
        return drawn if wish.negative is None else evolve(drawn, negative=wish.negative)

    def _give_stored(self, wish: Wish, frame: Frame, decision: Decision) -> Receipt:
        picture, turn = self._store.choose(frame.key, decision.scope or frame.scope)
        if picture is None:
            return self._give_card(wish, frame, evolve(decision, why=f"{decision.why}, and {turn}"))
        return self._give(wish, frame, picture, f"{decision.why}; {turn}")

    def _give(self, wish: Wish, frame: Frame, picture: int, why: str) -> Receipt:
        job_id = self._ids.give("picture", picture)
        self._note(wish, frame, job_id, why, picture=picture)
        self._store.prepare(picture, frame.target)
        self._say(wish, frame, job_id, f"stored picture {picture}", why, is_everyday=True)
        return Receipt(id=job_id, state=JobState.DONE, picture=picture, why=why)

    def _give_card(self, wish: Wish, frame: Frame, decision: Decision) -> Receipt:
        job_id = self._ids.give("card", CARDS.index(decision.card))
        self._note(wish, frame, job_id, decision.why, card=decision.card)
        self._say(wish, frame, job_id, f"a card ({decision.card})", decision.why, is_everyday=True)
        return Receipt(id=job_id, state=JobState.DONE, why=decision.why)

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
                width=frame.target.upright[0],
                height=frame.target.upright[1],
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

    def _say(self, wish: Wish, frame: Frame, job_id: str, source: str, why: str, *, is_everyday: bool = False) -> None:
        who = f"frame {frame.key} asked {wish.kind}" if frame.key else _NOBODYS.get(wish.kind, "somebody asked")
        say = self._everyday.info if is_everyday else _log.info
        say("%s: job %s, %s, because %s", who, short(job_id), source, why)
