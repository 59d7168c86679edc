"""A provider that is dead for an hour: every frame gets a picture all the same, and quickly."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, TCPConnector
from faults.room import HASTY, room
from live import ShiftedClock

FRAMES = 10
EVERY = 30.0  # seconds of virtual time
ROUNDS = 120  # an hour of it
DEAD = ("never_accepts", "silent", "reset", "status_502", "status_503", "rate_limited")


class Watched:
    """One frame, at an address of its own, with a stopwatch for the first byte of every answer."""

    def __init__(self, http: ClientSession) -> None:
        self._http = http
        self.seconds: list[float] = []
        self.held = 0
        self.pictures = 0

    async def picture(self, kind: str) -> None:
        """A wish, and its result as soon as it is there. Fails when that is no picture."""
        started = await self._timed("POST", "/operation/start", kind)
        while (said := await self._timed("GET", f"/operation/result/{started['id']}"))["status"] == "pending":
            pass
        assert said["status"] == "done", said
        assert said["response"]["image"].startswith("/9j/")  # a JPEG in base64
        self.pictures += 1

    async def _timed(self, method: str, path: str, wish: str | None = None) -> dict[str, Any]:
        body = None if wish is None else {"type": wish}
        begun = time.perf_counter()
        async with self._http.request(method, path, json=body) as answer:
            first = await answer.content.readany()
            passed = time.perf_counter() - begun
            assert answer.status == 200
            said: dict[str, Any] = json.loads(first + await answer.read())
        if method == "GET" and said["status"] == "pending":
            self.held += 1  # the server keeps such a question for half a second, so that a picture is there at once
        else:
            self.seconds.append(passed)
        return said


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("mode", DEAD)
async def test_a_dead_provider_darkens_no_frame(tmp_path: Path, mode: str) -> None:
    """For an hour of virtual time ten frames ask every 30 s, and each has its picture every time."""
    clock = ShiftedClock()
    async with room(tmp_path, "images", timeout=HASTY, clock=clock, stored=20) as it, AsyncExitStack() as stack:
        await it.fake.become(mode)
        frames = []
        for number in range(FRAMES):
            connector = TCPConnector(local_addr=(f"127.0.0.{number + 2}", 0))
            session = ClientSession(f"http://127.0.0.1:{it.server.port}", connector=connector)
            frames.append(Watched(await stack.enter_async_context(session)))
        for _ in range(ROUNDS):
            await asyncio.gather(*(frame.picture("auto") for frame in frames))
            clock.shift += EVERY
        seconds = sorted(second for frame in frames for second in frame.seconds)
        pictures = sum(frame.pictures for frame in frames)
        assert pictures == FRAMES * ROUNDS
        assert len(it.fake.ledger.charges) <= await it.counted()
        p99, held = seconds[len(seconds) * 99 // 100], sum(frame.held for frame in frames)
        print(  # noqa: T201 - the figures are what it is run for
            f"\n{mode}: {pictures} of {FRAMES * ROUNDS} wishes ended in a picture; first byte of {len(seconds)} "
            f"answers: median {seconds[len(seconds) // 2] * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, longest "
            f"{seconds[-1] * 1000:.0f} ms; {held} answers said pending; {len(it.fake.ledger.requests)} calls"
        )
