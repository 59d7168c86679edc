from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from faults.small_disk import small_disk

from imageserver.counters import (
    DOWNLOADS_ABORTED,
    PICTURES_MADE,
    PICTURES_SENT,
    PROVIDER_FAILURES,
    REQUESTS,
    Counters,
)
from imageserver.journal import Journal
from imageserver.testing import FakeClock
from imageserver.web.counting import COUNTERS, counted

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()


@asynccontextmanager
async def counting(folder: Path, clock: FakeClock) -> AsyncIterator[Counters]:
    """Counters over a real journal, written down at the end as at a clean stop."""
    journal = Journal(folder / "journal.sqlite")
    await journal.open()
    counters = Counters(journal=journal, clock=clock)
    await counters.open()
    yield counters
    await counters.write_down()
    await journal.close()


async def written(folder: Path) -> dict[tuple[str, str], int]:
    """What the journal says by itself."""
    journal = Journal(folder / "journal.sqlite")
    await journal.open()
    try:
        return await journal.counters.totals()
    finally:
        await journal.close()


async def test_everything_is_counted_under_its_label(tmp_path: Path) -> None:
    """Each thing that can happen has its counter, and the values are there at once."""
    async with counting(tmp_path, FakeClock(NOON)) as counters:
        counters.request("POST /operation/start", "2xx")
        counters.request("POST /operation/start", "4xx")
        counters.picture_sent("stored", "10.0.0.7")
        counters.picture_sent("card", "10.0.0.7")
        counters.picture_made("atelier")
        counters.picture_made("atelier")
        counters.provider_failed("yandexart")
        counters.download_aborted()
        assert counters.totals() == {
            (REQUESTS, "POST /operation/start 2xx"): 1,
            (REQUESTS, "POST /operation/start 4xx"): 1,
            (PICTURES_SENT, "stored"): 1,
            (PICTURES_SENT, "card"): 1,
            (PICTURES_MADE, "atelier"): 2,
            (PROVIDER_FAILURES, "yandexart"): 1,
            (DOWNLOADS_ABORTED, ""): 1,
        }


async def test_counting_goes_on_after_a_clean_stop(tmp_path: Path) -> None:
    """The next run begins with what the last one counted."""
    clock = FakeClock(NOON)
    for expected in (1, 2, 3):
        async with counting(tmp_path, clock) as counters:
            counters.picture_made("atelier")
            assert counters.totals() == {(PICTURES_MADE, "atelier"): expected}


async def test_a_killed_server_forgets_the_last_minute_only(tmp_path: Path) -> None:
    """What was counted a minute ago is in the journal without a stop; what came since then is not."""
    clock = FakeClock(NOON)
    journal = Journal(tmp_path / "journal.sqlite")
    await journal.open()
    counters = Counters(journal=journal, clock=clock)
    await counters.open()
    writing = asyncio.create_task(counters.run())
    counters.picture_made("early")
    await clock.until_sleeping()
    await clock.advance(60)
    await clock.until_sleeping()  # it sleeps again: the write has returned
    counters.picture_made("late")
    writing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await writing
    await journal.close()  # and the counters are never asked to write down
    assert await written(tmp_path) == {(PICTURES_MADE, "early"): 1}


async def test_a_cancelled_write_counts_once(tmp_path: Path) -> None:
    """A stop in the middle of a write neither loses nor doubles what was being written."""
    async with counting(tmp_path, FakeClock(NOON)) as counters:
        counters.picture_made("atelier")
        writing = asyncio.create_task(counters.write_down())
        await asyncio.sleep(0)  # it waits for the journal
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        counters.picture_made("atelier")
    assert await written(tmp_path) == {(PICTURES_MADE, "atelier"): 2}


async def test_days_are_the_owners(tmp_path: Path) -> None:
    """A day ends at the owner's midnight, whatever UTC says, and what is not written yet counts too."""
    clock = FakeClock(datetime(2026, 11, 22, 20, 59, tzinfo=UTC).timestamp(), zone=ZoneInfo("Europe/Moscow"))
    async with counting(tmp_path, clock) as counters:
        counters.picture_made("atelier")
        await counters.write_down()
        counters.picture_made("atelier")
        await clock.advance(60)
        counters.picture_made("atelier")
        assert await counters.of_day("2026-11-22") == {(PICTURES_MADE, "atelier"): 2}
        assert await counters.of_day("2026-11-23") == {(PICTURES_MADE, "atelier"): 1}
        assert await counters.of_day("2026-11-24") == {}


async def test_a_clock_set_back_loses_nothing(tmp_path: Path) -> None:
    """After a jump of years, in either direction, the totals go on and each day has its own."""
    clock = FakeClock(NOON)
    async with counting(tmp_path, clock) as counters:
        counters.picture_made("atelier")
        clock.set(0.0)
        counters.picture_made("atelier")
        await counters.write_down()
        clock.set(NOON)
        counters.picture_made("atelier")
        assert await counters.of_day("1970-01-01") == {(PICTURES_MADE, "atelier"): 1}
        assert await counters.of_day("2026-11-22") == {(PICTURES_MADE, "atelier"): 2}
    assert await written(tmp_path) == {(PICTURES_MADE, "atelier"): 3}


async def test_a_full_disk_loses_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What a full disk does not take is tried again, is told about once, and is written when there is room."""
    with small_disk() as disk:
        journal = Journal(disk.folder / "journal.sqlite")
        await journal.open()
        counters = Counters(journal=journal, clock=FakeClock(NOON))
        await counters.open()
        disk.fill()
        for number in range(200):  # new rows, until the file must grow
            counters.picture_made(f"provider-{number}-{'x' * 2000}")
        await counters.write_down()
        await counters.write_down()
        counters.picture_made("atelier")
        await counters.write_down()
        assert caplog.text.count("counters cannot be written and wait in memory") == 1
        assert await journal.counters.totals() == {}
        assert len(counters.totals()) == 201
        disk.empty()
        await counters.write_down()
        assert await journal.counters.totals() == counters.totals()
        assert set(counters.totals().values()) == {1}
        await journal.close()


async def test_frames_are_counted_once_between_two_questions(tmp_path: Path) -> None:
    """However many pictures a frame takes, it is one frame; after the question counting begins anew."""
    async with counting(tmp_path, FakeClock(NOON)) as counters:
        for frame in ("kitchen", "10.0.0.7", "kitchen"):
            counters.picture_sent("made", frame)
        assert counters.take_frames() == 2
        assert counters.take_frames() == 0


async def fine(_request: web.Request) -> web.Response:
    return web.Response(text="fine")


async def missing(_request: web.Request) -> web.Response:
    raise web.HTTPNotFound


async def gone(_request: web.Request) -> web.Response:
    raise ConnectionResetError


@asynccontextmanager
async def serving(counters: Counters) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    app = web.Application(middlewares=[counted])
    app[COUNTERS] = counters
    app.router.add_get("/operation/{id}", fine)
    app.router.add_post("/operation/{id}", missing)
    app.router.add_get("/gone", gone)
    async with TestClient(TestServer(app)) as client:
        yield client


async def test_requests_are_counted_by_route(tmp_path: Path) -> None:
    """The label is the route's template: ids do not show, and what nobody knows is all one."""
    async with counting(tmp_path, FakeClock(NOON)) as counters, serving(counters) as client:
        for path in ("/operation/1", "/operation/2", "/no/such/path", "/nor/this"):
            await client.get(path)
        await client.head("/operation/1")
        await client.post("/operation/1")
        await client.put("/operation/1")
        await client.get("/gone")
        assert counters.totals() == {
            (REQUESTS, "GET /operation/{id} 2xx"): 2,
            (REQUESTS, "HEAD /operation/{id} 2xx"): 1,
            (REQUESTS, "POST /operation/{id} 4xx"): 1,
            (REQUESTS, "other 4xx"): 3,
            (REQUESTS, "GET /gone none"): 1,
        }
