"""An installation with everything that a backup has to bring over, run by the real program."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
from attrs import frozen
from default_plugins.yandexart_room import write_keys
from fakes.yandex import FakeYandex
from faults.room import PATIENT, options
from live import picture_bytes
from program import HANG_LIMIT, Program, program

from imageserver.testing.ledger import Ledger

FRAMES = """
frames:
  kitchen: {address: 10.0.0.7, rotate: 90, prompts: [a loaf of bread]}
  hall: {address: 10.0.0.8, image_width: 240, image_height: 320}
"""
STORED = 4


@frozen(kw_only=True)
class House:
    """A running server, and its owner's way to it."""

    server: Program
    data: Path
    http: aiohttp.ClientSession

    async def get(self, path: str) -> Any:
        """The JSON of an answer."""
        async with self.http.get(path) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def send(self, method: str, path: str, body: Any = None) -> Any:
        """The same for what changes something."""
        async with self.http.request(method, path, json=body) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json()

    async def bought(self, prompt: str) -> str:
        """Buy a picture; the id under which a frame got it."""
        operation = await self.asked("provider", provider="yandexart", prompt=prompt)
        await self.shown(operation)
        return operation

    async def asked(self, kind: str, **more: str) -> str:
        """A frame's wish; its id. Without a frame's time limits: these have tests of their own."""
        return str((await self.send("POST", "/operation/start", {"type": kind, **more}))["id"])

    async def shown(self, operation: str) -> bytes:
        """The picture that a frame gets under this id."""
        while (said := await self.get(f"/operation/result/{operation}"))["status"] == "pending":
            pass
        assert said["status"] == "done"
        return base64.b64decode(said["response"]["image"])

    async def everything(self) -> dict[str, Any]:
        """What an owner would miss, the bytes of all originals included."""
        pictures = (await self.get("/api/v1/pictures?count=100"))["pictures"]
        deleted = (await self.get("/api/v1/pictures?count=100&deleted=true"))["pictures"]
        originals = {}
        for picture in pictures:
            async with self.http.get(f"/api/v1/pictures/{picture['id']}/original") as answer:
                originals[picture["id"]] = await answer.read()
        frames = (await self.get("/frames"))["frames"]
        numbers = await self.get("/api/v1/numbers")
        plugins = await self.get("/api/v1/plugins")
        return {
            "pictures": pictures,
            "deleted": deleted,
            "originals": originals,
            # when each was seen last changes from moment to moment
            "frames": [
                {name: one[name] for name in ("frame", "named", "address", "width", "height")} for one in frames
            ],
            "money": [(day["day"], day["bought"], day["cost"], day["made"]) for day in numbers["days"]],
            "books": [line["books"] for line in plugins["providers"]],
            "prompts": (await self.get("/api/v1/prompts"))["prompts"],
            "jobs": [job for job in (await self.get("/api/v1/jobs?count=1000"))["jobs"] if job["provider"]],
            "tokens": (await self.get("/api/v1/tokens"))["tokens"],
        }


@asynccontextmanager
async def house(data: Path) -> AsyncIterator[House]:
    """The program on this data folder."""
    async with program(data) as server:
        token = json.loads((data / "server.json").read_text())["token"]
        headers = {"Authorization": f"Bearer {token}"}
        async with aiohttp.ClientSession(f"http://127.0.0.1:{server.port}", headers=headers) as http:
            yield House(server=server, data=data, http=http)


@asynccontextmanager
async def shop(folder: Path) -> AsyncIterator[tuple[Path, FakeYandex]]:
    """The data folder of an installation that buys from a fake service, and that service."""
    data = folder / "data"
    data.mkdir(parents=True)
    images = folder / "images"
    images.mkdir()
    for number in range(STORED):
        (images / f"stored{number}.jpg").write_bytes(picture_bytes(f"hsl({number * 80}, 70%, 50%)"))
    write_keys(data)
    async with FakeYandex(Ledger(folder / "ledger"), polls=0).running() as fake:
        said = options(fake, "images", PATIENT, disabled="[]").replace("}", ", max_per_day: none}")  # no cap helps here
        (data / "options.yml").write_text(said + FRAMES, encoding="utf-8")
        (data / "prompts.yaml").write_text(
            "# mine\nprompts:\n  - {idx: 1, prompt: a heron}\n  - {idx: 2, prompt: an owl}\n", encoding="utf-8"
        )
        (folder / "certs").mkdir()
        (folder / "plugins").mkdir()
        yield data, fake


_MOST = 900  # jobs: `everything` looks at a thousand


@asynccontextmanager
async def busy(it: House) -> AsyncIterator[list[str]]:
    """Frames that ask without a pause, up to what one question about jobs still shows; the ids that they were given."""
    given: list[str] = []

    async def ask() -> None:
        while len(given) < _MOST:
            operation = await it.asked("old")
            await it.shown(operation)
            given.append(operation)
        await asyncio.Event().wait()

    asking = [asyncio.create_task(ask()) for _ in range(3)]
    try:
        yield given
    finally:
        for one in asking:
            one.cancel()
        done = await asyncio.wait_for(asyncio.gather(*asking, return_exceptions=True), HANG_LIMIT)
        assert all(isinstance(one, asyncio.CancelledError) for one in done), done


@contextmanager
def untouched(folder: Path) -> Iterator[None]:
    """Not a byte below this folder changes, and nothing comes or goes."""
    before = listing(folder)
    yield
    assert listing(folder) == before


def names(folder: Path) -> list[str]:
    """What lies directly in a folder."""
    return sorted(path.name for path in folder.iterdir())


def by_hand(file: Path, to: Path) -> None:
    """Unpack a backup and check it with the tools that every system has."""
    to.mkdir()
    subprocess.run(["tar", "-xf", file, "-C", to], check=True)
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=to / "imageserver-backup", check=True)


def listing(folder: Path) -> dict[str, tuple[bytes, int, int]]:
    """Every file below: bytes, time of change, rights."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_mode)
        for path in folder.rglob("*")
        if path.is_file()
    }
