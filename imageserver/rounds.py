"""What the schedule does on its rounds."""

from __future__ import annotations

from datetime import timedelta

from attrs import define

from imageserver.clock import Clock, local_time
from imageserver.config.model import Options
from imageserver.frames import Frames
from imageserver.jobs import JobQueue, OpenJobs
from imageserver.journal import Journal
from imageserver.pictures.rotation import Rotation
from imageserver.pictures.store import PictureStore
from imageserver.pictures.trash import Trash
from imageserver.registry import Registry
from imageserver.schedule import Entry
from imageserver.sightings import Sightings
from imageserver.target import THUMBNAIL

_DAY = 24 * 3600.0
_JOBS_KEPT = 2 * _DAY  # an id is good for one day; the second is for an owner who asks what happened
_MOST_JOBS = 100_000  # a thousand frames write more than a million a day
_FRAMES_KEPT = 90 * _DAY
_COUNTED_DAYS = timedelta(days=400)
_LONGEST_SCAN = 6 * 3600.0  # seconds; a million pictures on a slow network folder take one of these hours


@define(kw_only=True, eq=False)
class Rounds:
    """The schedule's actions."""

    _journal: Journal
    _store: PictureStore
    _registry: Registry
    _rotation: Rotation
    _trash: Trash
    _frames: Frames
    _sightings: Sightings
    _queue: JobQueue
    _open_jobs: OpenJobs
    _clock: Clock

    def entries(self, options: Options) -> tuple[Entry, ...]:
        """When each of them is due."""
        pending, scan = options.check_pending_cron, options.scan_image_cron
        return (
            Entry(name="ask about waiting jobs", cron=pending, action=self.ask_waiting, patience=_LONGEST_SCAN),
            Entry(name="count and rotate pictures", cron=scan, action=self.scan_and_rotate, patience=_LONGEST_SCAN),
        )

    async def ask_waiting(self) -> None:
        """Wake every unfinished job, so that tickets are asked about and nothing lies for ever."""
        for job_id in self._open_jobs.all():
            self._queue.wake(job_id)
        await self._journal.jobs.trim(_MOST_JOBS)
        await self._registry.check_readiness()
        # A picture that the owner drops into a folder is on the wall within a minute, not at midnight.
        await self._store.scan_if_changed()
        await self._sightings.look_over()

    async def scan_and_rotate(self) -> None:
        """Look at every folder, delete what is too much, forget what nobody asks for any more."""
        await self._store.scan()
        await self._trash.empty(self._rotation.most)
        await self._rotation.run()
        now = self._clock.now()
        await self._journal.jobs.forget_before(now - _JOBS_KEPT)
        await self._journal.frames.forget_before(now - _FRAMES_KEPT)
        await self._journal.sightings.forget_before(now - _FRAMES_KEPT)
        oldest = local_time(self._clock).date() - _COUNTED_DAYS
        await self._journal.counters.forget_before(oldest.isoformat())  # the totals keep what these days add up to
        await self._store.renditions.keep_only([*self._frames.targets(), THUMBNAIL])
        self._frames.forget_sizes()
