"""Jobs and pictures to put into a journal."""

from __future__ import annotations

from attrs import evolve

from imageserver.jobs import Job, JobState, Kind
from imageserver.journal import STORE, Journal, Picture

_JOB = Job(
    id="job", kind=Kind.AUTO, frame="10.0.0.7", created=1000.0, width=320, height=480, why="the threshold has passed"
)


def a_job(job_id: str, **facts: object) -> Job:
    """An unfinished job, unless `facts` say otherwise."""
    return evolve(_JOB, id=job_id, **facts)  # type: ignore[arg-type]  # a wrong fact fails the test that gives it


def a_done_job(job_id: str, **facts: object) -> Job:
    """A settled job."""
    return a_job(job_id, state=JobState.DONE, settled=1001.0, **facts)


def a_picture(path: str, **facts: object) -> Picture:
    """A picture of the store, made by a provider."""
    plain = Picture(id=0, root=STORE, path=path, size=3, mtime_ns=7, first_seen=1000.0, provider="painter")
    return evolve(plain, **facts)  # type: ignore[arg-type]  # as above


async def usable(journal: Journal) -> list[tuple[int, str, str | None]]:
    """Id, root and maker of every picture that can be shown, as a start reads them."""
    return sorted([(number, row.root, row.maker) async for row in journal.scans.shelves() for number in row.ids])
