"""Deleting with a way back: no crash loses a picture, none comes back by itself, and the room is given back in time."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from journal.records import a_job

from imageserver.errors import PictureNotMoved
from imageserver.journal import STORE, TRASH
from imageserver.pictures.rotation import Rotated
from imageserver.pictures.trash import KEPT
from pictures.room import TARGET, Room, jpeg, opened

# Deletes or restores picture 1, and ends at the given look at the file system or the journal's next commit, as kill -9
# ends it: no handler runs. Says "whole" when it was not cut off.
CUT_OFF = """
import asyncio, os, sys
from pathlib import Path
from pictures.room import opened

what, left = sys.argv[2], int(sys.argv[3])
EVENTS = {"os.rename", "os.mkdir", "os.rmdir", "os.remove", "os.scandir", "os.listdir", "open", "shutil.rmtree"}

async def main():
    global left
    async with opened(Path(sys.argv[1])) as room:
        picture = await room.people.album.get(1)
        commit = room.journal._database._commit

        def counted_commit(*arguments):
            count()
            commit(*arguments)
            count()

        room.journal._database._commit = counted_commit

        def count():
            global left
            left -= 1
            if left < 0:
                os._exit(9)

        sys.addaudithook(lambda event, _: count() if event in EVENTS else None)
        if what == "delete":
            await room.people.album.delete(picture)
        else:
            await room.people.album.undelete(picture)
        os.write(1, b"whole")
        os._exit(0)

asyncio.run(main())
"""


async def with_pictures(room: Room, *paths: str) -> None:
    for number, path in enumerate(paths):
        room.put(path, jpeg(number), age=1000 - number)
    await room.store.scan()


async def test_deleted_and_brought_back(room: Room) -> None:
    """A deleted picture is in the trash and nowhere else; brought back it is as it was, with all we know of it."""
    made = await room.add(a_job("j"))
    await room.people.album.mark(made, favourite=True)
    before = await room.people.album.get(made.id)
    assert before is not None
    deleted = await room.people.album.delete(before)
    assert not deleted.is_hidden_only
    assert (deleted.picture.root, deleted.picture.deleted) == (TRASH, room.clock.now())
    assert room.files() == [f".trash/{deleted.picture.path}"]
    assert not room.store.has(made.id)
    await room.store.scan()
    assert await room.all() == [deleted.picture]
    back = await room.people.album.undelete(deleted.picture)
    assert back == before
    assert await room.all() == [before]
    assert room.files() == [before.path]
    assert room.store.has(made.id)


async def test_the_owners_library_is_never_touched(room: Room, tmp_path: Path) -> None:
    """What lies in a folder of the owner's is hidden instead, the answer says so, and undoing shows it again."""
    library = tmp_path / "photos"
    library.mkdir()
    (library / "a.jpg").write_bytes(jpeg())
    room.libraries["folder"] = lambda: [library]
    await room.store.scan()
    (picture,) = await room.all()
    deleted = await room.people.album.delete(picture)
    assert deleted.is_hidden_only
    assert deleted.picture.hidden
    assert (library / "a.jpg").read_bytes() == jpeg()
    assert not room.store.has(picture.id)
    await room.store.scan()
    assert not room.store.has(picture.id)
    assert await room.people.album.undelete(deleted.picture) == picture
    assert room.store.has(picture.id)


async def test_a_new_file_of_the_same_name_is_left_alone(room: Room) -> None:
    """A name is free as soon as its picture is deleted; brought back, the old one lies beside the new one."""
    await with_pictures(room, "cat.jpg")
    old = await room.picture("cat.jpg")
    deleted = await room.people.album.delete(old)
    room.put("cat.jpg", jpeg(200))
    await room.store.scan()
    again = await room.people.album.delete(await room.people.album.get(2) or old)
    assert again.picture.path != deleted.picture.path
    room.put("cat.jpg", jpeg(201))
    await room.store.scan()
    back = await room.people.album.undelete(deleted.picture)
    assert back.path == "cat-1.jpg"
    assert (room.folder / "cat.jpg").read_bytes() == jpeg(201)
    assert (room.folder / "cat-1.jpg").read_bytes() == jpeg(0)
    await room.store.scan()
    assert {picture.id for picture in await room.all()} == {1, 2, 3}


async def test_what_the_go_server_made_for_the_frame_goes_along(room: Room) -> None:
    """The smaller twin of one of its originals does not become a picture of its own when that is deleted."""
    await with_pictures(room, "original/f1600000000-orig.jpeg", "scalable/f1600000000.jpeg")
    (picture,) = await room.all()
    deleted = await room.people.album.delete(picture)
    assert len([name for name in room.files() if not name.startswith(".trash/")]) == 0
    await room.store.scan()
    assert await room.all() == [deleted.picture]
    await room.people.album.undelete(deleted.picture)
    assert room.files() == ["original/f1600000000-orig.jpeg", "scalable/f1600000000.jpeg"]


async def test_a_file_that_changed_is_not_deleted(room: Room) -> None:
    """What is another file by now than the one that was looked at stays, and so does a link."""
    await with_pictures(room, "a.jpg", "b.jpg")
    changed, linked = await room.picture("a.jpg"), await room.picture("b.jpg")
    room.put("a.jpg", jpeg(77), age=1)
    with pytest.raises(PictureNotMoved, match=r"a\.jpg is not the file that it was"):
        await room.people.album.delete(changed)
    (room.folder / "b.jpg").rename(room.base / "b.jpg")
    (room.folder / "b.jpg").symlink_to(room.base / "b.jpg")
    with pytest.raises(PictureNotMoved, match="plain file"):
        await room.people.album.delete(linked)
    assert (room.folder / "a.jpg").read_bytes() == jpeg(77)
    assert room.store.has(changed.id)
    assert {picture.root for picture in await room.all()} == {STORE}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_folder_that_may_not_be_written(room: Room) -> None:
    """Where the disk refuses, the picture stays, can be shown, and the message says why."""
    await with_pictures(room, "a.jpg")
    picture = await room.picture("a.jpg")
    room.folder.chmod(0o555)
    try:
        with pytest.raises(PictureNotMoved, match="Permission denied"):
            await room.people.album.delete(picture)
    finally:
        room.folder.chmod(0o755)
    assert room.store.has(picture.id)
    assert await room.all() == [picture]


async def test_the_trash_gives_its_room_back(room: Room) -> None:
    """After a week a picture is gone for good with its renditions; earlier, the oldest first, where room is short."""
    await with_pictures(room, *(f"{number}.jpg" for number in range(5)))
    for number in (2, 0, 1):
        await room.people.album.delete(await room.picture(f"{number}.jpg"))
        room.clock.set(room.clock.now() + 60)
    assert await room.people.trash.empty(most=5) == 0
    assert await room.people.trash.empty(most=4) == 1
    assert sorted(picture.path.rpartition("/")[2] for picture in await room.all()) == [f"{n}.jpg" for n in (0, 1, 3, 4)]
    first = await room.picture("0.jpg")
    assert await room.people.album.thumbnail(first) is not None
    room.clock.set((first.deleted or 0) + KEPT)
    assert await room.people.trash.empty(most=100) == 1
    assert await room.people.album.get(first.id) is None
    assert list((room.base / "renditions").rglob("*.jpg")) == []
    assert [name for name in room.files() if "0.jpg" in name] == []
    room.clock.set(room.clock.now() + 60)
    assert await room.people.trash.empty(most=100) == 1
    assert room.files() == ["3.jpg", "4.jpg"]
    assert list((room.folder / ".trash").iterdir()) == []


async def test_what_no_journal_knows_is_kept_for_a_week(room: Room) -> None:
    """A trash that another journal filled is emptied too, when it is as old; what is not ours in it stays."""
    now = int(room.clock.now())
    for name in (f"{now - 100}-7", f"{now - int(KEPT) - 1}-8", "holiday"):
        room.put(f".trash/{name}/x.jpg")
    await room.people.trash.empty(most=100)
    assert room.files() == [f".trash/{now - 100}-7/x.jpg", ".trash/holiday/x.jpg"]


async def test_a_picture_that_was_deleted_is_not_shown_again(room: Room) -> None:
    """A job that was to show it shows another; the rotation does not see it."""
    await with_pictures(room, "a.jpg", "b.jpg", "c.jpg")
    await room.people.album.delete(await room.picture("a.jpg"))
    assert await room.store.picture(1) is None
    assert set(await room.show_all()) == {"b.jpg", "c.jpg"}
    assert await room.rotation(1, 2).run() == Rotated(stored=2, deleted=0)


async def test_favourites_are_not_rotated_away(room: Room) -> None:
    """They neither go nor count, whether they were made so long ago or while a rotation runs."""
    await with_pictures(room, *(f"{number}.jpg" for number in range(6)))
    for number in (0, 3):
        await room.people.album.mark(await room.picture(f"{number}.jpg"), favourite=True)
    assert await room.rotation(2, 4).run() == Rotated(stored=4, deleted=0)
    assert await room.rotation(2, 3).run() == Rotated(stored=4, deleted=2)
    assert room.files() == ["0.jpg", "3.jpg", "4.jpg", "5.jpg"]


async def test_hidden_stays_hidden(room: Room) -> None:
    """A hidden picture is never chosen: not after a restart, a change of its file, or a disk that was away."""
    await with_pictures(room, "a.jpg", "b.jpg")
    await room.people.album.mark(await room.picture("a.jpg"), hidden=True)
    assert set(await room.show_all()) == {"b.jpg"}
    room.put("a.jpg", jpeg(99), age=5)
    await room.store.scan()
    assert set(await room.show_all()) == {"b.jpg"}
    (room.folder / "b.jpg").rename(room.folder / "b")
    assert (picture := await room.store.picture(2)) is not None
    assert await room.store.rendition(picture, TARGET) is None
    (room.folder / "b").rename(room.folder / "b.jpg")
    await room.store.scan()
    assert set(await room.show_all()) == {"b.jpg"}
    async with opened_again(room) as again:
        assert set(await again.show_all()) == {"b.jpg"}
        await again.people.album.mark(await again.picture("a.jpg"), hidden=False)
        assert set(await again.show_all()) == {"a.jpg", "b.jpg"}


def opened_again(room: Room) -> AbstractAsyncContextManager[Room]:
    """The same folders with a copy of the journal, which one process alone may open."""
    copy = room.base / "again"
    copy.mkdir()
    (copy / "images").symlink_to(room.folder)
    for file in room.base.glob("journal.sqlite*"):
        (copy / file.name).write_bytes(file.read_bytes())
    return opened(copy)


@pytest.mark.parametrize("what", ["delete", "restore"])
async def test_cut_off_anywhere(tmp_path: Path, what: str) -> None:
    """Wherever a delete or its undoing is cut off, the next start has the picture once, whole, and its record."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    ends, whole, point = set(), False, 0
    while not whole:
        base = tmp_path / f"{point}"
        base.mkdir()
        async with opened(base) as room:
            await with_pictures(room, "original/f1600000000-orig.jpeg", "scalable/f1600000000.jpeg", "other.jpg")
            assert [picture.id for picture in await room.all()] == [2, 1]
            if what == "restore":
                await room.people.album.delete(await room.picture("-orig.jpeg"))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", CUT_OFF, base, what, str(point)), env=environment, stdout=asyncio.subprocess.PIPE
        )
        said, _ = await process.communicate()
        assert process.returncode in (0, 9)
        whole, point = said == b"whole", point + 1
        async with opened(base) as room:
            known = {one.id: one for one in await room.all()}
            assert set(known) == {1, 2}, point
            now = known[1]
            assert (room.people.album.path_of(now)).read_bytes() == jpeg(0)
            assert len([name for name in room.files() if name.endswith("-orig.jpeg")]) == 1
            assert room.store.has(1) == (now.root == STORE)
            assert (now.deleted is None) == (now.root == STORE)
            await room.store.scan()
            assert {one.id for one in await room.all()} == {1, 2}
            ends.add(now.root)
    assert ends == {STORE, TRASH}
    assert point > 8


async def test_a_store_that_is_away_forgets_no_trash(tmp_path: Path) -> None:
    """When the store's disk is not mounted at a start, what lies in its trash is still known at the next."""
    async with opened(tmp_path) as room:
        await with_pictures(room, "a.jpg", "b.jpg")
        await room.people.album.delete(await room.picture("a.jpg"))
    (tmp_path / "images").rename(tmp_path / "elsewhere")
    async with opened(tmp_path):
        pass
    (tmp_path / "images" / "original").rmdir()
    (tmp_path / "images").rmdir()
    (tmp_path / "elsewhere").rename(tmp_path / "images")
    async with opened(tmp_path) as room:
        back = await room.people.album.undelete(await room.picture("a.jpg"))
        assert back.path == "a.jpg"


async def test_hidden_pictures_count_and_are_rotated(room: Room) -> None:
    """A hidden picture is one of the store's all the same: it counts, and it goes when its turn has come."""
    await with_pictures(room, *(f"{number}.jpg" for number in range(4)))
    for number in (0, 2):
        await room.people.album.mark(await room.picture(f"{number}.jpg"), hidden=True)
    assert await room.rotation(2, 3).run() == Rotated(stored=4, deleted=2)
    assert room.files() == ["2.jpg", "3.jpg"]
    assert room.store.count() == 1
