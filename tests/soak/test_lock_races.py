"""Two hundred races for the lock of a data folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from faults.test_one_server import judged

RACES = 200


@pytest.mark.soak
@pytest.mark.timeout(1800)
async def test_two_hundred_races(tmp_path: Path) -> None:
    """Every race has one winner, a loser with code 2, and a free folder after kill -9."""
    figures = [await judged(tmp_path) for _ in range(RACES)]
    lost, locked = max(lost for lost, _ in figures), max(locked for _, locked in figures)
    print(  # noqa: T201 - the figures are what it is run for
        f"\n{RACES} races, one winner each; the loser had ended after {lost * 1000:.0f} ms at most, "
        f"and a killed winner's lock was taken within {locked * 1000:.0f} ms"
    )
