"""What the owner wants to see on a frame next: a picture, or the one that a job is making.

A frame can only be answered, never called. So a choice waits here, in memory and in the journal, until the frame has
read the picture: an answer that was lost on its way uses nothing up.
"""

from __future__ import annotations

from attrs import define, field

from imageserver.errors import JournalUnavailable
from imageserver.jobs import OpenJobs
from imageserver.journal import Journal

_NOTE = "hang:"  # the notes that hold the choices begin with this
_JOB = "job:"  # before a job's id; a picture is a number alone
_MOST = 10_000  # frames; the one chosen for longest ago is let go first


@define(kw_only=True, eq=False)
class Choices:
    """One choice a frame at most; the last one counts."""

    _journal: Journal
    _open_jobs: OpenJobs
    _chosen: dict[str, int | str] = field(init=False, factory=dict)  # frame → picture, or the id of a job

    async def open(self) -> None:
        """Take up what was chosen before a restart."""
        for frame, chosen in (await self._journal.notes.beginning(_NOTE)).items():
            self._chosen[frame] = chosen.removeprefix(_JOB) if chosen.startswith(_JOB) else int(chosen)

    async def choose(self, frame: str, picture: int) -> None:
        """Hang this picture there next. Raises JournalUnavailable."""
        await self._journal.notes.put(f"{_NOTE}{frame}", str(picture))
        self._keep(frame, picture)

    async def choose_job(self, frame: str, job: str) -> None:
        """Hang there next what this job brings, as soon as it has. Raises JournalUnavailable."""
        await self._journal.notes.put(f"{_NOTE}{frame}", _JOB + job)
        self._keep(frame, job)

    async def of(self, frame: str) -> int | None:
        """The picture for this frame, or None. Waits for nothing, but for the journal where a job was chosen."""
        chosen = self._chosen.get(frame)
        while isinstance(chosen, str):
            if chosen in self._open_jobs:
                return None
            try:
                job = await self._journal.jobs.get(chosen)
            except JournalUnavailable:  # the frame gets another picture meanwhile
                return None
            if self._chosen.get(frame) == chosen:  # and nothing else was chosen, or taken, meanwhile
                if job is None or (job.is_finished and job.picture is None):
                    self.forget(frame)
                elif job.picture is None:
                    return None
                else:
                    self._chosen[frame] = job.picture
            chosen = self._chosen.get(frame)
        return chosen

    def is_being_made(self, frame: str) -> bool:
        """Whether what was chosen for this frame is not there yet, as far as `of` has seen."""
        return isinstance(self._chosen.get(frame), str)

    def taken(self, frame: str, picture: int) -> None:
        """The frame has read a picture; if it was the one, its turn is over."""
        if self._chosen.get(frame) == picture:
            self.forget(frame)

    def forget(self, frame: str) -> None:
        """What was chosen for this frame is over, or never will be."""
        if self._chosen.pop(frame, None) is not None:
            self._journal.notes.forget(f"{_NOTE}{frame}")

    async def rename(self, old: str, new: str) -> None:
        """A frame has another key from now on; what was chosen for it still comes."""
        chosen = self._chosen.get(old)
        if chosen is None:
            return
        if new not in self._chosen:
            await self._journal.notes.put(f"{_NOTE}{new}", _JOB + chosen if isinstance(chosen, str) else str(chosen))
            self._keep(new, chosen)
        self.forget(old)

    def _keep(self, frame: str, chosen: int | str) -> None:
        self._chosen.pop(frame, None)
        self._chosen[frame] = chosen
        if len(self._chosen) > _MOST:
            self.forget(next(iter(self._chosen)))
