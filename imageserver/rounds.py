"""What the schedule does on its rounds."""

from __future__ import annotations

from attrs import define

from imageserver.clock import Clock
from imageserver.frames import Frames
from imageserver.jobs import JobQueue, OpenJobs
from imageserver.journal import Journal
from imageserver.pictures.rotation import Rotation
from imageserver.pictures.store import PictureStore
from imageserver.registry import Registry

_DAY = 24 * 3600.0
_JOBS_KEPT = 2 * _DAY  # an id is good for one day; the second is for an owner who asks what happened
_FRAMES_KEPT = 90 * _DAY


@define(kw_only=True, eq=False)
class Rounds:
    """The schedule's actions."""

    _journal: Journal
    _store: PictureStore
    _registry: Registry
    _rotation: Rotation
    _frames: Frames
    _queue: JobQueue
    _open_jobs: OpenJobs
    _clock: Clock

    async def ask_waiting(self) -> None:
        """Wake every unfinished job, so that tickets are asked about and nothing lies for ever."""
        for job_id in self._open_jobs.all():
            self._queue.wake(job_id)
        await self._registry.check_readiness()
        # A picture that the owner drops into a folder is on the wall within a minute, not at midnight.
        await self._store.scan_if_changed()

    async def scan_and_rotate(self) -> None:
        """Look at every folder, delete what is too much, forget what nobody asks for any more."""
        await self._store.scan()
        await self._rotation.run()
        now = self._clock.now()
        await self._journal.jobs.forget_before(now - _JOBS_KEPT)
        await self._journal.frames.forget_before(now - _FRAMES_KEPT)
        await self._store.renditions.keep_only(self._frames.targets())
