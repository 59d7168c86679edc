"""A data folder that was copied while its server was busy starts, and buys nothing before its owner has said a word."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from backup.live_copies import copied_live, lane, outcome, torn

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(sys.platform != "linux", reason="the driver ties its servers to itself with prctl"),
]
COPIES = 4


async def test_copies_of_a_live_folder_start_and_buy_nothing(tmp_path: Path) -> None:
    """Copied at any moment or torn: it starts, frames get pictures, and it buys only once the counters are confirmed.

    The controls: what is torn does not start without its snapshot, and a copy that nobody could tell from the original
    buys at once.
    """
    async with copied_live(tmp_path, COPIES + 2) as it, lane() as started:
        *plain, without, unsealed = it.folders
        torn(plain[0])
        outcomes = [await outcome(started, folder, it.fake, confirms=True) for folder in plain]
        assert [one.started and one.shown for one in outcomes] == [True] * COPIES, outcomes
        assert [one.bought for one in outcomes] == [0] * COPIES, outcomes
        assert outcomes[0].came == "snapshot"
        assert {one.came for one in outcomes} <= {"snapshot", "copied"}
        assert [one.bought_after for one in outcomes] == [1] * COPIES, outcomes
        log = (plain[0] / "log" / "app.log").read_text(encoding="utf-8")
        assert "its snapshot takes its place, and what was there is kept as journal.sqlite-damaged-1" in log

        torn(without)
        (without / "data" / "journal.sqlite-snapshot").unlink()
        assert not (await outcome(started, without, it.fake)).started
        for name in ("seal", "home"):
            (unsealed / "data" / f"journal.sqlite-{name}").unlink(missing_ok=True)
        control = await outcome(started, unsealed, it.fake)
        assert not control.started or control.bought > 0, control
