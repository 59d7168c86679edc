from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from live import OWNER, Gate, ShiftedClock, live, painter, waiting
from prometheus_client.parser import text_string_to_metric_families

from imageserver.counters import Counters
from imageserver.journal import Journal
from imageserver.overview import ServerOverview
from imageserver.testing import FakeClock
from imageserver.version import __version__
from imageserver.web import keys
from imageserver.web.counting import COUNTERS, counted
from imageserver.web.metrics import METRICS, FrameReading, Metrics, ProviderReading, Readings, metrics

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]

READINGS = Readings(
    stored=26,
    waiting_jobs=2,
    queued=1,
    is_alive=False,
    loop_lag=0.25,
    disk_free={"data": 5_000_000_000, "pictures": 7},
    providers=(
        ProviderReading(code="yandexart", is_ready=True, bought_this_month=12, spent_this_month=Decimal("26.40")),
        ProviderReading(code="atelier", is_ready=False),
    ),
)


async def readings() -> Readings:
    return READINGS


def frames() -> list[FrameReading]:
    return [
        FrameReading(name='kitchen "1"\n', last_seen=NOON - 5),
        FrameReading(name=None, last_seen=NOON, is_late=True),
    ]


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[tuple[Counters, TestClient[web.Request, web.Application]]]:
    """The two rooms behind /metrics, over a real journal."""
    journal = Journal(folder / "journal.sqlite")
    await journal.open()
    counters = Counters(journal=journal, clock=FakeClock(NOON))
    await counters.open()
    app = web.Application(middlewares=[counted])
    app[COUNTERS] = counters
    app[METRICS] = Metrics(counters=counters, readings=readings, frames=frames)
    app.router.add_get("/metrics", metrics)
    async with TestClient(TestServer(app)) as client:
        yield counters, client
    await counters.write_down()
    await journal.close()


def parsed(text: str) -> Samples:
    """Name and labels → value; what Prometheus would not read raises."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def scraped(client: TestClient[web.Request, web.Application]) -> Samples:
    async with client.get("/metrics") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        return parsed(await answer.text())


def one(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, frozenset(labels.items())]


async def test_every_number_can_be_read_by_prometheus(tmp_path: Path) -> None:
    """Counters, gauges and labels are what was counted and what stands, under the documented names."""
    async with serving(tmp_path) as (counters, client):
        counters.request("POST /operation/start", "2xx")
        counters.picture_sent("stored", "10.0.0.7")
        counters.picture_sent("stored", "10.0.0.7")
        counters.picture_made("yandexart")
        counters.provider_failed("yandexart")
        counters.download_aborted()
        samples = await scraped(client)
    assert one(samples, "imageserver_info", version=__version__) == 1
    assert one(samples, "imageserver_requests_total", route="POST /operation/start", status="2xx") == 1
    assert one(samples, "imageserver_pictures_sent_total", source="stored") == 2
    assert one(samples, "imageserver_pictures_made_total", provider="yandexart") == 1
    assert one(samples, "imageserver_provider_failures_total", provider="yandexart") == 1
    assert one(samples, "imageserver_downloads_aborted_total") == 1
    assert one(samples, "imageserver_stored_pictures") == 26
    assert one(samples, "imageserver_waiting_jobs") == 2
    assert one(samples, "imageserver_queue_depth") == 1
    assert one(samples, "imageserver_alive") == 0
    assert one(samples, "imageserver_loop_lag_seconds") == 0.25
    assert one(samples, "imageserver_disk_free_bytes", folder="data") == 5_000_000_000
    assert one(samples, "imageserver_disk_free_bytes", folder="pictures") == 7
    assert one(samples, "imageserver_provider_last_success_timestamp_seconds", provider="yandexart") == NOON
    assert one(samples, "imageserver_provider_ready", provider="yandexart") == 1
    assert one(samples, "imageserver_provider_ready", provider="atelier") == 0
    assert one(samples, "imageserver_provider_bought_this_month", provider="yandexart") == 12
    assert one(samples, "imageserver_provider_spent_this_month", provider="yandexart") == 26.4
    assert one(samples, "imageserver_frames_seen") == 2
    assert one(samples, "imageserver_frames_late") == 1
    assert one(samples, "imageserver_frame_last_seen_timestamp_seconds", frame='kitchen "1"\n') == NOON - 5


async def test_what_has_not_happened_yet_is_nought(tmp_path: Path) -> None:
    """Prometheus sees the first increase only of what was there before."""
    async with serving(tmp_path) as (_counters, client):
        samples = await scraped(client)
    for source in ("stored", "made", "card"):
        assert one(samples, "imageserver_pictures_sent_total", source=source) == 0
    for provider in ("yandexart", "atelier"):
        assert one(samples, "imageserver_pictures_made_total", provider=provider) == 0
        assert one(samples, "imageserver_provider_failures_total", provider=provider) == 0
    assert one(samples, "imageserver_downloads_aborted_total") == 0


async def test_only_what_is_known_is_told(tmp_path: Path) -> None:
    """No spending of a provider that is not counted, and no frame that is known by its address only."""
    async with serving(tmp_path) as (_counters, client):
        samples = await scraped(client)
    told = {name: {labels for its, labels in samples if its == name} for name, _labels in samples}
    assert told["imageserver_provider_spent_this_month"] == {frozenset({("provider", "yandexart")})}
    assert told["imageserver_provider_bought_this_month"] == {frozenset({("provider", "yandexart")})}
    assert told["imageserver_frame_last_seen_timestamp_seconds"] == {frozenset({("frame", 'kitchen "1"\n')})}


async def test_the_numbers_go_on_after_a_restart(tmp_path: Path) -> None:
    """Counters never begin at nought again; a scrape sees those before it, not itself."""
    for earlier in (0, 2, 4):
        async with serving(tmp_path) as (counters, client):
            counters.picture_sent("made", "kitchen")
            await client.get("/metrics")
            samples = await scraped(client)
        assert one(samples, "imageserver_requests_total", route="GET /metrics", status="2xx") == earlier + 1
        assert one(samples, "imageserver_pictures_sent_total", source="made") == earlier / 2 + 1


async def test_two_servers_in_one_process_are_apart(tmp_path: Path) -> None:
    """There is no global registry in which one would count for the other."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    async with serving(tmp_path / "one") as (counters, _), serving(tmp_path / "two") as (_, other):
        counters.picture_sent("made", "kitchen")
        assert one(await scraped(other), "imageserver_pictures_sent_total", source="made") == 0


async def test_the_overview_gives_the_readings(tmp_path: Path) -> None:
    """In a whole server: pictures in the store, providers that serve, and what was spent on those that cost."""
    paid = painter("paid", paid=True, default_price=Decimal("2.5"))
    async with live(tmp_path, paid, painter("free"), stored=3) as server:
        bought = await server.start(type="provider", provider="paid")
        await server.done(bought["id"])
        overview = server.app[keys.OVERVIEW]
        assert isinstance(overview, ServerOverview)
        given = await overview.readings()
        by_code = {provider.code: provider for provider in given.providers}
        assert (given.stored, given.waiting_jobs, given.queued) == (4, 0, 0)
        assert by_code["paid"] == ProviderReading(
            code="paid", is_ready=True, bought_this_month=1, spent_this_month=Decimal("2.5")
        )
        assert by_code["free"] == ProviderReading(code="free", is_ready=True)


async def test_the_numbers_of_a_whole_server_move(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a disk holds, whether it lives, what waits, who is late, when a picture was last made: before and after."""
    gate, room = Gate(), [10**10]
    monkeypatch.setattr("imageserver.till.free_bytes", lambda folder: room[0] if "data" in folder.name else 5)
    monkeypatch.setattr("imageserver.till._DISK_SECONDS", 60.0)  # a disk of a busy machine is left out after two
    clock = ShiftedClock()
    slow, last = waiting(gate), "imageserver_provider_last_success_timestamp_seconds"
    options = "disabled_providers: [atelier]\n"
    async with live(tmp_path, slow, options=options, stored=1, clock=clock) as server:

        async def scrape() -> Samples:
            async with server.http.get("/metrics", headers=OWNER) as answer:
                return parsed(await answer.text())

        for _ in range(5):
            await server.result((await server.start(type="old"))["id"])
            clock.shift += 600
        before = await scrape()
        assert one(before, "imageserver_alive") == 1
        assert one(before, "imageserver_disk_free_bytes", folder="data") == 10**10
        assert one(before, "imageserver_disk_free_bytes", folder="pictures") == 5
        assert one(before, "imageserver_frames_late") == 0
        assert (last, frozenset({("provider", "waiting")})) not in before
        wishes = [(await server.start(type="provider", provider="waiting"))["id"] for _ in range(3)]
        await gate.reached.wait()
        room[0], clock.shift = 123, clock.shift + 40_000
        supervisor = server.app[keys.OPTIONS]._crew._supervisor
        supervisor._running["worker 1"].cancel()
        await asyncio.gather(supervisor._running["worker 1"], return_exceptions=True)
        during = await scrape()
        assert one(during, "imageserver_alive") == 0
        assert one(during, "imageserver_waiting_jobs") == 3
        assert one(during, "imageserver_disk_free_bytes", folder="data") == 123
        assert one(during, "imageserver_frames_late") == 1
        gate.open()
        for wish in wishes:
            await server.ended(wish)
        workers = [task for name, task in supervisor._running.items() if name.startswith("worker")]
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        server.app[keys.INTAKE]._queue.wake("nobody takes it")
        after = await scrape()
        assert one(before, "imageserver_queue_depth") == 0
        assert one(after, "imageserver_queue_depth") >= 1
        made_at = one(after, last, provider="waiting")
        assert abs(made_at - clock.now()) < 120
    async with live(tmp_path, waiting(Gate()), options=options, clock=clock) as server:
        async with server.http.get("/metrics", headers=OWNER) as answer:
            again = parsed(await answer.text())
        assert one(again, last, provider="waiting") == made_at, "a restart remembers it"


async def test_a_disk_that_never_answers_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network folder that is away is left out of the numbers, and holds one thread, however often they are asked."""
    let_go, asked = threading.Event(), []

    def look(folder: Path) -> int:
        asked.append(folder.name)
        if folder.name == "images":
            let_go.wait()
        return 7

    monkeypatch.setattr("imageserver.till.free_bytes", look)
    monkeypatch.setattr("imageserver.till._DISK_SECONDS", 0.1)
    async with live(tmp_path, stored=1) as server:
        try:
            for _ in range(3):
                async with server.http.get("/metrics", headers=OWNER) as answer:
                    samples = parsed(await answer.text())
                assert ("imageserver_disk_free_bytes", frozenset({("folder", "pictures")})) not in samples
            assert asked.count("images") == 1
        finally:
            let_go.set()
