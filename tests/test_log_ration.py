"""Lines that come with every picture, and what becomes of them when there are too many."""

from __future__ import annotations

import logging

import pytest

from imageserver.log_ration import LogRation
from imageserver.testing import FakeClock

LOG = logging.getLogger("imageserver.rationed")


async def test_a_crowd_is_told_by_its_number(caplog: pytest.LogCaptureFixture) -> None:
    """Of five lines in a minute with room for two, two are there; the next minute begins with how many were not."""
    caplog.set_level(logging.INFO)
    clock = FakeClock()
    ration = LogRation(log=LOG, clock=clock, most=2, more="%d more of these")
    for number in range(5):
        ration.info("picture %d", number)
    await clock.advance(60)
    ration.info("picture %d", 5)
    assert caplog.messages == ["picture 0", "picture 1", "3 more of these", "picture 5"]


async def test_a_house_is_told_line_by_line(caplog: pytest.LogCaptureFixture) -> None:
    """Where there is room for all, nothing is said about those that are left out."""
    caplog.set_level(logging.INFO)
    clock = FakeClock()
    ration = LogRation(log=LOG, clock=clock, most=2, more="%d more of these")
    for number in range(4):
        ration.info("picture %d", number)
        await clock.advance(30)
    assert caplog.messages == [f"picture {number}" for number in range(4)]


def test_what_nobody_hears_uses_nothing_up(caplog: pytest.LogCaptureFixture) -> None:
    """With a higher level lines are neither made nor counted."""
    caplog.set_level(logging.WARNING)
    ration = LogRation(log=LOG, clock=FakeClock(), most=1, more="%d more of these")
    ration.info("picture %d", 0)
    caplog.set_level(logging.INFO)
    ration.info("picture %d", 1)
    assert caplog.messages == ["picture 1"]
