"""Kills at random moments: what no list of points foresees."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

from faults.sweep import Outcome, sweep


async def random_kills(folder: Path, transport: str, number: int) -> list[Outcome]:
    """So many jobs, each killed at a random moment; half of them again, up to twice, while the server starts anew.

    The images interface answers in many small pieces here, so that many kills fall into the middle of an answer.
    """
    chance = random.Random(transport)
    mode = "drip" if transport == "images" else "good"
    async with sweep(folder, transport, mode=mode) as ready:
        start, job = await ready.lengths()
        async with asyncio.TaskGroup() as group:
            runs = []
            for _ in range(number):
                again = [chance.uniform(0, start + job) for _ in range(chance.choice([0, 0, 1, 2]))]
                first = job * chance.random() ** 2  # squared, because most of a job happens at its beginning
                runs.append(group.create_task(ready.killed_after(first, *again)))
    return [run.result() for run in runs]
