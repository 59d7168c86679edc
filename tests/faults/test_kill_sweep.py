"""Kill -9 in the middle of a paid job: nothing is paid twice, and nothing is lost that reached the disk."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from faults.lanes import why_not
from faults.random_kills import random_kills
from faults.sweep import Outcome, Point, Sweep, sweep

pytestmark = pytest.mark.timeout(900)  # a hang limit: on two idle cores the slowest test takes about a minute
RANDOM_KILLS = 20  # for each transport


@pytest.fixture(autouse=True)
def _strace() -> None:
    missing = why_not()
    if missing is None:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(missing)
    pytest.skip(missing)


async def killed_at_each(sweep: Sweep, points: list[Point], *, forget: str | None = None) -> dict[Point, Outcome]:
    async with asyncio.TaskGroup() as group:
        runs = {point: group.create_task(sweep.killed_at(point, forget=forget)) for point in points}
    return {point: run.result() for point, run in runs.items()}


def violated(outcomes: dict[Point, Outcome]) -> dict[Point, tuple[str, ...]]:
    return {point: outcome.violations for point, outcome in outcomes.items() if outcome.violations}


@pytest.mark.parametrize("transport", ["images", "async"])
async def test_killed_at_every_system_call(tmp_path: Path, transport: str) -> None:
    """Wherever a paid job is killed, it is charged once at most, keeps what reached the disk, and its id answers."""
    async with sweep(tmp_path, transport) as ready:
        outcomes = await killed_at_each(ready, await ready.points())
    assert violated(outcomes) == {}
    # the sweep was one: from before the wish was written down to after the picture was shown
    assert {outcome.end for outcome in outcomes.values()} == {"never began", "unknown", "done"}
    assert {outcome.charges for outcome in outcomes.values() if outcome.end == "unknown"} >= {1}
    killed = [outcome for outcome in outcomes.values() if outcome.killed]
    assert len(killed) > len(outcomes) / 2
    assert len(killed) < len(outcomes), "the sweep did not reach the end of the job"


@pytest.mark.parametrize("transport", ["images", "async"])
async def test_without_the_intent_it_pays_twice(tmp_path: Path, transport: str) -> None:
    """The sweep goes red for a server that does not commit its intent before the call."""
    async with sweep(tmp_path, transport) as ready:
        of_the_call = [point for point in await ready.points() if point.thread == "provider yandexart"]
        outcomes = await killed_at_each(ready, of_the_call, forget="intent")
    assert any(outcome.charges == 2 for outcome in outcomes.values())
    assert any("charged 2 times" in wrong for wrong in violated(outcomes).values())


async def test_without_the_answer_a_picture_is_lost(tmp_path: Path) -> None:
    """The sweep goes red for a server that does not look for the answer it had begun to keep."""
    async with sweep(tmp_path, "images") as ready:
        points = [point for point in await ready.points() if point.call in ("write", "fsync", "rename")]
        outcomes = await killed_at_each(ready, points, forget="answer")
    assert any(outcome.end == "unknown" for point, outcome in outcomes.items() if point in violated(outcomes))


@pytest.mark.parametrize("transport", ["images", "async"])
async def test_killed_at_random_moments(tmp_path: Path, transport: str) -> None:
    """Killed whenever, also once or twice more while it starts again, the same promises hold."""
    outcomes = await random_kills(tmp_path, transport, RANDOM_KILLS)
    assert [outcome for outcome in outcomes if outcome.violations] == []
    assert any(outcome.killed for outcome in outcomes)
