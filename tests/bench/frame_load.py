"""Frames with their real timing, a process of its own: `python -m tests.bench.frame_load JOB`, the job as JSON.

It begins at once, says `steady` when the warm-up is over, and prints what it counted after that as JSON. Then it stays
until its standard input ends, so that what it used can still be looked up.
"""

from __future__ import annotations

import asyncio
import gc
import json
import random
import sys

from attrs import frozen

from imageserver.clock import SystemClock
from imageserver.frame_client.options import SwarmOptions
from imageserver.frame_client.swarm import Swarm
from imageserver.frame_client.swarm_counts import Counts, Spread
from imageserver.frame_client.swarm_sockets import Sockets, allow_files

_EVERY = 60.0  # seconds: a pair a minute


@frozen(kw_only=True)
class FrameJob:
    """How many frames, and when they are looked at, in seconds."""

    port: int
    frames: int
    warm_up: float
    seconds: float


def figures(counts: Counts) -> dict[str, float]:
    """What the frames saw, times in ms."""
    both = Spread()
    for spread in counts.first_bytes.values():
        both.include(spread)
    seen = {
        "starts": counts.starts,
        "pictures": counts.pictures,
        "pending": counts.pending,
        "aborted": counts.aborted,
        "megabytes": counts.received / 1e6,
        "questions": both.number,
        "longest_first": 1000 * both.longest,
        "longest_pause": 1000 * counts.longest_pause,
        "late_p99": 1000 * counts.late.percentile(0.99),
        "longest_late": 1000 * counts.late.longest,
    }
    return seen | {f"first_p{100 * share:g}": 1000 * both.percentile(share) for share in (0.5, 0.99, 0.999)}


async def run(job: FrameJob) -> None:
    """Warm up, count, print."""
    options = SwarmOptions(host="127.0.0.1", port=job.port, frames=job.frames, every=_EVERY, seed=job.frames)
    if lack := allow_files(job.frames):
        sys.stderr.write(lack + "\n")
    swarm = Swarm(options, clock=SystemClock(), rng=random.Random(options.seed))
    living = asyncio.create_task(swarm.run(Sockets.found(options), settled=gc.freeze))
    await _unless_it_ends(living, job.warm_up)
    before = swarm.take_counts()
    _say("steady")
    await _unless_it_ends(living, job.seconds)
    counts = swarm.take_counts()
    before.include(counts)
    for kind, failed in before.failures.items():
        sys.stderr.write(f"{failed.times} × {kind.step.value}, {kind.reason}: {failed.example}\n")
    _say(json.dumps(figures(counts) | {"failed": before.failed}))  # nobody may fail while it warms up either
    living.cancel()
    await asyncio.wait([living])
    await asyncio.to_thread(sys.stdin.read)


async def _unless_it_ends(living: asyncio.Task[None], seconds: float) -> None:
    """Raises what ended the frames."""
    done, _ = await asyncio.wait([living], timeout=seconds)
    for one in done:
        one.result()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(run(FrameJob(**json.loads(sys.argv[1]))))
