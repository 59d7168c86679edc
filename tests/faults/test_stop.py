"""SIGTERM in the middle of everything: code 0, nothing lost, and what was paid is kept or said to be unknown."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from attrs import frozen
from default_plugins.yandexart_room import write_keys
from fakes.yandex import FakeYandex
from live import picture_bytes
from program import HANG_LIMIT, Program, program

from faults.room import PATIENT, options
from imageserver.frame_client.failure import FrameWouldFail
from imageserver.frame_client.jpeg import inspect
from imageserver.testing.ledger import Ledger
from imageserver.testing.wire import Answer

# `imageserver serve` that stops without haste: a busy machine may need longer than the seconds of a real stop, from
# the moment in which the gate opens to the one in which the picture is kept.
UNHURRIED = """
import imageserver.app, imageserver.server
from imageserver.__main__ import run
imageserver.app._LAST_CALLS, imageserver.server._CLEANUP = 30.0, 45.0
run()
"""


class Slow(FakeYandex):
    """Charges at once, and answers when the gate is open."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger, polls=0)
        self.reached, self.gate = asyncio.Event(), asyncio.Event()

    async def deliver(self, request: web.Request, mode: str, answer: Answer) -> web.StreamResponse:
        self.reached.set()
        await self.gate.wait()
        return await super().deliver(request, mode, answer)


@frozen(kw_only=True)
class Promised:
    """What frames were told before the stop: the ids that they hold."""

    paid: str
    others: tuple[str, ...]


@asynccontextmanager
async def asking(server: Program) -> AsyncIterator[list[str]]:
    """Frames that ask without a pause, until the server is gone; the ids that they were given."""
    given: list[str] = []

    async def ask() -> None:
        with contextlib.suppress(FrameWouldFail, OSError):  # when it is gone
            while True:
                given.append((await server.frame.start("old")).id)

    frames = [asyncio.create_task(ask()) for _ in range(4)]
    try:
        yield given
    finally:
        await asyncio.wait_for(asyncio.gather(*frames), HANG_LIMIT)


async def stopped(data: Path, fake: Slow, number: signal.Signals, *, opens: bool) -> Promised:
    """Start, begin a paid call, a free one and many requests, then stop; the gate opens meanwhile or never."""
    async with program(data, code=UNHURRIED if opens else "") as server, asking(server) as given:
        paid = (await server.frame.start("provider", provider="yandexart", prompt="a heron")).id
        await asyncio.wait_for(fake.reached.wait(), HANG_LIMIT)
        painting = [(await server.frame.start("provider", provider="atelier")).id for _ in range(3)]
        server.process.send_signal(number)
        if opens:
            while (data / "server.json").exists():  # noqa: ASYNC110 - another process takes it away
                await asyncio.sleep(0)
            fake.gate.set()
        assert await asyncio.wait_for(server.process.wait(), HANG_LIMIT) == 0
    assert given
    return Promised(paid=paid, others=(*painting, *given))


async def kept(data: Path, promised: Promised) -> dict[str, Any]:
    """Every id still brings something to draw after the restart; returns the paid job."""
    async with program(data) as server:
        for operation in (promised.paid, *promised.others):
            while (answer := await server.frame.result(operation)).status == "pending":
                pass
            assert answer.status == "done"
            assert answer.jpeg is not None
            assert inspect(answer.jpeg).width == 320
        token = json.loads((data / "server.json").read_text())["token"]
        headers = {"Authorization": f"Bearer {token}"}
        async with (
            aiohttp.ClientSession(f"http://127.0.0.1:{server.port}", headers=headers) as http,
            http.get("/api/v1/jobs", params={"count": 1000}) as answered,
        ):
            jobs = (await answered.json())["jobs"]
        return next(dict(job) for job in jobs if job["id"] == promised.paid)


@asynccontextmanager
async def scene(folder: Path, transport: str) -> AsyncIterator[tuple[Path, Slow]]:
    """A data folder whose options name the fake, and the fake."""
    data = folder / "data"
    data.mkdir()
    (folder / "images").mkdir()
    (folder / "images" / "one.jpg").write_bytes(picture_bytes())
    write_keys(data)
    async with Slow(Ledger(folder / "ledger")).running() as fake:
        (data / "options.yml").write_text(options(fake, transport, PATIENT, disabled="[]"), encoding="utf-8")
        yield data, fake
        fake.gate.set()


@pytest.mark.parametrize("transport", ["images", "async"])
async def test_a_paid_answer_that_comes_during_the_stop_is_kept(tmp_path: Path, transport: str) -> None:
    """The server ends with code 0, the paid picture is there after the restart, and is paid only once."""
    async with scene(tmp_path, transport) as (data, fake):
        promised = await stopped(data, fake, signal.SIGTERM, opens=True)
        job = await kept(data, promised)
        assert (job["state"], job["card"], job["error"]) == ("done", None, None), job
        assert len(fake.ledger.charges) == 1


async def test_a_paid_answer_that_does_not_come_is_unknown(tmp_path: Path) -> None:
    """The stop waits for it for a moment only; after the restart the job says that the answer was lost."""
    async with scene(tmp_path, "images") as (data, fake):
        promised = await stopped(data, fake, signal.SIGTERM, opens=False)
        fake.gate.set()
        job = await kept(data, promised)
        assert (job["state"], job["card"]) == ("unknown", "answer_lost"), job
        assert len(fake.ledger.charges) == 1


async def test_a_kill_is_no_clean_stop(tmp_path: Path) -> None:
    """The control: a server that is killed does not end with code 0."""
    async with scene(tmp_path, "images") as (data, fake):
        with pytest.raises(AssertionError, match="-9"):
            await stopped(data, fake, signal.SIGKILL, opens=False)
