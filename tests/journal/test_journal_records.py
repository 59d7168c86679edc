"""What the journal says about jobs, pictures, laps and notes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from attrs import evolve

from imageserver.errors import TooManyWaiting
from imageserver.job_ids import LIFETIME
from imageserver.jobs import JobState, Kind
from imageserver.journal import STORE, Found, Journal, LapRecord
from journal.records import a_done_job, a_job, a_picture


async def test_a_job_comes_back_as_it_was(journal: Journal) -> None:
    """Every field of a job survives the journal, text in any script too."""
    job = a_job(
        "j",
        kind=Kind.PROVIDER,
        candidates=("one", "two"),
        prompt="«Жф₽»\n'; DROP TABLE jobs; --",
        negative="",
        seed=2**31 - 1,
        provider="one",
        ticket="t",
        picture=2**40,
        card="c",
        error="e",
        message="м",
        settled=1.5,
        fetched=2.5,
    )
    await journal.jobs.create(job)
    assert await journal.jobs.get("j") == job


async def test_the_queue_has_an_end(journal: Journal) -> None:
    """The job above the limit is refused and nothing of it is written; a settled one makes room."""
    await journal.jobs.create(a_job("1"), limit=2)
    await journal.jobs.create(a_job("2"), limit=2)
    with pytest.raises(TooManyWaiting):
        await journal.jobs.create(a_job("3"), limit=2, notes={"asked": "now"})
    assert await journal.jobs.get("3") is None
    assert await journal.notes.get("asked") is None
    await journal.jobs.settle(a_done_job("1"))
    await journal.jobs.create(a_job("3"), limit=2, notes={"asked": "now"})
    assert await journal.notes.get("asked") == "now"


async def test_many_at_once_do_not_pass_the_limit(journal: Journal) -> None:
    """Of fifty jobs created at the same moment with a limit of seven, seven are taken."""
    results = await asyncio.gather(
        *(journal.jobs.create(a_job(str(number)), limit=7) for number in range(50)), return_exceptions=True
    )
    assert sum(result is None for result in results) == 7
    assert sum(isinstance(result, TooManyWaiting) for result in results) == 43
    assert len(await journal.jobs.unfinished()) == 7


async def test_a_job_is_settled_once(journal: Journal) -> None:
    """The first end counts; later ones are told so and change nothing."""
    await journal.jobs.create(a_job("j"))
    ends = [a_done_job("j", picture=number) for number in (1, 2, 3)]
    assert await asyncio.gather(*map(journal.jobs.settle, ends)) == [True, False, False]
    kept = await journal.jobs.get("j")
    assert kept is not None
    assert kept.picture == 1


async def test_a_settled_job_cannot_be_claimed(journal: Journal) -> None:
    """begin_call says no for a job that is settled or was never there, and a ticket or failure changes it no more."""
    await journal.jobs.create(a_job("j"))
    assert await journal.jobs.begin_call("j", "painter", 1.0)
    await journal.jobs.settle(a_done_job("j"))
    assert not await journal.jobs.begin_call("j", "painter", 1.0)
    assert not await journal.jobs.begin_call("nobody", "painter", 1.0)
    await journal.jobs.keep_ticket("j", "ticket")
    await journal.jobs.note_failure(a_job("j", error="late"))
    kept = await journal.jobs.get("j")
    assert kept is not None
    assert (kept.state, kept.ticket, kept.error) == (JobState.DONE, None, None)


async def test_a_job_walks_through_its_states(journal: Journal) -> None:
    """A call, a failure, a call of the next provider and a ticket are each in the journal when they return."""
    await journal.jobs.create(a_job("j", candidates=("a", "b")))
    seen = []

    async def look() -> None:
        job = await journal.jobs.get("j")
        assert job is not None
        seen.append((str(job.state), job.provider, job.error, job.ticket))

    await journal.jobs.begin_call("j", "a", 1.0)
    await look()
    await journal.jobs.note_failure(a_job("j", provider="a", error="payment", message="no money"))
    await look()
    await journal.jobs.begin_call("j", "b", 1.0)
    await look()
    await journal.jobs.keep_ticket("j", "T1")
    await look()
    assert seen == [
        ("calling", "a", None, None),
        ("queued", "a", "payment", None),
        ("calling", "b", None, None),
        ("waiting", "b", None, "T1"),
    ]
    assert [job.id for job in await journal.jobs.unfinished()] == ["j"]


async def test_awaited_pictures(journal: Journal) -> None:
    """A picture is awaited from its job until a frame has taken it, or the id has expired."""
    for number in (1, 2, 3):
        journal.jobs.note(a_done_job(str(number), picture=number, created=1000.0 * number))
    journal.jobs.note(a_done_job("card", card="nothing_stored"))
    journal.jobs.fetched("2", 2001.0)
    assert await journal.jobs.awaited_pictures(3000.0) == {1, 3}
    assert await journal.jobs.awaited_pictures(1000.0 + LIFETIME) == {3}


async def test_old_jobs_are_forgotten_but_no_open_one(journal: Journal) -> None:
    """Only settled jobs are forgotten, however old an open one is."""
    await journal.jobs.create(a_job("open", created=1.0))
    journal.jobs.note(a_done_job("done", created=1.0))
    journal.jobs.note(a_done_job("young", created=100.0))
    assert await journal.jobs.forget_before(50.0) == 1
    assert [job.id for job in await journal.jobs.recent(10)] == ["young", "open"]


async def test_a_picture_and_its_job_are_one_commit(journal: Journal) -> None:
    """A picture is added and its job done with its id, together; a second time the picture keeps its id."""
    await journal.jobs.create(a_job("j"))
    picture = a_picture("original/a.jpg", details={"style": "звёзды"}, seed=5)
    number = await journal.pictures.add_and_settle(picture, a_done_job("j"))
    assert await journal.pictures.get(number) == evolve(picture, id=number)
    job = await journal.jobs.get("j")
    assert job is not None
    assert (job.state, job.picture) == (JobState.DONE, number)
    assert await journal.pictures.add_and_settle(picture, a_done_job("j")) == number


async def test_ids_of_pictures_are_never_given_twice(journal: Journal) -> None:
    """The id of a forgotten picture stays unused, for it may still be on its way to a frame."""
    first = await journal.pictures.add_and_settle(a_picture("a.jpg"), a_job("none"))
    await journal.pictures.forget([first])
    assert await journal.pictures.add_and_settle(a_picture("a.jpg"), a_job("none")) == first + 1


async def test_a_scan_keeps_what_came_meanwhile(journal: Journal) -> None:
    """A picture added while the folder was being read is not gone for being missing in the list."""
    files = [Found(path=name, size=1, mtime_ns=1) for name in ("a.jpg", "b.jpg")]
    await journal.pictures.take_scan(STORE, files, 1.0, await journal.pictures.last_id())
    last = await journal.pictures.last_id()
    added = await journal.pictures.add_and_settle(a_picture("original/new.jpg"), a_job("none"))
    result = await journal.pictures.take_scan(STORE, files[:1], 2.0, last)
    assert (result.added, result.changed, result.gone) == ((), (), (2,))
    assert await journal.pictures.get(added) is not None


async def test_a_scan_touches_one_root_only(journal: Journal) -> None:
    """The same path in two roots is two pictures, and a scan of one forgets nothing of the other."""
    file = Found(path="a.jpg", size=1, mtime_ns=1)
    await journal.pictures.take_scan(STORE, [file], 1.0, 0)
    await journal.pictures.take_scan("folder", [file], 1.0, 1)
    await journal.pictures.take_scan("folder", [], 2.0, 2)
    assert await journal.pictures.usable() == [(1, STORE)]


async def test_a_changed_file_is_tried_again(journal: Journal) -> None:
    """A broken picture can be shown again once its file is another one, and only then."""
    file = Found(path="a.jpg", size=1, mtime_ns=1)
    await journal.pictures.take_scan(STORE, [file], 1.0, 0)
    await journal.pictures.set_broken(1, "truncated")
    await journal.pictures.take_scan(STORE, [file], 2.0, 1)
    assert [picture.broken for picture in await journal.pictures.broken()] == ["truncated"]
    result = await journal.pictures.take_scan(STORE, [evolve(file, mtime_ns=2)], 3.0, 1)
    assert result.changed == (1,)
    assert await journal.pictures.broken() == []


async def test_a_lap_survives_a_restart(tmp_path: Path) -> None:
    """What a frame has seen is the same after the journal was closed and opened."""
    lap = LapRecord(
        frame="10.0.0.7",
        scope="folder",
        seed=2**62 - 1,
        low=3,
        high=900,
        position=17,
        newest=950,
        ahead=(960, 999),
        shown=12,
        last_seen=5.5,
    )
    journal = Journal(tmp_path / "journal.sqlite")
    await journal.open()
    journal.frames.keep(evolve(lap, position=1, shown=0, ahead=()))
    journal.frames.keep(lap)
    journal.frames.keep(evolve(lap, frame="other", last_seen=4.0))
    await journal.close()
    await journal.open()
    assert await journal.frames.laps(1) == [lap]
    await journal.frames.forget_before(5.0)
    assert await journal.frames.laps(10) == [lap]
    await journal.close()
