"""The scan at a start: with known pictures it may go on behind it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from imageserver.journal import Found
from imageserver.pictures import scanning
from imageserver.pictures.root_scan import RootScan
from imageserver.pictures.rotation import Rotated
from imageserver.pictures.scan import scan_store
from pictures.room import TARGET, Room, opened


class Slow:
    """A disk whose listing ends only once it may."""

    def __init__(self) -> None:
        self.reached, self.go_on = threading.Event(), threading.Event()

    def scan(self, folder: Path) -> Iterator[Found]:
        yield from scan_store(folder)
        self.reached.set()
        self.go_on.wait(60)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    """From the next scan on the disk is slow."""
    disk = Slow()
    monkeypatch.setattr(scanning, "scan_store", disk.scan)
    yield disk
    disk.go_on.set()


async def begun(base: Path) -> None:
    """A server that ran once, with two pictures; a third was put there since, and the first taken away."""
    async with opened(base) as room:
        for name in ("a.jpg", "b.jpg"):
            room.put(name)
        await room.store.scan()
        room.put("c.jpg")
        (room.folder / "a.jpg").unlink()


async def test_known_pictures_are_shown_before_the_scan_is_through(
    tmp_path: Path, slow: Slow, caplog: pytest.LogCaptureFixture
) -> None:
    """What the journal knows and the disk still has is shown while the scan runs; afterwards the rest is right too."""
    slow.go_on.set()
    await begun(tmp_path)
    slow.go_on.clear()
    async with opened(tmp_path, patience=0) as room:
        assert room.store.count() == 2
        picture = await room.store.picture(2)
        assert picture is not None
        assert await room.store.rendition(picture, TARGET) is not None
        slow.go_on.set()
        await room.store.scanned()
        assert sorted(await room.show_all()) == ["b.jpg", "c.jpg"]
    assert caplog.text == ""


async def test_a_first_start_waits(tmp_path: Path) -> None:
    """Without a known picture the scan comes first, however little patience there is."""
    (tmp_path / "images").mkdir()
    async with opened(tmp_path) as room:
        pass
    for name in ("a.jpg", "b.jpg"):
        room.put(name)
    async with opened(tmp_path, patience=0) as room:
        assert room.store.count() == 2


async def test_a_stop_does_not_wait_for_the_scan(tmp_path: Path, slow: Slow) -> None:
    """A scan that the stop breaks off has changed nothing by half, and the next start does it."""
    slow.go_on.set()
    await begun(tmp_path)
    slow.go_on.clear()
    async with opened(tmp_path, patience=0) as room:
        await room.store.close()
        assert not slow.go_on.is_set()
        slow.go_on.set()  # else the disk's thread would never end
    async with opened(tmp_path) as room:
        assert sorted(await room.show_all()) == ["b.jpg", "c.jpg"]


async def test_a_start_that_is_given_up_ends_its_scan(tmp_path: Path, slow: Slow) -> None:
    """Cancelled while it waits for the scan, `open` leaves none behind."""
    slow.go_on.set()
    await begun(tmp_path)
    slow.go_on.clear()
    async with opened(tmp_path, patience=0) as room:
        slow.go_on.set()
        await room.store.scanned()
        slow.go_on.clear()
        slow.reached.clear()
        room.store._patience = None
        opening = asyncio.ensure_future(room.store.open())
        await asyncio.get_running_loop().run_in_executor(None, slow.reached.wait, 60)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        assert not room.store.unscanned.locked()
        slow.go_on.set()


async def test_a_scan_that_fails_behind_the_start_is_told(
    tmp_path: Path, slow: Slow, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody waits for it, so the log says why it ended."""
    slow.go_on.set()
    await begun(tmp_path)
    slow.go_on.clear()
    async with opened(tmp_path, patience=0) as room:
        await room.journal.close()
        slow.go_on.set()
        await room.store.scanned()
        await asyncio.sleep(0)
    assert "the scan at the start failed: the journal is not open" in caplog.text


async def test_a_rotation_never_counts_what_moved_twice(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the new names of moved files and the end of the old ones no rotation looks: nothing is deleted."""
    for number in range(4):
        room.put(f"{number}.jpg", age=number)
    await room.store.scan()
    reached, go_on = asyncio.Event(), asyncio.Event()
    forget = RootScan.forget

    async def late(*given: object) -> int:
        reached.set()
        await go_on.wait()
        return await forget(*given)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(RootScan, "forget", late)
    for number in range(4):
        (room.folder / f"{number}.jpg").rename(room.folder / f"moved{number}.jpg")
    scanning = asyncio.ensure_future(room.store.scan())
    await reached.wait()
    assert room.store.count() == 8
    rotating = asyncio.ensure_future(room.rotation(1, 5).run())
    await room.journal.notes.get("")  # as long as a rotation takes to count
    go_on.set()
    await scanning
    assert await rotating == Rotated(stored=4, deleted=0)
    assert len(room.files()) == 4
