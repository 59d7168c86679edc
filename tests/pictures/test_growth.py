"""What is done for one picture does not grow with the others: statements, listings and files are counted."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from attrs import evolve, frozen
from journal.records import a_done_job, a_job

from imageserver.pictures.rotation import Rotated
from pictures.room import TARGET, Room, opened
from pictures.watching import Doings, plans, watched

FEW, MANY = 50, 500
OTHER = evolve(TARGET, width=16, height=24)


@asynccontextmanager
async def stored(base: Path, count: int) -> AsyncIterator[Room]:
    """A store with so many pictures of the owner's."""
    async with opened(base) as room:
        for number in range(count):
            room.put(f"{number}.jpg", age=10_000 - number)
        await room.store.scan()
        yield room


async def doings(folder: Path, count: int, before: Callable[[Room], Awaitable[object]], do: str) -> Doings:
    """What one of the functions below does with so many pictures."""
    async with stored(folder / f"{count}", count) as room:
        await before(room)
        async with watched(room.journal, room.base) as seen:
            await ACTS[do](room)
        return seen


async def nothing(_room: Room) -> None:
    """No preparation."""


async def render_all(room: Room) -> None:
    """Two sizes of every picture, the one with a drawing on it."""
    for number in range(1, room.store.count() + 1):
        picture = await room.store.picture(number)
        assert picture is not None
        room.drawn = "today"
        await room.store.rendition(picture, TARGET)
        room.drawn = None
        await room.store.rendition(picture, OTHER)


async def rotate_ten(room: Room) -> None:
    """The ten oldest go."""
    count = room.store.count()
    assert await room.rotation(count - 10, count - 1).run() == Rotated(stored=count, deleted=10)


async def add_one(room: Room) -> None:
    """A provider's picture comes."""
    await room.add(a_job("new"))


async def choose_five(room: Room) -> None:
    """A frame is shown five pictures."""
    assert len({room.store.choose("f")[0] for _ in range(5)}) == 5


async def draw_anew(room: Room) -> None:
    """The day changes, and a frame is shown the seventh picture with the new date on it."""
    picture = await room.store.picture(7)
    assert picture is not None
    room.drawn = "tomorrow"
    assert await room.store.rendition(picture, TARGET) is not None


ACTS = {act.__name__: act for act in (rotate_ten, add_one, choose_five, draw_anew)}


@frozen
class Case:
    """Something that is done, and what must be there before."""

    act: str
    before: Callable[[Room], Awaitable[None]] = nothing


@pytest.mark.parametrize(
    "case",
    [Case("rotate_ten", render_all), Case("add_one"), Case("choose_five"), Case("draw_anew", render_all)],
    ids=lambda case: case.act,
)
async def test_ten_times_the_pictures_make_no_more_work(case: Case, tmp_path: Path) -> None:
    """The same number of statements, listings and files, and none that goes through all there is."""
    few, many = [await doings(tmp_path, count, case.before, case.act) for count in (FEW, MANY)]
    assert len(few.queries()) == len(many.queries())
    assert few.kinds() == many.kinds()
    assert [path for event, path in many.files if event in {"os.listdir", "os.scandir"} and entries(path) > 100] == []


def entries(folder: str) -> int:
    """How much was listed there."""
    return len(list(Path(folder).iterdir()))


async def test_a_rotation_lists_a_few_folders_and_deletes_what_it_must(tmp_path: Path) -> None:
    """Ten pictures with two renditions each: thirty files go, two shelves are listed, no other rendition is lost."""
    async with stored(tmp_path, 150) as room:
        await render_all(room)
        async with watched(room.journal, room.base) as seen:
            await rotate_ten(room)
        kinds = seen.kinds()
        # by which of them pathlib looks depends on its version
        listed = kinds.pop("os.listdir", 0) + kinds.pop("os.scandir", 0)
        assert (listed, kinds) == (3, {"os.remove": 30})
        assert len(room.rendered()) == 2 * 140
        await room.rotation(10, 11).run()
        assert len(room.rendered()) == 2 * 10
        assert all(any(folder.iterdir()) for folder in folders(room.base / "renditions")), "an empty folder is left"


def folders(top: Path) -> list[Path]:
    """All folders below."""
    return [path for path in top.rglob("*") if path.is_dir()]


@pytest.mark.parametrize("act", sorted(ACTS))
async def test_no_statement_goes_through_a_table(act: str, tmp_path: Path) -> None:
    """Whatever is asked of pictures and jobs is found by an index, and sorted by none but one."""
    async with stored(tmp_path, FEW) as room:
        for number in range(1, 20):
            room.journal.jobs.note(a_done_job(f"{number}", picture=number, created=room.clock.now()))
        async with watched(room.journal, room.base) as seen:
            await ACTS[act](room)
        lines = await plans(room.journal, seen.queries())
    assert seen.queries()
    whole = re.compile(r"SCAN (pictures|jobs)\b(?! USING INDEX pictures_(broken|hidden|favourite)\b)|USE TEMP B-TREE")
    assert [line for line in lines if whole.match(line)] == []


async def test_a_choice_asks_nobody(tmp_path: Path) -> None:
    """Choices touch no file and ask the journal nothing; all they leave is one note of where the lap stands."""
    seen = await doings(tmp_path, FEW, nothing, "choose_five")
    assert seen.files == []
    assert [text.split(" (")[0] for text in seen.queries()] == ["INSERT INTO frames"]


async def test_a_scan_that_finds_nothing_new_writes_nothing(tmp_path: Path) -> None:
    """It only asks, and begins no transaction; a look that finds all folders as they were does not even scan."""
    async with stored(tmp_path, FEW) as room:
        await room.store.scan()
        async with watched(room.journal, room.base) as seen:
            await room.store.scan()
        assert {text.split()[0] for text in seen.statements} == {"SELECT"}
        async with watched(room.journal, room.base) as looked:
            await room.store.scan_if_changed()
        assert len(looked.queries()) == 1
        assert looked.files == []
