from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from attrs import define

from imageserver.counters import Counters
from imageserver.journal import Journal
from imageserver.summary import Summary
from imageserver.testing import FakeClock

ZONE = ZoneInfo("Europe/Moscow")


@define
class Room:
    counters: Counters
    summary: Summary
    clock: FakeClock
    journal: Journal
    caplog: pytest.LogCaptureFixture

    async def told(self) -> list[str]:
        """What the next summary writes."""
        self.caplog.clear()
        await self.summary.tell()
        return [record.getMessage() for record in self.caplog.records]


@pytest.fixture
async def it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Room]:
    caplog.set_level(logging.INFO)
    clock = FakeClock(datetime(2026, 11, 22, 12, tzinfo=ZONE).timestamp(), zone=ZONE)
    journal = Journal(tmp_path / "journal.sqlite")
    await journal.open()
    await journal.counters.add(
        {("2026-11-22", "pictures_sent", "stored"): 100, ("2026-11-21", "pictures_made", "a"): 7}
    )
    counters = Counters(journal=journal, clock=clock)
    await counters.open()
    yield Room(counters, Summary(counters=counters, stored=lambda: 1523, clock=clock), clock, journal, caplog)
    await journal.close()


async def test_an_hour_is_told_in_one_line(it: Room) -> None:
    """Who got what, who made it, who failed, and how the day stands; the day knows what an earlier run counted."""
    for number in range(9):
        it.counters.picture_sent("stored", f"frame {number % 2}")
    it.counters.picture_sent("made", "kitchen")
    it.counters.picture_sent("made", "kitchen")
    it.counters.picture_sent("card", "kitchen")
    it.counters.picture_made("yandexart")
    it.counters.picture_made("yandexart")
    it.counters.provider_failed("aihorde")
    it.counters.download_aborted()
    assert await it.told() == [
        "last hour: 12 pictures to 3 frames (1 card, 2 made, 9 stored), made: 2 by yandexart, failures: 1 of aihorde, "
        "1 download aborted; today: 112 pictures, 2 made, 1 failure; stored: 1523"
    ]


async def test_nothing_is_said_of_an_empty_hour(it: Room) -> None:
    """Requests alone, such as those of a monitor, are nothing to tell."""
    assert await it.told() == []
    it.counters.request("GET /metrics", "2xx")
    assert await it.told() == []


async def test_an_hour_is_told_once(it: Room) -> None:
    """Each line speaks of what came since the one before; words follow their numbers."""
    it.counters.picture_sent("stored", "kitchen")
    assert (await it.told())[0].startswith(
        "last hour: 1 picture to 1 frame (1 stored), no failures; today: 101 pictures"
    )
    assert await it.told() == []
    it.counters.provider_failed("yandexart")
    assert (await it.told())[0].startswith("last hour: 0 pictures, failures: 1 of yandexart; today: 101 pictures")


async def test_at_midnight_the_day_that_has_ended_is_told(it: Room) -> None:
    """The summary of 23 to 24 o'clock belongs to yesterday, the next one to today."""
    await it.clock.advance(11.5 * 3600)
    it.counters.picture_sent("stored", "kitchen")
    await it.clock.advance(1800)
    assert "; yesterday: 101 pictures, 0 made, 0 failures; " in (await it.told())[0]
    it.counters.picture_sent("stored", "kitchen")
    await it.clock.advance(3600)
    assert "; today: 1 picture, 0 made, 0 failures; " in (await it.told())[0]
