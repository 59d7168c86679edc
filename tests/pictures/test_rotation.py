"""Rotation: the oldest go, never one that is awaited, never anything outside the store."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from attrs import evolve
from journal.records import a_done_job, a_job, a_picture, usable

from imageserver.job_ids import LIFETIME
from imageserver.journal import Journal
from imageserver.pictures.rotation import Rotated
from pictures.room import TARGET, Room, opened


async def with_owners_files(room: Room, count: int) -> None:
    """Pictures of the owner's, 1.jpg the oldest."""
    for number in range(1, count + 1):
        room.put(f"{number}.jpg", age=1000 - number)
    await room.store.scan()


async def test_the_oldest_go_until_the_minimum_remains(room: Room) -> None:
    """Above the maximum the oldest are deleted until the minimum is left, with their records and renditions."""
    await with_owners_files(room, 6)
    picture = await room.store.picture(1)
    assert picture is not None
    await room.store.rendition(picture, TARGET)
    assert await room.rotation(2, 5).run() == Rotated(stored=6, deleted=4)
    assert room.files() == ["5.jpg", "6.jpg"]
    assert [number for number, _root, _maker in await usable(room.journal)] == [5, 6]
    assert list((room.base / "renditions").rglob("*.jpg")) == []
    assert room.store.count() == 2


async def test_the_maximum_itself_is_allowed(room: Room) -> None:
    """With exactly as many pictures as allowed nothing is deleted."""
    await with_owners_files(room, 5)
    assert await room.rotation(2, 5).run() == Rotated(stored=5, deleted=0)
    assert len(room.files()) == 5


async def test_an_awaited_picture_stays(room: Room) -> None:
    """What a frame is still to fetch stays, and the next oldest go in its place; a day later it is free."""
    await with_owners_files(room, 6)
    now = room.clock.now()
    room.journal.jobs.note(a_done_job("unfetched", picture=1, created=now))
    room.journal.jobs.note(a_done_job("fetched", picture=2, created=now))
    room.journal.jobs.fetched("fetched", now)
    assert (await room.rotation(3, 5).run()).deleted == 3
    assert room.files() == ["1.jpg", "5.jpg", "6.jpg"]
    room.clock.set(now + LIFETIME + 1)
    assert (await room.rotation(1, 2).run()).deleted == 2
    assert room.files() == ["6.jpg"]


async def test_when_all_are_awaited_none_goes(room: Room) -> None:
    """With many more unfetched jobs than pictures nothing is deleted, and nothing is dropped from the choice."""
    await with_owners_files(room, 6)
    for number in range(200):
        room.journal.jobs.note(a_done_job(f"{number}", picture=number % 6 + 1, created=room.clock.now()))
    assert (await room.rotation(1, 2).run()).deleted == 0
    assert room.store.count() == 6


async def test_a_picture_given_at_the_last_moment_stays(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture that a frame is given while the rotation is making its list is not deleted."""
    await with_owners_files(room, 4)
    oldest = room.journal.pictures.oldest

    async def and_then_a_frame_asks(*given: object) -> object:
        doomed = await oldest(*given)  # type: ignore[arg-type]  # passed on as they came
        room.journal.jobs.note(a_done_job("late", picture=1, created=room.clock.now()))
        return doomed

    monkeypatch.setattr(room.journal.pictures, "oldest", and_then_a_frame_asks)
    assert (await room.rotation(1, 2).run()).deleted == 2
    assert room.files() == ["1.jpg", "4.jpg"]
    assert room.store.has(1)


async def test_the_owners_files_wait_for_a_word(tmp_path: Path) -> None:
    """Without the owner's word none of the owner's files is deleted, across restarts; with it, for ever."""
    async with opened(tmp_path) as room:
        await with_owners_files(room, 4)
        rotation = room.rotation(1, 2, is_given=False)
        assert await rotation.run() == Rotated(stored=4, deleted=0, waiting=3)
        assert rotation.waiting == 3
    async with opened(tmp_path) as room:
        rotation = room.rotation(1, 2, is_given=False)
        assert (await rotation.run()).deleted == 0
        assert len(room.files()) == 4
        assert (await rotation.confirm()).deleted == 3
        assert rotation.waiting == 0
        room.put("late 1.jpg")
        room.put("late 2.jpg")
    async with opened(tmp_path) as room:
        assert (await room.rotation(1, 2, is_given=False).run()).deleted == 2


async def test_our_own_pictures_need_no_word(room: Room) -> None:
    """Pictures that this server painted are rotated without asking, as long as no other is among the doomed."""
    for number in range(4):
        await room.add(a_job(f"{number}", created=float(number)))
        room.journal.jobs.fetched(f"{number}", 5.0)
    assert (await room.rotation(1, 2, is_given=False).run()).deleted == 3


PLANTED = ["../outside.jpg", "original/../../outside.jpg", "original/../kept.jpg", "./../outside.jpg", "..", "original"]


async def test_nothing_outside_the_store_is_deleted(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    """Paths planted in the journal, links and folders delete nothing; the rotation goes on with the rest."""
    outside = room.base / "outside.jpg"
    outside.write_bytes(b"precious")
    elsewhere = room.base / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "a.jpg").write_bytes(b"precious")
    (room.folder / "link.jpg").symlink_to(outside)
    (room.folder / "sub").symlink_to(elsewhere)
    room.put("kept.jpg")
    paths = [*PLANTED, str(outside), "link.jpg", "sub/a.jpg", "nul\0.jpg", "plain.jpg"]
    room.put("plain.jpg")
    for path in paths:
        await room.journal.pictures.add_and_settle(a_picture(path), a_job("none"))
    room.store.restore(await room.journal.pictures.get_all(range(100)))  # as a start takes them up
    assert (await room.rotation(0, 1).run()).deleted == 1
    assert outside.read_bytes() == b"precious"
    assert (elsewhere / "a.jpg").read_bytes() == b"precious"
    assert room.files() == ["kept.jpg", "link.jpg"]
    assert "stays" in caplog.text


async def test_a_linked_original_folder_is_not_emptied(tmp_path: Path) -> None:
    """When original/ is a link to another place, nothing in that place is deleted."""
    other = tmp_path / "other"
    other.mkdir()
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "original").symlink_to(other)
    async with opened(tmp_path) as room:
        room.put("original/a.jpg")
        room.put("original/b.jpg")
        await room.store.scan()
        assert (await room.rotation(0, 1).run()).deleted == 0
        assert len(list(other.iterdir())) == 2


async def test_the_store_itself_may_be_a_link(tmp_path: Path) -> None:
    """A store that is a link to a larger disk is rotated like any other."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "images").symlink_to(tmp_path / "disk")
    async with opened(tmp_path) as room:
        await with_owners_files(room, 3)
        assert (await room.rotation(1, 2).run()).deleted == 2
        assert room.files() == ["3.jpg"]


async def test_libraries_are_never_rotated(room: Room) -> None:
    """A library's pictures neither count nor go."""
    library = room.base / "library"
    library.mkdir()
    for number in range(5):
        (library / f"{number}.jpg").write_bytes(b"x")
    room.libraries["folder"] = lambda: [library]
    await with_owners_files(room, 3)
    assert await room.rotation(1, 2).run() == Rotated(stored=3, deleted=2)
    assert len(list(library.iterdir())) == 5
    assert room.store.count("folder") == 5


async def test_two_rotations_at_once_delete_once(room: Room) -> None:
    """The schedule's and the owner's rotation at the same moment delete no more than one would."""
    await with_owners_files(room, 6)
    rotation = room.rotation(3, 4)
    results = await asyncio.gather(rotation.run(), rotation.run())
    assert sorted(result.deleted for result in results) == [0, 3]
    assert room.files() == ["4.jpg", "5.jpg", "6.jpg"]


async def test_a_crash_leaves_records_that_a_scan_takes_away(tmp_path: Path) -> None:
    """A kill after the files went and before the records did leaves nothing behind after the next scan."""
    async with opened(tmp_path) as room:
        await with_owners_files(room, 3)
        (room.folder / "1.jpg").unlink()
    async with opened(tmp_path) as room:
        assert await room.journal.pictures.get(1) is None
        assert sorted(await room.show_all()) == ["2.jpg", "3.jpg"]


async def test_spare_and_count_are_kept_apart(journal_of_ten: Journal) -> None:
    """`oldest` gives as many as asked for whatever is spared, oldest first."""
    spare = {1, 2, 5, 999}
    found = await journal_of_ten.pictures.oldest("store", 4, spare)
    assert found == [3, 4, 6, 7]
    found = await journal_of_ten.pictures.oldest("store", 100, range(1, 10))
    assert found == [10]


@pytest.fixture
async def journal_of_ten(room: Room) -> Journal:
    for number in range(1, 11):
        picture = evolve(a_picture(f"{number}.jpg"), first_seen=float(number))
        await room.journal.pictures.add_and_settle(picture, a_job("none"))
    return room.journal
