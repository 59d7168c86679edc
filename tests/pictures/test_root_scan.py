"""One look at one root: in pieces, with everything in it that a look in one go would find."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import define, evolve, field
from journal.records import a_job, a_picture, usable

from imageserver.journal import PIECE, STORE, Found, Journal
from imageserver.pictures.root_scan import WRITTEN, FolderGivesNothing, RootScan


def in_thread(work: Callable[[], Any]) -> Awaitable[Any]:
    """As the store does it."""
    return asyncio.get_running_loop().run_in_executor(None, work)


def files(*numbers: int) -> list[Found]:
    """Files with dates and names in the order of their numbers."""
    return [Found(path=f"{number:06}.jpg", size=number, mtime_ns=number) for number in numbers]


@define
class Told:
    """What a scan said."""

    added: list[int] = field(factory=list)
    changed: list[int] = field(factory=list)
    gone: list[int] = field(factory=list)


async def begun(journal: Journal, found: Iterator[Found], root: str = STORE) -> RootScan:
    """A scan that has read everything and written nothing."""
    scan = RootScan(journal=journal, root=root, in_thread=in_thread)
    await scan.read(found)
    return scan


async def scanned(journal: Journal, found: Sequence[Found], root: str = STORE) -> Told:
    """A whole scan."""
    scan, told = await begun(journal, iter(found), root), Told()
    assert scan.is_empty == (not found)
    numbers = [await scan.add(1.0, told.added.extend), await scan.change(told.changed.extend)]
    numbers.append(await scan.forget(told.gone.extend))
    assert numbers == [len(told.added), len(told.changed), len(told.gone)]
    return told


@pytest.fixture
async def journal(tmp_path: Path) -> Any:
    journal = Journal(tmp_path / "journal.sqlite")
    await journal.open()
    yield journal
    await journal.close()


async def test_pieces_make_one_whole(journal: Journal) -> None:
    """Of more files than a piece holds each is taken in once, the oldest with the lowest id, whatever their order."""
    count = 3 * PIECE + 7
    young_first = files(*reversed(range(count)))
    assert (await scanned(journal, young_first)).added == list(range(1, count + 1))
    (first,) = await journal.pictures.get_all([1])
    (last,) = await journal.pictures.get_all([count])
    assert (first.path, last.path) == ("000000.jpg", f"{count - 1:06}.jpg")
    assert await scanned(journal, young_first) == Told()


async def test_what_changed_and_what_went_is_found_in_every_piece(journal: Journal) -> None:
    """Another date or size is a change, and what is not listed has gone, at the edges of pieces too."""
    count = 2 * PIECE + 2
    before = files(*range(count))
    await scanned(journal, before)
    touched = {0: evolve(before[0], size=9), count - 1: evolve(before[-1], mtime_ns=-5)}
    missing = {1, PIECE - 1, PIECE, PIECE + 1, count - 2}
    after = [touched.get(place, file) for place, file in enumerate(before) if place not in missing]
    told = await scanned(journal, after)
    assert (told.added, sorted(told.changed)) == ([], [1, count])
    assert told.gone == sorted(place + 1 for place in missing)
    assert await scanned(journal, after) == Told()


async def test_dates_before_1970_are_the_oldest(journal: Journal) -> None:
    """Order and dates survive the form in which new files wait."""
    old = [Found(path=f"{number}.jpg", size=2**50, mtime_ns=-(10**18) * number) for number in (1, 3, 2)]
    await scanned(journal, [*files(5), *old])
    pictures = await journal.pictures.get_all(range(1, 5))
    assert [(picture.path, picture.size, picture.mtime_ns) for picture in pictures] == [
        ("3.jpg", 2**50, -3 * 10**18),
        ("2.jpg", 2**50, -2 * 10**18),
        ("1.jpg", 2**50, -(10**18)),
        ("000005.jpg", 5, 5),
    ]


async def test_what_came_meanwhile_is_kept(journal: Journal) -> None:
    """A picture added while the folder was being read is not gone for being missing in the list."""
    await scanned(journal, files(1, 2))
    scan, gone = await begun(journal, iter(files(1))), list[int]()
    added = await journal.pictures.add_and_settle(a_picture("original/new.jpg"), a_job("none"))
    await scan.forget(gone.extend)
    assert gone == [2]
    assert await journal.pictures.get(added) is not None


async def test_one_root_only(journal: Journal) -> None:
    """The same path in two roots is two pictures, and a scan of one forgets nothing of the other."""
    await scanned(journal, files(1))
    await scanned(journal, files(1), "folder")
    assert (await scanned(journal, files(), "folder")).gone == [2]
    assert await usable(journal) == [(1, STORE, None)]


async def test_a_file_that_is_listed_twice_is_one_picture(journal: Journal) -> None:
    """Folders of a library may lie in one another."""
    assert (await scanned(journal, [*files(1, 2), *files(1)])).added == [1, 2]
    many = files(*range(10, 10 + PIECE), *range(10, 10 + PIECE))
    assert len((await scanned(journal, [*files(1, 2), *many])).added) == PIECE


async def test_a_folder_that_fails_half_way_changes_nothing(journal: Journal) -> None:
    """Until everything was read nothing is written, and the reason is told."""
    await scanned(journal, files(*range(PIECE)))
    before = await usable(journal)

    def failing() -> Iterator[Found]:
        yield from files(*range(PIECE, 2 * PIECE))
        raise OSError("the disk went away")

    with pytest.raises(FolderGivesNothing, match="the disk went away"):
        await begun(journal, failing())
    assert await usable(journal) == before


@pytest.mark.parametrize("written", range(5))
async def test_a_scan_that_broke_off_is_finished_by_the_next(written: int, journal: Journal) -> None:
    """After a crash between two pieces the next scan finds what is left, and the oldest have the lowest ids still."""
    count = WRITTEN + PIECE
    await scanned(journal, files(*range(count)))
    after = [evolve(file, size=7) for file in files(*range(PIECE, count + 2 * WRITTEN))]
    told = Told()

    class BrokeOffError(Exception):
        pass

    def until(enough: int, ids: list[int]) -> Callable[[Sequence[int]], None]:
        def tell(some: Sequence[int]) -> None:
            ids.extend(some)
            if len(told.added + told.changed + told.gone) > enough:
                raise BrokeOffError

        return tell

    async def write(scan: RootScan) -> None:
        await scan.add(1.0, until(written * WRITTEN, told.added))
        await scan.change(until(written * WRITTEN, told.changed))
        await scan.forget(until(written * WRITTEN - WRITTEN, told.gone))

    scan = await begun(journal, iter(after))
    with pytest.raises(BrokeOffError):
        await write(scan)
    rest = await scanned(journal, after)
    assert sorted(told.added + rest.added) == list(range(count + 1, count + 2 * WRITTEN + 1))
    assert sorted(told.changed + rest.changed) == list(range(PIECE + 1, count + 1))
    assert sorted(told.gone + rest.gone) == list(range(1, PIECE + 1))
    assert await scanned(journal, after) == Told()
    young = await journal.pictures.get_all(range(count + 1, count + 2 * WRITTEN + 1))
    assert [picture.path for picture in young] == [f"{number:06}.jpg" for number in range(count, count + 2 * WRITTEN)]
