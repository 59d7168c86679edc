"""The store: what it takes in, what it shows, and what it does not forget."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve
from journal.records import a_done_job, a_job, usable

from imageserver.jobs import JobState
from imageserver.journal import STORE, Found
from imageserver.pictures import scanning as scanning_module
from imageserver.pictures.originals import name_for, write_original
from imageserver.pictures.scan import scan_store
from pictures.room import TARGET, Room, jpeg, opened


async def test_files_of_the_owner_are_shown(room: Room) -> None:
    """Pictures directly in the store and in original/ count, whatever their names; nothing else does."""
    shown = ["a.jpg", "B.JPG", "c.jpeg", "d.PNG", "e.webp", "кошка.jpg", "new\nline.jpg", "original/f.jpg", "%2e.jpg"]
    for name in [*shown, ".hidden.jpg", "note.txt", "@eaDir/a.jpg", "sub/a.jpg", "original/sub/a.jpg", "jpg"]:
        room.put(name)
    (room.folder / "folder.jpg").mkdir()
    (room.folder / "link.jpg").symlink_to(room.folder / "a.jpg")
    room.put(os.fsdecode(b"bad\xff.jpg"))
    await room.store.scan()
    assert sorted(await room.show_all()) == sorted(shown)


async def test_the_oldest_file_has_the_lowest_id(room: Room) -> None:
    """At the first scan ids follow the files' dates, so that rotation deletes the oldest first."""
    for name, age in (("b.jpg", 5), ("a.jpg", 1), ("c.jpg", 9)):
        room.put(name, age=age)
    await room.store.scan()
    oldest = await room.journal.pictures.get_all(await room.journal.pictures.oldest(STORE, 3, ()))
    assert [picture.path for picture in oldest] == ["c.jpg", "b.jpg", "a.jpg"]


async def test_a_rendition_has_the_frames_size(room: Room) -> None:
    """A picture's rendition is a JPEG, and the same one the second time."""
    picture = await room.add(a_job("j"))
    first = await room.store.rendition(picture, TARGET)
    second = await room.store.rendition(picture, TARGET)
    assert first is not None
    assert second is not None
    assert (await first.jpeg())[:2] == b"\xff\xd8"
    assert await first.jpeg() == await second.jpeg()
    assert len(list((room.base / "renditions").rglob("*.jpg"))) == 1


async def test_a_broken_file_is_set_aside_and_tried_again_when_changed(room: Room) -> None:
    """A file that cannot be decoded is noted with the reason and not chosen; once it is another file it is shown."""
    path = room.put("a.jpg", b"no picture at all")
    await room.store.scan()
    picture = await room.store.picture(1)
    assert picture is not None
    assert await room.store.rendition(picture, TARGET) is None
    assert room.store.choose("f")[0] is None
    (broken,) = await room.journal.pictures.broken()
    assert broken.broken
    assert path.exists()
    await room.store.scan()
    assert room.store.count() == 0, "an unchanged file is not tried again"
    path.write_bytes(jpeg())
    await room.store.scan_if_changed()
    assert room.store.choose("f")[0] == 1
    repaired = await room.store.picture(1)
    assert repaired is not None
    assert await room.store.rendition(repaired, TARGET) is not None


async def test_a_missing_file_is_passed_over(room: Room) -> None:
    """A picture whose file went since the scan gives nothing and is not chosen again."""
    room.put("a.jpg")
    room.put("b.jpg")
    await room.store.scan()
    picture = await room.store.picture(1)
    assert picture is not None
    (room.folder / picture.path).unlink()
    assert await room.store.rendition(picture, TARGET) is None
    assert [room.store.choose("f")[0] for _ in range(3)] == [2, 2, 2]


async def test_a_file_that_comes_back_unchanged_is_shown_again(room: Room) -> None:
    """A file that was away when a frame asked, and is back as it was at the next scan, is shown again."""
    path = room.put("a.jpg")
    room.put("b.jpg")
    await room.store.scan()
    picture = await room.store.picture(1)
    assert picture is not None
    path.rename(room.base / "elsewhere")
    assert await room.store.rendition(picture, TARGET) is None
    (room.base / "elsewhere").rename(path)
    await room.store.scan()
    assert room.store.count() == 2


@pytest.mark.parametrize("how", ["emptied", "gone"])
async def test_an_unmounted_store_forgets_nothing(how: str, room: Room) -> None:
    """While the store is empty or away nothing is shown and nothing forgotten; afterwards all has its old id."""
    for name in ("a.jpg", "original/b.jpg"):
        room.put(name)
    await room.store.scan()
    before = await usable(room.journal)
    room.folder.rename(room.base / "away")
    if how == "emptied":
        room.folder.mkdir()
    await room.store.scan()
    assert room.store.count() == 0
    assert await usable(room.journal) == before
    if how == "emptied":
        room.folder.rmdir()
    (room.base / "away").rename(room.folder)
    await room.store.scan()
    assert room.store.count() == 2
    assert await usable(room.journal) == before


async def test_a_library_that_raises_forgets_nothing(room: Room) -> None:
    """A provider whose folders() raises or gives nothing keeps its pictures in the journal, and the store its own."""
    room.put("a.jpg")
    library = room.base / "library" / "deep"
    library.mkdir(parents=True)
    (library / "b.jpg").write_bytes(jpeg())
    room.libraries["folder"] = lambda: [room.base / "library"]
    await room.store.scan()
    assert (room.store.count("folder"), room.store.count()) == (1, 2)

    def raises() -> list[Path]:
        raise KeyError("a stranger's mistake")

    for folders in (raises, list):
        room.libraries["folder"] = folders
        await room.store.scan()
        assert (room.store.count("folder"), room.store.count()) == (0, 1)
    room.libraries["folder"] = lambda: [room.base / "library"]
    await room.store.scan()
    number, _why = room.store.choose("f", "folder")
    assert number == 2
    picture = await room.store.picture(2)
    assert picture is not None
    assert await room.store.rendition(picture, TARGET) is not None
    assert (library / "b.jpg").read_bytes() == jpeg()


async def test_a_library_that_does_not_serve_is_not_shown(room: Room) -> None:
    """Its pictures leave the wall, after a restart too, and are back with their ids when it serves again."""
    room.put("a.jpg")
    library = room.base / "library"
    library.mkdir()
    (library / "b.jpg").write_bytes(jpeg())
    room.libraries["folder"] = lambda: [library]
    await room.store.scan()
    (picture,) = room.store._stock.ids("folder")
    del room.libraries["folder"]
    await room.store.scan()
    assert (room.store.has(picture), room.store.count()) == (False, 1)
    await room.store.open()  # as after a restart
    assert (room.store.has(picture), room.store.count()) == (False, 1)
    room.libraries["folder"] = lambda: [library]
    await room.store.scan()
    assert (room.store.has(picture), room.store.count()) == (True, 2)


async def test_nothing_is_lost_when_a_picture_comes_during_a_scan(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider's picture added after the folder was listed, before the scan is done, stays."""
    room.put("a.jpg")
    listed, go_on = threading.Event(), threading.Event()

    def slow_scan(folder: Path) -> Iterator[Found]:
        yield from scan_store(folder)
        listed.set()
        go_on.wait(30)

    monkeypatch.setattr(scanning_module, "scan_store", slow_scan)
    scanning = asyncio.ensure_future(room.store.scan())
    await asyncio.get_running_loop().run_in_executor(None, listed.wait, 30)
    picture = await room.add(a_job("j"))
    go_on.set()
    await scanning
    assert room.store.has(picture.id)
    assert sorted(await room.show_all()) == ["a.jpg", picture.path]


async def test_a_file_that_comes_during_a_scan_is_seen_at_the_next_look(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file dropped in while scan_if_changed was at work is taken in by the next one, without another change."""

    def scan_and_more(folder: Path) -> Iterator[Found]:
        yield from scan_store(folder)
        if not (folder / "late.jpg").exists():
            room.put("late.jpg")
            os.utime(folder, (5, 5))  # another date than before, however coarse the disk's clock

    monkeypatch.setattr(scanning_module, "scan_store", scan_and_more)
    room.put("a.jpg")
    os.utime(room.folder, (4, 4))
    await room.store.scan_if_changed()
    await room.store.scan_if_changed()
    assert sorted(await room.show_all()) == ["a.jpg", "late.jpg"]


async def test_scans_take_a_small_part_of_the_time(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a scan of ten seconds a changed folder waits for eight minutes; after a quick one it does not."""
    loop = asyncio.get_running_loop()

    takes = 1.0

    def slow_scan(folder: Path) -> Iterator[Found]:
        asyncio.run_coroutine_threadsafe(room.clock.advance(takes), loop).result(30)
        yield from scan_store(folder)

    monkeypatch.setattr(scanning_module, "scan_store", slow_scan)
    room.put("a.jpg")
    await room.store.scan_if_changed()
    room.put("original/b.jpg")
    os.utime(room.folder / "original", (4, 4))  # another date than before, however coarse the disk's clock
    takes = 10.0
    await room.store.scan_if_changed()
    assert room.store.count() == 2
    room.put("original/c.jpg")
    os.utime(room.folder / "original", (5, 5))
    await room.clock.advance(499)
    await room.store.scan_if_changed()
    assert room.store.count() == 2
    await room.clock.advance(1)
    await room.store.scan_if_changed()
    assert room.store.count() == 3


async def test_a_picture_that_a_scan_saw_first_is_the_providers(room: Room) -> None:
    """When a scan finds a provider's file before its commit, the picture keeps one id and is the provider's."""
    job = a_job("j")
    path = name_for(job.id, job.created, "jpeg")
    write_original(room.folder, path, jpeg())
    await room.store.scan()
    seen_first = room.store.choose("other")[0]
    picture = await room.add(job)
    assert picture.id == seen_first
    assert (picture.is_ours, picture.details) == (True, {"a": "b"})
    assert room.store.count() == 1


async def test_a_crash_between_rename_and_commit_loses_nothing(room: Room) -> None:
    """A picture that reached the store without its commit is adopted: its job is done with it, once."""
    job = a_job("j", provider="painter", state=JobState.CALLING, prompt="stars")
    await room.journal.jobs.create(job)
    assert not await room.store.adopt(a_done_job("j"))
    write_original(room.folder, name_for(job.id, job.created, "png"), jpeg())
    assert await room.store.adopt(evolve(job, state=JobState.DONE, settled=1.0))
    settled = await room.journal.jobs.get("j")
    assert settled is not None
    assert settled.state is JobState.DONE
    picture = await room.store.picture(settled.picture or 0)
    assert picture is not None
    assert (picture.is_ours, picture.prompt) == (True, "stars")
    assert room.store.count() == 1


async def test_laps_go_on_after_a_restart(tmp_path: Path) -> None:
    """A frame that has seen half of the pictures sees the other half after a restart."""
    shown: list[int | None] = []
    for start in range(4):
        async with opened(tmp_path) as room:
            if start == 0:
                for number in range(12):
                    room.put(f"{number}.jpg", age=100 - number)
                await room.store.scan()
            shown += [room.store.choose("f")[0] for _ in range(3)]
    assert sorted(number for number in shown if number) == list(range(1, 13))


async def test_a_frames_own_wish_is_not_new_to_it(room: Room) -> None:
    """A picture painted for one frame is shown to another as new, and to its own frame not right away."""
    room.put("a.jpg")
    await room.store.scan()
    picture = await room.add(a_job("j", frame="mine"))
    assert room.store.choose("mine")[0] != picture.id
    assert room.store.choose("other")[0] is not None


async def test_records_without_a_picture_are_dropped(room: Room) -> None:
    """A picture that the journal no longer knows is asked for once and not chosen again."""
    room.put("a.jpg")
    await room.store.scan()
    await room.journal.pictures.forget([1])
    assert await room.store.picture(1) is None
    assert room.store.choose("f")[0] is None
