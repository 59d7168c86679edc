"""A bad service costs at most its own slot: every bad mode of the fake, through the whole server."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp.streams import StreamReader
from fakes.yandex import FakeYandex
from live import ShiftedClock, StandingClock

from faults import bad_modes
from faults.bad_modes import ON_ASYNC, ON_IMAGES, TICKET_GIVEN_UP, TICKET_KEPT, Outcome, reasons
from faults.room import Room, room
from imageserver.default_plugins.yandexart import service
from imageserver.default_plugins.yandexart.provider import YandexArt
from imageserver.jobs import JobState
from imageserver.testing import NEVER_ACCEPTS
from imageserver.testing.wire import BadWire
from imageserver.web import keys

MOST_BYTES = 64 * 1024 * 1024  # that the whole server may read in any mode
WISHES = ("ydart", "auto", "ydart")
CASES = [("images", mode) for mode in ON_IMAGES] + [("async", mode) for mode in ON_ASYNC]


@pytest.fixture
def bytes_read(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """What aiohttp handed on, unpacked, on both sides together."""
    read = [0]
    feed = StreamReader.feed_data

    def counting(self: StreamReader, data: bytes, *more: Any) -> Any:
        read[0] += len(data)
        return feed(self, data, *more)

    monkeypatch.setattr(StreamReader, "feed_data", counting)
    return lambda: read[0]


def is_being_called(it: Room, charges: int) -> bool:
    """Whether a call is under way, and the service has charged for so many by now."""
    return it.host._calls > 0 and len(it.fake.ledger.charges) == charges


def asked_about(it: Room) -> bool:
    """Whether the service was asked about a ticket."""
    return any(request["path"].startswith("/operations/") for request in it.fake.ledger.requests)


def expected_of(transport: str, mode: str) -> Outcome:
    return (ON_IMAGES if transport == "images" else ON_ASYNC)[mode]


async def suffer(it: Room, mode: str, expected: Outcome) -> None:
    """Three wishes while the service is bad; each ends as the table says, and frames are served meanwhile."""
    charges = requests = 0
    await it.fake.become(mode)
    for number, kind in enumerate(WISHES, start=1):
        is_asked = expected.wishes_before_pause is None or number <= expected.wishes_before_pause
        operation = await it.wish(kind)
        await it.shown(await it.wish("old"))
        if expected.is_slow and is_asked:
            await it.run_out(operation, partial(is_being_called, it, charges + expected.charged))
        await it.server.done(operation)
        await it.shown(operation)
        job = await it.server.job(operation)
        if is_asked:
            charges += expected.charged
            requests += expected.requests
            assert (job.state, job.provider) == (expected.state, "yandexart"), job
            assert job.error in reasons(mode, expected), job
            assert job.card == ("answer_lost" if expected.state is JobState.UNKNOWN else None)
            # Of ten pictures at most one is a card, and `auto` has something better in the store.
            assert (job.picture is None) == (expected.state is JobState.UNKNOWN and number == 1)
        else:
            assert (job.state, job.picture is None) == (JobState.DONE, False), job
        assert await it.is_paused() == (number == expected.wishes_before_pause or not is_asked)
        assert len(it.fake.ledger.charges) == charges
        assert len(it.fake.ledger.requests) == requests
        assert await it.counted() == (charges if expected.counted else 0)


@pytest.mark.parametrize(("transport", "mode"), CASES, ids=["-".join(case) for case in CASES])
async def test_a_bad_answer_to_a_wish(tmp_path: Path, bytes_read: Callable[[], int], transport: str, mode: str) -> None:
    """Every wish ends as the table says with something to draw, is paid at most once, and leaves nothing behind."""
    expected = expected_of(transport, mode)
    async with room(tmp_path, transport, clock=StandingClock()) as it:
        await suffer(it, mode, expected)
        assert await it.server.health("waiting_jobs") == 0
        assert await it.server.health("queued") == 0
        assert await it.server.app[keys.JOURNAL].jobs.unfinished() == []
        aside = len(list((it.server.data / "quarantine").glob("*.bin")))
        if transport == "async" or mode not in bad_modes.PERHAPS_PUT_ASIDE:
            assert aside == (len(WISHES) if transport == "images" and mode in bad_modes.PUT_ASIDE else 0)
        assert list((it.server.data / "answers").glob("*")) == []
        async with it.server.http.get("/healthz") as answer:
            assert (await answer.json())["restarts"] == {}
    assert bytes_read() < MOST_BYTES


@pytest.mark.parametrize("mode", [*TICKET_GIVEN_UP, *bad_modes.BAD_PICTURES])
async def test_a_ticket_that_brings_nothing(tmp_path: Path, bytes_read: Callable[[], int], mode: str) -> None:
    """When the service says that there will be no picture, the job ends at that question, paid once."""
    async with room(tmp_path, "async") as it:
        for kind in ("ydart", "auto"):
            is_judged = mode in bad_modes.BAD_PICTURES
            await it.fake.become(mode if is_judged else "good")  # a picture is painted when it is ordered
            operation = await it.ticket(kind)
            await it.fake.become(mode)
            await it.shown(await it.wish("old"))
            await it.server.asked_until_done(operation)
            await it.shown(operation)
            job = await it.server.job(operation)
            assert job.state is (JobState.DONE if is_judged else JobState.UNKNOWN), job
            assert job.error == ("bad_result" if is_judged else TICKET_GIVEN_UP[mode])
        assert len(it.fake.ledger.charges) == await it.counted() == 2
        assert await it.server.health("waiting_jobs") == 0
    assert bytes_read() < MOST_BYTES


@pytest.mark.parametrize("mode", TICKET_KEPT)
async def test_a_ticket_outlives_bad_answers(tmp_path: Path, mode: str) -> None:
    """An answer that says nothing about the picture loses nothing: the picture comes when the service is well again."""
    is_slow = mode in (BadWire.SILENT, BadWire.DRIP, NEVER_ACCEPTS)
    async with room(tmp_path, "async") as it:
        operation = await it.ticket("ydart")
        await it.fake.become(mode)
        for _ in range(2):
            assert (await it.server.result(operation))["status"] == "pending"
            await it.shown(await it.wish("old"))
        if is_slow:
            await it.run_out(operation, lambda: mode == NEVER_ACCEPTS or asked_about(it))
        await it.fake.become("good")
        await it.server.asked_until_done(operation)
        await it.shown(operation)
        job = await it.server.job(operation)
        assert (job.state, job.card, job.error) == (JobState.DONE, None, None), job
        assert len(it.fake.ledger.charges) == await it.counted() == 1


@pytest.mark.parametrize("mode", ["never_done", BadWire.HTML, "wrong_id"])
async def test_a_ticket_is_not_waited_for_for_ever(tmp_path: Path, mode: str) -> None:
    """After the provider's patience a ticket is given up, counted as paid, and the frame gets its card."""
    clock = ShiftedClock()
    async with room(tmp_path, "async", clock=clock) as it:
        operation = await it.ticket("ydart")
        await it.fake.become(mode)
        while not asked_about(it):
            assert (await it.server.result(operation))["status"] == "pending"  # patience begins with a question
        clock.shift += YandexArt.patience + 60
        await it.server.asked_until_done(operation)
        await it.shown(operation)
        job = await it.server.job(operation)
        assert (job.state, job.card) == (JobState.UNKNOWN, "answer_lost"), job
        assert len(it.fake.ledger.charges) == await it.counted() == 1


@pytest.mark.parametrize(("transport", "mode"), [("images", "good"), ("async", "operation_error_code_0")])
async def test_the_good_modes_bring_a_picture(tmp_path: Path, transport: str, mode: str) -> None:
    """The control: in a good mode each wish has a picture of its own, paid once."""
    async with room(tmp_path, transport) as it:
        await it.fake.become(mode)
        pictures = set()
        for kind in WISHES:
            operation = await it.wish(kind)
            await it.server.asked_until_done(operation)
            await it.shown(operation)
            pictures.add(await it.server.picture_of(operation))
        assert len(pictures) == len(WISHES)
        assert len(it.fake.ledger.charges) == await it.counted() == len(WISHES)


def test_every_mode_is_suffered() -> None:
    """No mode of the fake is left out of the tables, and there are at least twenty bad ones."""
    tried = {*ON_IMAGES, *ON_ASYNC, *TICKET_GIVEN_UP, *TICKET_KEPT, *bad_modes.GOOD}
    assert set(FakeYandex().modes) - tried == set()
    assert len(tried - set(bad_modes.GOOD)) >= 20


async def test_without_the_cap_the_bytes_would_be_seen(
    tmp_path: Path, bytes_read: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: with a higher cap on answers the same mode reads more than is allowed."""
    monkeypatch.setattr(service, "_LONGEST_ANSWER", MOST_BYTES)
    async with room(tmp_path, "async") as it:
        await it.fake.become(BadWire.HUGE_BODY)
        operation = await it.wish("ydart")
        await it.server.done(operation)
    assert bytes_read() > MOST_BYTES


async def test_a_wish_that_is_tried_again_would_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: a server that takes a lost answer for a free one pays three times, and the table says no."""
    monkeypatch.setattr("imageserver.errors.TransientError.usually_charged", False)
    async with room(tmp_path, "images") as it:
        with pytest.raises(AssertionError):
            await suffer(it, BadWire.STATUS_502, expected_of("images", BadWire.STATUS_502))
