"""What a server spends on thousands of frames with their real timing, a pair of start and result a minute each.

python -m tests.bench.bench_frames [--frames N ...] [--warm-up SECONDS] [--seconds SECONDS]

Frames begin spread over a minute, so from the 30th second on there are as many results as starts. What happens before
is not counted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

import attrs
from program import Program, program

from .driving import child, line_of
from .frame_load import FrameJob
from .household import AS_INSTALLED, PICTURES, draw_pictures
from .load import Job, connect, get, pair
from .machine import Usage, memory
from .report import table
from .rounds import Round, Summary, Tally

NUMBERS: Final = (100, 1_000, 10_000)
WARM_UP: Final = 35.0  # seconds: the first results come 30 s after the first starts
SECONDS: Final = 60.0  # in which each frame has one start and one result

_OPTIONS = """\
image_amount_min: 1000000
image_amount_max: 10000000
plugins_dir: no-plugins
disabled_providers: [atelier]
max_bytes: 40000
image_path: {images}
"""


@asynccontextmanager
async def serving(data: Path, images: Path) -> AsyncIterator[Program]:
    """A server of its own for frames without a name, whose pictures have 40 KB at the most and are all made."""
    _write_options(data, images)
    async with program(data, AS_INSTALLED) as server:
        connection = await connect(Job(port=server.port, connections=1, seconds=0))
        for _ in range(2 * PICTURES):  # twice: what was streamed from disk once is kept in memory
            reply, path, _ = await pair(connection)
            while reply.is_pending:
                reply = await connection.ask(get(path))
        connection.close()
        yield server


def _write_options(data: Path, images: Path) -> None:
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    (data / "options.yml").write_text(_OPTIONS.format(images=images), encoding="utf-8")


def measures(
    server: Program, numbers: Sequence[int] = NUMBERS, *, warm_up: float = WARM_UP, seconds: float = SECONDS
) -> dict[str, Callable[[], Awaitable[Round]]]:
    """What to measure, by name, with few frames first."""
    jobs = [FrameJob(port=server.port, frames=number, warm_up=warm_up, seconds=seconds) for number in sorted(numbers)]
    return {name_of(job.frames): partial(measure, server, job) for job in jobs}


def name_of(frames: int) -> str:
    """The case of so many frames."""
    return f"frames, {frames:,}"


async def measure(server: Program, job: FrameJob) -> Round:
    """One run."""
    async with child("frame_load", json.dumps(attrs.asdict(job))) as client:
        if await line_of(client) != "steady":
            raise RuntimeError("the frames did not begin")
        ours = [os.getpid(), client.pid, server.process.pid]
        before, begun = Usage.of(ours), time.perf_counter()
        seen: dict[str, float] = json.loads(await line_of(client))
        seconds = time.perf_counter() - begun
        after = Usage.of(ours)
    if not seen["pictures"]:
        raise RuntimeError("the frames got no picture: nothing to measure")
    used = {process: after.ours[process] - before.ours[process] for process in ours}
    now, peak = memory(server.process.pid)
    figures = seen | {
        "per_second": seen["pictures"] / seconds,
        "server_ms": 1000 * used[server.process.pid] / seen["pictures"],
        "server_share": used[server.process.pid] / seconds,
        "client_share": used[client.pid] / seconds,
        "rss": now,
        "peak": peak,
    }
    return Round(figures=figures, foreign=after.foreign_since(before, seconds))


def growth(found: Mapping[str, Summary], numbers: Sequence[int] = NUMBERS) -> dict[str, dict[int, float]]:
    """The lines of a plot, in ms: what one pair costs the server, and how long the first byte of an answer takes.

    What is too little to be measured has no point on a logarithmic axis.
    """
    lines = {"server CPU, each pair": "server_ms", "first byte, p50": "first_p50", "first byte, p99": "first_p99"}
    measured = {number: found[name_of(number)].figures for number in numbers if name_of(number) in found}
    return {
        name: {number: figures[figure] for number, figures in measured.items() if figures[figure] > 0}
        for name, figure in lines.items()
    }


async def _main(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="bench-frames-") as name:
        folder = Path(name)
        draw_pictures(folder / "images")
        async with serving(folder / "data", folder / "images") as server:
            found = {}
            for case, doing in measures(
                server, options.frames, warm_up=options.warm_up, seconds=options.seconds
            ).items():
                tally = Tally(wanted=1)
                tally.add(await doing())
                found[case] = tally.summary()
                sys.stdout.write(f"{case}: {json.dumps(found[case].figures)}\n")
    sys.stdout.write(f"\n{table(found)}\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, nargs="+", default=list(NUMBERS))
    parser.add_argument("--warm-up", type=float, default=WARM_UP)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    asyncio.run(_main(parser.parse_args()))
