from __future__ import annotations

import asyncio

import pytest

from imageserver.jobs import UNFINISHED, Job, JobQueue, JobState, Kind, OpenJobs


@pytest.mark.parametrize("state", JobState)
def test_a_job_is_finished_or_not(state: JobState) -> None:
    """Queued, calling and waiting are unfinished; done, failed and unknown are ends."""
    job = Job(id="j", kind=Kind.ANY, frame="", created=0.0, width=1, height=1, why="", state=state)
    assert job.is_finished is (state in {JobState.DONE, JobState.FAILED, JobState.UNKNOWN})
    assert job.is_finished is (state not in UNFINISHED)


async def test_the_queue_gives_ids_in_their_order() -> None:
    """Ids come out as they went in, doubled ones twice, and a waiting worker is woken."""
    queue = JobQueue()
    waiting = asyncio.ensure_future(queue.next())
    await asyncio.sleep(0)
    for job_id in ("a", "b", "b"):
        queue.wake(job_id)
    assert [await waiting, await queue.next(), await queue.next()] == ["a", "b", "b"]
    assert len(queue) == 0


async def test_whoever_waits_goes_on_when_the_job_ends() -> None:
    """All who wait for a job go on at its end, and nobody waits for one that is not open."""
    jobs = OpenJobs()
    jobs.add("j")
    jobs.add("j")
    waiting = [asyncio.ensure_future(jobs.wait("j", 3600)) for _ in range(3)]
    await asyncio.sleep(0)
    assert not any(one.done() for one in waiting)
    jobs.end("j")
    await asyncio.gather(*waiting)
    assert "j" not in jobs
    assert len(jobs) == 0
    jobs.end("j")
    await jobs.wait("j", 3600)


async def test_nobody_waits_for_ever() -> None:
    """When the job does not end in time the waiting does, without an error, and the job stays open."""
    jobs = OpenJobs()
    jobs.add("j")
    await jobs.wait("j", 0)
    assert jobs.all() == ["j"]


async def test_a_stop_lets_everybody_go() -> None:
    """When the server stops whoever waits goes on at once, and the jobs stay open."""
    jobs = OpenJobs()
    for job_id in ("a", "b"):
        jobs.add(job_id)
    waiting = [asyncio.ensure_future(jobs.wait(job_id, 3600)) for job_id in ("a", "b")]
    await asyncio.sleep(0)
    jobs.release()
    await asyncio.gather(*waiting)
    assert jobs.all() == ["a", "b"]


@pytest.mark.parametrize("steps", range(5))
async def test_a_cancellation_is_not_lost_when_the_job_ends_at_the_same_moment(steps: int) -> None:
    """A waiter that is released and cancelled together ends cancelled: at a stop both happen at once."""
    open_jobs = OpenJobs()
    open_jobs.add("job")
    waiter = asyncio.create_task(open_jobs.wait("job", 60))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    open_jobs.release()
    for _ in range(steps):
        await asyncio.sleep(0)
    was_running = waiter.cancel()
    await asyncio.wait({waiter})
    assert waiter.cancelled() is was_running
