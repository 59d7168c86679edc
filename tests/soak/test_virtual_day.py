"""Promise P11: a day with a hundred frames, and nothing grows. The program's clock hurries: it takes minutes."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path
from statistics import linear_regression

import aiohttp
import pytest
from attrs import asdict, frozen
from bench.machine import memory
from hurried import HurriedClock, program_code
from program import Program, program

from imageserver.frame_client.options import SwarmOptions
from imageserver.frame_client.swarm import Swarm
from imageserver.frame_client.swarm_sockets import Sockets
from imageserver.frame_client.wire import Limits

FRAMES = 100
HOURS = float(os.environ.get("SOAK_HOURS", "24"))  # virtual
TIMES = float(os.environ.get("SOAK_TIMES", "160"))  # as fast: nine minutes for the day
EVERY = 600.0  # virtual seconds between two wishes of a frame
SAMPLE = 900.0  # virtual seconds between two looks at the process
WARM = 0.3  # the share of the day that counts as warming up: the store fills, and every cache
SLOPE = 1.0  # megabytes a virtual hour

# A picture of its own each ten minutes, which costs nothing; the store is full after the warm-up and rotates.
PAINTER = """
import io
from imageserver import GeneratedImage, ImageProvider, hookimpl

class Painter(ImageProvider):
    code = "noise"
    takes_prompt = True

    async def generate(self, request):
        from PIL import Image
        file = io.BytesIO()
        noise = self.context.random.randbytes(16 * 24 * 3)
        Image.frombytes("RGB", (16, 24), noise).resize((512, 768)).save(file, "JPEG")
        return GeneratedImage(data=file.getvalue())

@hookimpl
def imageserver_register_providers(register):
    register(Painter)
"""
OPTIONS = """
disabled_providers: [atelier]
image_generate_threshold: 10
image_amount_max: 30
image_amount_min: 10
log_level: info
log_megabytes: 1
log_days: 1
"""


@frozen
class Sample:
    """The process at one moment of its day."""

    hour: float  # virtual
    memory: float  # megabytes
    files: int  # without sockets, which come and go with the frames
    sockets: int  # those that are left when nobody asks any more are counted
    threads: int
    queue: int  # jobs that wait
    data: float  # megabytes below the data folder, without the log
    images: float
    log: float


def megabytes(folder: Path) -> float:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def looked_at(server: Program, home: Path, hour: float, queue: int) -> Sample:
    """Blocks."""
    process = Path(f"/proc/{server.process.pid}")
    files = [target for one in (process / "fd").iterdir() if (target := leads_to(one))]
    log = megabytes(home / "log") if (home / "log").is_dir() else 0.0
    return Sample(
        hour=hour,
        memory=memory(server.process.pid)[0],
        files=len(files) - sum(one.startswith("socket:") for one in files),
        sockets=sum(one.startswith("socket:") for one in files),
        threads=len(list((process / "task").iterdir())),
        queue=queue,
        data=megabytes(home / "data"),
        images=megabytes(home / "images"),
        log=log,
    )


def leads_to(descriptor: Path) -> str:
    """What an open file is; nothing for one that was closed meanwhile."""
    try:
        return str(descriptor.readlink())
    except OSError:
        return ""


def slope(samples: list[Sample], of: Callable[[Sample], float]) -> float:
    """By how much it grows in a virtual hour."""
    return linear_regression([one.hour for one in samples], [of(one) for one in samples]).slope


def test_a_leak_is_seen() -> None:
    """The control: two megabytes an hour are two megabytes an hour, whatever swings around them."""
    samples = [Sample(n / 4, 60 + n / 2 + 3 * (-1) ** n, 9, 9, 9, 0, 1, 1, 1) for n in range(96)]
    assert slope(samples, lambda one: one.memory) > 1.9
    assert abs(slope(samples, lambda one: one.files)) < 0.01


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.skipif(sys.platform != "linux", reason="what a process holds is read from /proc")
async def test_a_virtual_day_is_flat(tmp_path: Path) -> None:
    """Memory, open files, threads, the queue, the disk and the log of a server that a hundred frames ask all day."""
    home = tmp_path
    (home / "data").mkdir()
    (home / "plugins").mkdir()
    (home / "plugins" / "noise.py").write_text(PAINTER, encoding="utf-8")
    (home / "data" / "options.yml").write_text(
        f"{OPTIONS}image_path: {home}/images\nplugins_dir: {home}/plugins\nlog_file: {home}/log/app.log\n",
        encoding="utf-8",
    )
    samples: list[Sample] = []
    clock = HurriedClock(TIMES)
    async with program(home / "data", code=program_code(TIMES)) as server:
        patience = Limits(first_byte=2 * TIMES, pause=2 * TIMES, connect=2 * TIMES, handshake=9 * TIMES, linger=TIMES)
        options = SwarmOptions(
            host="127.0.0.1",
            port=server.port,
            frames=FRAMES,
            every=EVERY,
            seconds=HOURS * 3600,
            seed=1,
            limits=patience,
        )
        swarm = Swarm(options, clock=clock, rng=random.Random(1))
        sockets = await asyncio.to_thread(Sockets.found, options)
        begun = clock.monotonic()

        async def look() -> None:
            async with aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as http:
                while True:
                    async with http.get("/healthz") as answer:
                        queue = (await answer.json())["queued"]
                    hour = (clock.monotonic() - begun) / 3600
                    samples.append(await asyncio.to_thread(looked_at, server, home, hour, queue))
                    await clock.sleep(SAMPLE)

        looking = asyncio.create_task(look())
        await swarm.run(sockets)
        looking.cancel()
        async with asyncio.timeout(120):  # the last connections end, or would never
            while True:
                rested = await asyncio.to_thread(looked_at, server, home, HOURS, 0)
                if rested.sockets <= samples[0].sockets:
                    break
                await asyncio.sleep(1)
        assert not looking.done() or looking.cancelled(), looking.exception()
    counts = swarm.counts
    warm = [one for one in samples if one.hour >= HOURS * WARM]
    slopes = {name: slope(warm, attrgetter(name)) for name in asdict(warm[0]) if name != "hour"}
    print(  # noqa: T201 - the figures are what it is run for
        f"\n{HOURS:g} virtual hours, {FRAMES} frames: {counts.starts} wishes, {counts.pictures} pictures, "
        f"{counts.pending} times pending, {counts.aborted} broken off, "
        f"{counts.failed} failures {counts.failures or ''}\n"
        f"first {samples[0]}\nwarm  {warm[0]}\nlast  {warm[-1]}\nrest  {rested}\n"
        f"a virtual hour: {', '.join(f'{name} {grown:+.3f}' for name, grown in slopes.items())}"
    )
    assert counts.pictures >= 0.9 * counts.starts > 0
    for name in ("memory", "data", "images", "log"):
        assert slopes[name] < SLOPE, name
    for name in ("files", "threads", "queue"):
        assert slopes[name] * HOURS * (1 - WARM) < 5, name  # no more of them at the evening than in the morning
