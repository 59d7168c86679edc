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
from journal.records import a_done_job, a_job, a_picture, usable


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


async def test_a_crowds_jobs_are_trimmed(journal: Journal) -> None:
    """Above the most that are kept only what a frame has taken from the store is deleted, the oldest first.

    Whatever a provider painted, what is still to be fetched and what is open stays.
    """
    for number in range(5000):
        journal.jobs.note(a_done_job(f"s{number}", picture=1, fetched=3000.0))
    journal.jobs.note(a_done_job("awaited", picture=2))
    journal.jobs.note(a_done_job("painted", picture=3, provider="painter", fetched=3000.0))
    await journal.jobs.create(a_job("open"))
    for number in range(10):
        journal.jobs.note(a_done_job(f"t{number}", picture=1, fetched=3000.0))
    assert await journal.jobs.trim(8) == 5002
    left = {job.id for job in await journal.jobs.recent(100)}
    assert left == {"awaited", "painted", "open", *(f"t{number}" for number in range(2, 10))}
    assert await journal.jobs.trim(8) == 0
    assert await journal.jobs.trim(1_000_000) == 0


async def test_a_picture_and_its_job_are_one_commit(journal: Journal) -> None:
    """A picture is added and its job done with its id, together; a second time the picture keeps its id."""
    await journal.jobs.create(a_job("j"))
    picture = a_picture("original/a.jpg", details={"style": "звёзды"}, seed=5)
    number = await journal.pictures.add_and_settle(picture, a_done_job("j"))
    assert await journal.pictures.get(number) == evolve(picture, id=number, why="the threshold has passed")
    job = await journal.jobs.get("j")
    assert job is not None
    assert (job.state, job.picture) == (JobState.DONE, number)
    assert await journal.pictures.add_and_settle(picture, a_done_job("j")) == number


async def test_ids_of_pictures_are_never_given_twice(journal: Journal) -> None:
    """The id of a forgotten picture stays unused, for it may still be on its way to a frame."""
    first = await journal.pictures.add_and_settle(a_picture("a.jpg"), a_job("none"))
    await journal.pictures.forget([first])
    assert await journal.pictures.add_and_settle(a_picture("a.jpg"), a_job("none")) == first + 1


async def test_files_are_compared_with_what_is_known(journal: Journal) -> None:
    """Of files in one piece the known, the changed and the new are told apart, by root, whatever their names hold."""
    names = [
        "a.jpg",
        'quote".jpg',
        "back\\slash.jpg",
        "new\nline.jpg",
        "кошка.jpg",
        "\x01 \u2028.jpg",
        "[1].jpg",
        "%s?.jpg",
    ]
    files = [Found(path=name, size=2**40 + number, mtime_ns=-number) for number, name in enumerate(names)]
    assert await journal.scans.add(STORE, files, 1.0) == list(range(1, 9))
    other = evolve(files[1], mtime_ns=-8)
    stranger = Found(path="A.jpg", size=2**40, mtime_ns=0)
    compared = await journal.scans.compare(STORE, [files[0], stranger, other, *files[2:]])
    assert sorted(compared.known) == list(range(1, 9))
    assert (compared.new, compared.changed) == ([stranger], [(2, other)])
    elsewhere = await journal.scans.compare("folder", files)
    assert (elsewhere.known, len(elsewhere.new), elsewhere.changed) == ([], 8, [])
    await journal.scans.change([(2, other.size, other.mtime_ns), (999, 1, 1)])
    again = await journal.scans.compare(STORE, [other, *files[2:]])
    assert (again.new, again.changed) == ([], [])


async def test_a_picture_that_is_known_meanwhile_is_left_alone(journal: Journal) -> None:
    """A file whose record was committed after the comparison gets no second one, and keeps its maker."""
    number = await journal.pictures.add_and_settle(a_picture("a.jpg"), a_job("none"))
    files = [Found(path=name, size=3, mtime_ns=7) for name in ("a.jpg", "b.jpg")]
    (new,) = await journal.scans.add(STORE, files, 2.0)
    assert await usable(journal) == [(number, STORE, "painter"), (new, STORE, None)]


async def test_a_changed_file_is_tried_again(journal: Journal) -> None:
    """A broken picture is among those that can be shown once its file is another one."""
    await journal.scans.add(STORE, [Found(path="a.jpg", size=1, mtime_ns=1)], 1.0)
    await journal.pictures.set_broken(1, "truncated")
    assert (await usable(journal), await journal.pictures.count_unshown(STORE)) == ([], 1)
    assert [picture.broken for picture in await journal.pictures.broken()] == ["truncated"]
    await journal.scans.change([(1, 1, 2)])
    assert (await usable(journal), await journal.pictures.count_unshown(STORE)) == ([(1, STORE, None)], 0)
    assert await journal.pictures.broken() == []


async def test_many_pictures_are_read_in_pieces(journal: Journal) -> None:
    """More pictures than one piece holds are all there, each on its shelf, the lowest first."""
    for name, root in (("a", STORE), ("b", "folder"), ("c", STORE)):
        files = [Found(path=f"{name}{number}.jpg", size=1, mtime_ns=1) for number in range(9_000)]
        await journal.scans.add(root, files, 1.0)
    rows = [row async for row in journal.scans.shelves()]
    assert len(rows) > 2
    assert all(row.ids == sorted(row.ids) for row in rows)
    assert len(await usable(journal)) == 27_000
    assert [row.ids async for row in journal.scans.shelves("folder")] == [list(range(9_001, 18_001))]
    assert await journal.scans.bounds("folder") == (9_001, 18_000)
    assert await journal.scans.bounds("nobody") == (1, 0)
    assert await journal.pictures.oldest(STORE, 9_002, {1, 9_000}) == [*range(2, 9_000), *range(18_001, 18_005)]


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
