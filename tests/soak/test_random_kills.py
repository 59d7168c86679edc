"""A thousand random kills of paid jobs."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest
from faults.random_kills import random_kills

pytestmark = [
    pytest.mark.soak,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(sys.platform != "linux", reason="the driver ties its servers to itself with prctl"),
]


@pytest.mark.parametrize("transport", ["images", "async"])
async def test_a_thousand_random_kills(tmp_path: Path, transport: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Over both transports 1,000 jobs are killed, and none is paid twice or lost once it was kept."""
    outcomes = await random_kills(tmp_path, transport, 500)
    ends = Counter(f"{outcome.end}, charged {outcome.charges}" for outcome in outcomes if outcome.killed)
    violations = [outcome for outcome in outcomes if outcome.violations]
    with capsys.disabled():
        print(f"\n{transport}: {sum(ends.values())} killed of {len(outcomes)}, {len(violations)} violations; {ends}")  # noqa: T201 - the figures are what a soak is for
    assert violations == []
