"""Data folders copied file by file while their server is busy, and what becomes of them when they are started."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from attrs import define, field, frozen
from fakes.yandex import FakeYandex
from faults.lanes import Lane, Server, program
from program import HANG_LIMIT

from backup.house import House, house, shop

DRIVER = Path(__file__).parent.parent / "faults" / "driver.py"
_CHUNK = 32 * 1024  # bytes that are copied between two moments at which the server may go on


@define
class Copier:
    """Copies as cp does, one file after the other; the server works between any two pieces."""

    it: House
    chance: random.Random
    copies: int = field(init=False, default=0)

    async def copy(self, to: Path) -> None:
        """The data folder, in an order that the disk might give, and the pictures."""
        data = self.it.data
        (to / "data").mkdir(parents=True)
        shutil.copytree(data.parent / "images", to / "images", copy_function=_if_there)
        files = [path for path in sorted(data.rglob("*")) if path.is_file() and "renditions" not in path.parts]
        self.chance.shuffle(files)
        for file in files:
            await self._file(file, to / "data" / file.relative_to(data))
        self.copies += 1

    async def _file(self, file: Path, to: Path) -> None:
        to.parent.mkdir(parents=True, exist_ok=True)
        try:
            source = file.open("rb")
        except FileNotFoundError:  # gone since the folder was listed: cp says so and goes on
            return
        with source, to.open("wb") as target:
            while piece := source.read(_CHUNK):
                target.write(piece)
                if self.chance.random() < (0.4 if file.name.startswith("journal.sqlite") else 0.1):
                    await self._something_happens()

    async def _something_happens(self) -> None:
        """Frames are served, a picture is bought, or the journal is put into one file as every snapshot does."""
        what = self.chance.random()
        if what < 0.5:
            for _ in range(self.chance.randrange(1, 20)):
                await self.it.asked("old")
        elif what < 0.7:
            await self.it.bought(f"a heron, the {self.copies}th")
        else:
            os.unlink((await self.it.send("POST", "/api/v1/journal/copy"))["copy"])  # noqa: PTH108 - quick enough here


def _if_there(source: str, target: str) -> object:
    try:
        return shutil.copyfile(source, target)
    except FileNotFoundError:
        return target


@frozen(kw_only=True)
class Copies:
    """What was copied, and the service that every copy would buy from."""

    folders: list[Path]
    fake: FakeYandex


@asynccontextmanager
async def copied_live(folder: Path, number: int, seed: int = 5) -> AsyncIterator[Copies]:
    """So many copies of one busy server's folder, which has ended meanwhile."""
    async with shop(folder / "original") as (data, fake):
        folders = [folder / f"copy-{one}" for one in range(number)]
        async with house(data) as it:
            for prompt in ("a heron", "an owl"):
                await it.bought(prompt)
            copier = Copier(it, random.Random(seed))
            for to in folders:
                await copier.copy(to)
        yield Copies(folders=folders, fake=fake)


@frozen(kw_only=True)
class Outcome:
    """What became of one copy."""

    started: bool
    came: str = ""  # why its counters wait for a word: "copied", "snapshot" or ""
    bought: int = 0  # pictures that were charged, asked for by name before anything was confirmed
    bought_after: int = 0  # … and after it was
    shown: bool = False  # a frame got its picture


@asynccontextmanager
async def lane() -> AsyncIterator[Lane]:
    """A driver that starts servers in a fraction of a second."""
    async with program(str(DRIVER)) as process:
        yield Lane(process=process)


async def outcome(lane: Lane, folder: Path, fake: FakeYandex, *, confirms: bool = False) -> Outcome:
    """Start a copy, look at it as its owner and as a frame, and kill it."""
    server = await lane.start_and_kill(folder / "data", None)
    if server is None:
        return Outcome(started=False)
    try:
        return await asyncio.wait_for(_looked_at(server, folder, fake, confirms=confirms), HANG_LIMIT)
    finally:
        server.kill()
        await server.ended()


async def _looked_at(server: Server, folder: Path, fake: FakeYandex, *, confirms: bool) -> Outcome:
    before = len(fake.ledger.charges)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as http:
        async with http.get("/healthz") as answer:
            came = (await answer.json())["unconfirmed"]
        shown = [await _shown(http, kind) for kind in ("old", "auto", "provider", "ydart")]
        bought = len(fake.ledger.charges) - before
        if confirms:
            async with http.post("/api/v1/counters/confirm") as answer:
                assert answer.status == 200, await answer.text()
            await _shown(http, "provider")
    after = len(fake.ledger.charges) - before - bought
    return Outcome(started=True, came=came or "", bought=bought, bought_after=after, shown=all(shown))


async def _shown(http: aiohttp.ClientSession, kind: str) -> bool:
    """Whether a frame gets a picture. Without a frame's time limits: these have tests of their own."""
    named = {"provider": "yandexart", "prompt": "a stork"} if kind == "provider" else {}
    async with http.post("/operation/start", json={"type": kind, **named}) as answer:
        operation = (await answer.json())["id"]
    said = {"status": "pending"}
    while said["status"] == "pending":
        async with http.get(f"/operation/result/{operation}") as answer:
            said = await answer.json()
    return said["status"] == "done" and said["response"]["image"].startswith("/9j/")  # type: ignore[index]  # JSON


def torn(folder: Path) -> None:
    """Make the journal of a copy what no luck can make whole: its first pages are later than the rest."""
    path = folder / "data" / "journal.sqlite"
    size = path.stat().st_size // 4096 * 4096
    with path.open("r+b") as file:
        file.seek(size // 2)
        file.write(os.urandom(size - size // 2))
