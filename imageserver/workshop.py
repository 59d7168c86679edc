"""What jobs are worked on with: the settler, the hands, and as many workers as are wanted, all with the same tools."""

from __future__ import annotations

import random
from concurrent.futures import Executor
from pathlib import Path

from attrs import define, field

from imageserver.answers import Answers
from imageserver.clock import Clock
from imageserver.counters import Counters
from imageserver.error_cards import ErrorCards
from imageserver.extension_registry import Extensions
from imageserver.frames import Frames
from imageserver.jobs import Hands, JobQueue, OpenJobs
from imageserver.journal import Journal
from imageserver.pictures.quarantine import Quarantine
from imageserver.pictures.store import PictureStore
from imageserver.providers import GeneratedImage
from imageserver.registry import Registry
from imageserver.settler import Settler
from imageserver.till import Till
from imageserver.worker import Worker


@define(kw_only=True, eq=False)
class Workshop:
    """Gives workers their tools; whoever hires them owns them."""

    _journal: Journal
    _registry: Registry
    _extensions: Extensions
    _store: PictureStore
    _frames: Frames
    _queue: JobQueue
    _open_jobs: OpenJobs
    _till: Till
    _answers: Answers
    _error_cards: ErrorCards
    _counters: Counters
    _quarantine: Path
    _pause: float  # seconds between two attempts at a provider
    _clock: Clock
    _rng: random.Random
    _disk: Executor
    _judge: Executor
    hands: Hands = field(init=False, factory=Hands)
    _unsaved: dict[str, GeneratedImage] = field(init=False, factory=dict)
    _first_polled: dict[str, float] = field(init=False, factory=dict)
    _settler: Settler = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._settler = Settler(
            journal=self._journal,
            store=self._store,
            open_jobs=self._open_jobs,
            quarantine=Quarantine(self._quarantine),
            answers=self._answers,
            error_cards=self._error_cards,
            clock=self._clock,
            executor=self._judge,
            tell=self._extensions.tell,
            count=self._counters.picture_made,
            scope_of=self._frames.scope_of,
        )

    def take_on(self) -> Worker:
        """One more worker."""
        return Worker(
            journal=self._journal,
            registry=self._registry,
            extensions=self._extensions,
            queue=self._queue,
            open_jobs=self._open_jobs,
            settler=self._settler,
            till=self._till,
            answers=self._answers,
            hands=self.hands,
            pause=self._pause,
            unsaved=self._unsaved,
            first_polled=self._first_polled,
            counters=self._counters,
            clock=self._clock,
            rng=self._rng,
            executor=self._disk,
        )
