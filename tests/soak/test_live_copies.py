"""Two hundred copies of a busy server's data folder."""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from pathlib import Path

import pytest
from backup.live_copies import Outcome, copied_live, lane, outcome

COPIES = 200
CONTROLS = 50  # of them started without their snapshots and seals as well


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.skipif(sys.platform != "linux", reason="the driver ties its servers to itself with prctl")
async def test_two_hundred_live_copies(tmp_path: Path) -> None:
    """Every copy starts, shows pictures and buys nothing; without snapshots and seals some do not start, or buy."""
    async with copied_live(tmp_path, COPIES) as it, lane() as started:
        outcomes: list[Outcome] = []
        controls: list[Outcome] = []
        for folder in it.folders:
            if len(controls) < CONTROLS:
                control = folder.with_name(f"{folder.name}-control")
                shutil.copytree(folder, control)
                for name in ("snapshot", "seal", "home"):
                    (control / "data" / f"journal.sqlite-{name}").unlink(missing_ok=True)
                controls.append(await outcome(started, control, it.fake))
                shutil.rmtree(control)
            outcomes.append(await outcome(started, folder, it.fake, confirms=True))
            shutil.rmtree(folder)
    good = [one for one in outcomes if one.started and one.shown and not one.bought]
    came = Counter(one.came for one in outcomes)
    print(  # noqa: T201 - the figures are what it is run for
        f"\n{len(good)} of {COPIES} copies started, showed pictures and bought nothing: {came['copied']} as they were, "
        f"{came['snapshot']} from the snapshot; {sum(one.bought_after for one in outcomes)} bought after a word. "
        f"Of {CONTROLS} without snapshots and seals {sum(not one.started for one in controls)} did not start, "
        f"and {sum(one.bought > 0 for one in controls)} bought"
    )
    assert len(good) == COPIES, [one for one in outcomes if one not in good]
    assert any(not one.started or one.bought for one in controls)
