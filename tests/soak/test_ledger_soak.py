"""The spending caps over a million random steps."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from journal.ledger_walk import CAPS, LedgerWalk

SEEDS = 50
STEPS = 20_000
_MEMORY = Path("/dev/shm")


def _memory() -> Path | None:
    return _MEMORY if _MEMORY.is_dir() else None


@pytest.mark.soak
@pytest.mark.timeout(7200)
async def test_the_cap_holds_over_a_million_steps() -> None:
    """Whatever workers, crashes, restarts and clocks do, no day and no month is charged more than allowed."""
    with tempfile.TemporaryDirectory(dir=_memory()) as folder:
        charges = [await LedgerWalk(Path(folder), seed).run(STEPS) for seed in range(SEEDS)]
    assert min(charges) > 20
    print(  # noqa: T201 - the figures are what it is run for
        f"\n{SEEDS} seeds × {STEPS} steps: {sum(charges)} pictures charged, never more than {CAPS.per_day} a day, "
        f"{CAPS.per_month} pictures or a cost of {CAPS.cost_per_month} a month"
    )
