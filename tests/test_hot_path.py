"""What a stored picture costs once it was made: counts of work, never milliseconds."""

from __future__ import annotations

import asyncio
import base64
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from live import Live, live

from imageserver.pictures.rendition import Rendition
from imageserver.sightings import Sightings
from imageserver.testing import FakeClock
from imageserver.web import keys

DISK = {"open", "os.listdir", "os.scandir", "os.remove", "os.rename", "os.mkdir", "os.truncate"}
_events: Counter[str] | None = None


def _hook(event: str, _arguments: tuple[object, ...]) -> None:
    if _events is not None and event in DISK:
        _events[event] += 1


sys.addaudithook(_hook)


@contextmanager
def disk_events() -> Iterator[Counter[str]]:
    """What Python does with files meanwhile, in any thread."""
    global _events  # noqa: PLW0603 - an audit hook can never be taken away, only told to be quiet
    _events = Counter()
    try:
        yield _events
    finally:
        _events = None


async def statements_of(room: Live) -> list[str]:
    """A list that grows by whatever the journal is told from now on."""
    told: list[str] = []
    await room.app[keys.JOURNAL]._database.read(lambda connection: connection.set_trace_callback(told.append))
    return told


def still() -> Any:
    """A clock that stands: what the server does by itself, every few seconds and at each minute, is not counted."""
    return FakeClock(time.time())


async def pair(room: Live) -> None:
    """A start of a stored picture and its result."""
    await room.done((await room.start(type="old"))["id"])


async def until_written(room: Live) -> None:
    """Everything that was posted to the journal is written."""
    await room.app[keys.JOURNAL].notes.get("nothing")


async def test_a_picture_from_memory_opens_no_file(tmp_path: Path) -> None:
    """Once renditions are in memory, a start and its result touch no file besides the journal."""
    async with live(tmp_path, stored=2, clock=still()) as room:
        for _ in range(6):
            await pair(room)
        with disk_events() as touched:
            for _ in range(4):
                await pair(room)
        assert touched == {}


async def test_the_control_sees_files(tmp_path: Path) -> None:
    """A picture that was not asked for before does open one."""
    async with live(tmp_path, stored=1) as room:
        with disk_events() as touched:
            await pair(room)
        assert touched["open"] > 0


async def test_a_pair_costs_three_notes(tmp_path: Path) -> None:
    """The job, the frame's place in its lap and that it was fetched: ten pairs are three notes each, in few commits."""
    async with live(tmp_path, stored=2, clock=still()) as room:
        for _ in range(4):
            await pair(room)
        await until_written(room)
        told = await statements_of(room)
        for _ in range(10):
            await pair(room)
        await until_written(room)
        own = [text for text in told if "counters" not in text]  # written every minute, whatever happens
        changes = [text.split()[0] for text in own if text.split()[0] in ("INSERT", "UPDATE", "DELETE", "SELECT")]
        assert changes.count("UPDATE") == 10
        assert 10 < changes.count("INSERT") <= 20  # of laps that follow each other at once only the last is written
        assert changes.count("DELETE") == 0
        assert changes.count("SELECT") == 1  # our own question


async def test_one_result_again_and_again_is_one_note(tmp_path: Path) -> None:
    """A tablet that takes the same result fifty times in a moment does not wear the disk out."""
    async with live(tmp_path, stored=1) as room:
        operation = (await room.start(type="old"))["id"]
        await room.done(operation)
        await until_written(room)
        told = await statements_of(room)
        await asyncio.gather(*(room.done(operation) for _ in range(50)))
        await until_written(room)
        assert 1 <= sum(text.startswith("UPDATE jobs") for text in told) < 50


async def test_a_cold_picture_takes_few_trips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rendition that lies on the disk alone is read as a whole, not a chunk at a time; a large one in few pieces."""
    import aiofiles.threadpool.binary as files

    reads: list[int] = []
    real = files.AsyncBufferedReader.read

    async def read(self: Any, size: int = -1) -> bytes:
        data: bytes = await real(self, size)
        reads.append(len(data))
        return data

    monkeypatch.setattr(files.AsyncBufferedReader, "read", read)
    for size, trips in ((120_000, 1), (1_000_000, 6)):
        path = tmp_path / "cold.jpg"
        path.write_bytes(bytes(range(250)) * (size // 250))
        cold, reads[:] = Rendition(key="cold", size=size, path=path), []
        pieces = [piece async for block in cold.base64_blocks(16 * 1024) for piece in block]
        assert base64.b64decode(b"".join(pieces)) == path.read_bytes()
        assert {len(piece) for piece in pieces[:-1]} == {16 * 1024}
        assert len(reads) == trips


async def test_a_crowd_is_looked_over_in_between(tmp_path: Path) -> None:
    """While two thousand frames are looked over, those that ask are answered."""
    async with live(tmp_path) as room:
        seen = Sightings(journal=room.app[keys.JOURNAL], clock=FakeClock())
        for number in range(2000):
            seen.saw(f"10.0.{number // 250}.{number % 250}", "10.0.0.1")
        turns = 0

        async def somebody_else() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        other = asyncio.create_task(somebody_else())
        await seen.look_over()
        other.cancel()
        assert turns >= 10
        assert len(await room.app[keys.JOURNAL].sightings.latest(5000)) >= 2000
