"""Whether the server is alive: the loop turns, workers work, the schedule goes on, the journal answers.

What is slow is not dead: a provider may take its whole deadline, a scan hours, a flush of a memory card a minute. Time
is counted in beats of the loop itself, one a second, so that a machine that was asleep has missed nothing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping
from enum import StrEnum

from attrs import astuple, define, field

from imageserver.clock import Clock
from imageserver.crew import Crew
from imageserver.jobs import JobQueue
from imageserver.journal import Journal
from imageserver.schedule import Entry, Timetable
from imageserver.supervisor import Supervisor

_BEAT = 1.0  # seconds
_MINUTE = 60  # beats
_LATE = 10.0  # seconds that the loop may be behind; a frame has given up long before
_SILENCE = 60  # beats that the journal may take for one line
_QUESTIONS = 10.0  # seconds between two questions to it
_STANDSTILL = 120  # beats in which a job waits and no worker takes any, though one is always free
_TURN = 60  # beats in which the schedule looks at the clock at least once; it does so every 20 s
LOOP, JOURNAL, QUEUE = "event loop", "journal", "queue"


class Stage(StrEnum):
    """Whether frames are answered."""

    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"


@define
class _Standstill:
    """For how many beats something has not moved on."""

    seen: object = None
    beats: int = 0

    def look(self, now: object) -> None:
        self.beats = self.beats + 1 if now == self.seen else 0
        self.seen = now

    def lasts(self, now: object, patience: float) -> bool:
        """Whether it has not moved for more beats than that, this one included."""
        return now is not None and now == self.seen and self.beats > patience


@define(kw_only=True, eq=False)
class Vigil:
    """Watches what must run. Costs a look at some numbers each second; no request passes here."""

    _supervisor: Supervisor
    _crew: Crew
    _timetable: Timetable
    _journal: Journal
    _queue: JobQueue
    _clock: Clock
    stage: Stage = field(init=False, default=Stage.STARTING)
    _fell_asleep: float | None = field(init=False, default=None)  # the loop's own time
    _lags: deque[float] = field(init=False, factory=lambda: deque([0.0], _MINUTE))  # seconds, of the last beats
    _questions: int = field(init=False, default=0)  # to the journal
    _answers: int = field(init=False, default=0)
    _silence: _Standstill = field(init=False, factory=_Standstill)
    _jobs: _Standstill = field(init=False, factory=_Standstill)
    _entries: dict[str, _Standstill] = field(init=False, factory=dict)

    def begin(self) -> None:
        """Watch from now on."""
        self._supervisor.keep_running("vigil", self.run)
        self._supervisor.keep_running("vigil over the journal", self.listen)

    async def run(self) -> None:
        """Beat until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self._fell_asleep = loop.time()
            await self._clock.sleep(_BEAT)
            self._lags.append(self._behind())
            self.beat()

    async def listen(self) -> None:
        """Ask the journal for a word every few seconds, until cancelled."""
        while True:
            self._questions += 1
            await self._journal.answers()  # that it cannot read is an answer: a new start could read no more
            self._answers = self._questions
            await self._clock.sleep(_QUESTIONS)

    def beat(self) -> None:
        """A second has passed in which the loop turned."""
        self._silence.look(self._owed())
        self._jobs.look(self._waiting())
        for name, turns in self._timetable.turns.items():
            self._entries.setdefault(name, _Standstill()).look(astuple(turns))

    @property
    def restarts(self) -> Mapping[str, int]:
        """What died and was started again since the start, by name."""
        return self._supervisor.restarts

    @property
    def loop_lag(self) -> float:
        """Seconds by which the loop was behind at most, in the last minute."""
        return max(*self._lags, self._behind())

    def not_running(self) -> list[str]:
        """The names of what must run and does not."""
        return list(dict.fromkeys(self._dead()))

    def _dead(self) -> Iterator[str]:
        if max(self._lags[-1], self._behind()) > _LATE:
            yield LOOP
        for name in self._crew.names:
            if not self._supervisor.is_alive(name):
                yield name
        if self._jobs.lasts(self._waiting(), _STANDSTILL):
            yield QUEUE
        for entry in self._timetable.entries:
            if not self._supervisor.is_alive(entry.name) or self._is_stuck(entry):
                yield entry.name
        if self._silence.lasts(self._owed(), _SILENCE):
            yield JOURNAL

    def _is_stuck(self, entry: Entry) -> bool:
        turns, still = self._timetable.turns.get(entry.name), self._entries.get(entry.name)
        if turns is None or still is None:
            return False
        return still.lasts(astuple(turns), entry.patience if turns.is_acting else _TURN)

    def _owed(self) -> int | None:
        """The question that the journal has not answered yet."""
        return self._questions if self._answers < self._questions else None

    def _waiting(self) -> int | None:
        """How many jobs were taken before the one that waits now; None while none waits."""
        return self._queue.taken if len(self._queue) else None

    def _behind(self) -> float:
        """Seconds by which the beat that is due is late."""
        if self._fell_asleep is None:
            return 0.0
        return max(0.0, asyncio.get_running_loop().time() - self._fell_asleep - _BEAT)
