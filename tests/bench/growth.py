"""What choosing, adding, scanning and rotating cost as the store grows: the real classes, in a process of their own.

`python -m tests.bench.growth FOLDER PICTURES` prints it as JSON.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import attrs
from attrs import define, frozen
from journal.records import a_job
from pictures.room import TARGET, Room, jpeg, opened

from imageserver.journal import STORE, Picture
from imageserver.pictures.laps import new_lap, next_picture
from imageserver.pictures.rendition_folder import RenditionFolder
from imageserver.pictures.stock import MemoryStock

from .driving import child, line_of
from .household import link_pictures
from .plot import Line

STORED = (1_000, 10_000, 100_000, 1_000_000)
_CHOICES, _ADDED, _DELETED = 1_000, 20, 100
_NAMES = 1_000  # of one file: some file systems allow 65,000, others fewer


@frozen(kw_only=True)
class Cost:
    """Of one doing, on average. None: it is not measured."""

    ms: float | None = None  # as a clock on the wall sees it
    cpu_ms: float | None = None  # of this process with all its threads
    statements: float | None = None  # that SQLite was given, with those that begin and end transactions
    megabytes: float | None = None


Costs = Mapping[str, Cost]


async def measured(folder: Path, stored: int) -> dict[str, Cost]:
    """The costs with so many pictures, by what is done; from a fresh process, so that memory can be told."""
    async with child("growth", str(folder), str(stored)) as process:
        found = json.loads(await line_of(process))
    return {name: Cost(**one) for name, one in found.items()}


def lines(costs: Mapping[int, Costs]) -> dict[str, Line]:
    """What a plot shows: milliseconds of CPU by stored pictures."""
    found: dict[str, dict[int, float]] = {}
    for stored, of in costs.items():
        for name, one in of.items():
            if one.cpu_ms:
                found.setdefault(name, {})[stored] = one.cpu_ms
    return dict(found)


# Below here: the other process.


@define
class _Statements:
    number: int = 0

    def count(self, _text: str) -> None:
        """SQLite is given one more."""
        self.number += 1


@define
class _Longest:
    """Asks again and again until it is told to stop, and keeps the longest that one question took."""

    ask: Callable[[], Awaitable[object]]
    pause: float
    seconds: float = 0.0
    is_over: bool = False

    async def run(self) -> None:
        """Until `is_over`."""
        while not self.is_over:
            begun = time.perf_counter()
            await self.ask()
            self.seconds = max(self.seconds, time.perf_counter() - begun)
            await asyncio.sleep(self.pause)


async def _costs(folder: Path, stored: int) -> dict[str, Cost]:
    link_pictures(folder / "images", stored)
    costs, statements = {}, _Statements()

    async def costing(name: str, times: int, doing: Callable[[], Awaitable[object]]) -> None:
        await room.journal.notes.get("")  # what was posted before is written by then
        before, wall, cpu = statements.number, time.perf_counter(), time.process_time()
        await doing()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        await room.journal.notes.get("")
        made = statements.number - before - 1
        costs[name] = Cost(ms=1000 * wall / times, cpu_ms=1000 * cpu / times, statements=made / times)

    resting = _memory(anew=True)
    begun, cpu = time.perf_counter(), time.process_time()
    async with opened(folder) as room:
        spent = time.perf_counter() - begun, time.process_time() - cpu
        costs["first scan"] = Cost(ms=1000 * spent[0], cpu_ms=1000 * spent[1])
        costs["… more memory meanwhile, at the most"] = Cost(megabytes=_memory() - resting)
    resting = _memory(anew=True)
    begun, cpu = time.perf_counter(), time.process_time()
    async with opened(folder, patience=0) as room:
        spent = time.perf_counter() - begun, time.process_time() - cpu
        costs["a later start, until it can answer"] = Cost(ms=1000 * spent[0], cpu_ms=1000 * spent[1])
        await room.store.scanned()
        costs["… more memory, with the scan behind it"] = Cost(megabytes=_memory() - resting)
        await room.journal._database.read(lambda connection: connection.set_trace_callback(statements.count))
        await costing("scan again", 1, room.store.scan)
        costs |= await _beside_a_scan(room)
        await costing("choose", _CHOICES, lambda: _choose(room))
        costs["choose, one in a hundred is the frame's"] = _choose_few(stored)
        await costing("add", _ADDED, lambda: _add(room))
        await _link_renditions(room)
        shelf = _rendition(room, (await room.journal.pictures.get_all([1]))[0]).parent
        rotation = room.rotation(stored + _ADDED - _DELETED, stored + _ADDED - 1)
        await costing("rotate, each deleted", _DELETED, rotation.run)
        if room.store.count() != stored + _ADDED - _DELETED or shelf.exists():
            raise RuntimeError("the rotation did not delete what it was to delete")
    return costs


async def _beside_a_scan(room: Room) -> dict[str, Cost]:
    commits = _Longest(lambda: room.journal.notes.put("bench", "x"), pause=0.01)
    loop = _Longest(lambda: asyncio.sleep(0), pause=0.001)
    asking = [asyncio.ensure_future(one.run()) for one in (commits, loop)]
    begun = time.perf_counter()
    await room.store.scan()
    took = time.perf_counter() - begun
    for one in (commits, loop):
        one.is_over = True
    await asyncio.gather(*asking)
    if took < max(commits.seconds, loop.seconds):
        raise RuntimeError("the scan was over before anything else had its turn")
    return {
        "… a commit meanwhile, at the longest": Cost(ms=1000 * commits.seconds),
        "… the event loop's longest turn": Cost(ms=1000 * loop.seconds),
    }


async def _choose(room: Room) -> None:
    for _ in range(_CHOICES):
        room.store.choose("frame")
    await room.journal.notes.get("")  # until the last lap is written down


def _choose_few(stored: int) -> Cost:
    """For a frame that is shown one provider's pictures, which lie among many others; without the note of the lap."""
    stock, rng = MemoryStock(), random.Random(1)
    stock.add([number for number in range(1, stored + 1) if number % 100], STORE)
    stock.add(range(100, stored + 1, 100), STORE, "painter")
    lap = new_lap(stock, "painter", rng)
    begun, cpu = time.perf_counter(), time.process_time()
    for _ in range(_CHOICES):
        _picture, lap, _why = next_picture(lap, stock, "painter", rng)
    wall, cpu = time.perf_counter() - begun, time.process_time() - cpu
    return Cost(ms=1000 * wall / _CHOICES, cpu_ms=1000 * cpu / _CHOICES, statements=0)


async def _add(room: Room) -> None:
    for number in range(_ADDED):
        await room.add(a_job(f"added{number}"))


async def _link_renditions(room: Room) -> None:
    """For each picture a rendition with something drawn on it, as if frames had been shown all of them."""
    ids = await room.journal.pictures.ids(STORE)
    while ids:
        paths = [_rendition(room, picture) for picture in await room.journal.pictures.get_all(ids)]
        _link(paths)
        ids = await room.journal.pictures.ids(STORE, after=ids[-1])


def _link(paths: list[Path]) -> None:
    made = source = Path()
    for number, path in enumerate(paths):
        if path.parent != made:
            made = path.parent
            made.mkdir(parents=True, exist_ok=True)
        if number % _NAMES == 0:
            path.write_bytes(jpeg())
            source = path
        else:
            path.hardlink_to(source)


def _rendition(room: Room, picture: Picture) -> Path:
    return RenditionFolder(room.base / "renditions")._path_of(f"{TARGET.key}/{picture.version}.drawn")


def _memory(*, anew: bool = False) -> float:
    """Megabytes that this process had at the most since it was asked `anew`; then as many as it has now."""
    if anew:
        Path("/proc/self/clear_refs").write_text("5")
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


if __name__ == "__main__":
    made = asyncio.run(_costs(Path(sys.argv[1]), int(sys.argv[2])))
    sys.stdout.write(json.dumps({name: attrs.asdict(one) for name, one in made.items()}) + "\n")
