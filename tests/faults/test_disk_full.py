"""A full disk: frames are served, nothing is bought that could not be kept, and work goes on when there is room."""

from __future__ import annotations

from decimal import Decimal

import pytest
from live import Gate, live, waiting

from faults.room import Room, room
from faults.small_disk import SmallDisk, small_disk
from imageserver.jobs import JobState

LITTLE = 2 * 1024 * 1024  # bytes: the journal can go on, a picture and its answer would fit, the reserve is not there
ROUNDS = 10


async def hungry(it: Room, rounds: int) -> None:
    """Frames ask in every way; each gets something that it can draw."""
    for _ in range(rounds):
        for kind in ("auto", "old", "ydart"):
            operation = await it.wish(kind)
            await it.server.done(operation)
            await it.shown(operation)
        async with it.server.http.get("/frame.jpg") as answer:
            assert answer.status == 200
            assert (await answer.read()).startswith(b"\xff\xd8\xff")


async def nothing_is_bought(it: Room, disk: SmallDisk, leave: int, rounds: int = ROUNDS) -> None:
    """With so little room frames are served, and the service hears nothing."""
    disk.fill(leave)
    await hungry(it, rounds)
    assert it.fake.ledger.requests == []
    assert await it.counted() == 0


@pytest.mark.parametrize("leave", [0, LITTLE], ids=["no room", "little room"])
async def test_a_full_disk(leave: int) -> None:
    """On a full disk no request fails and nothing is bought; with room again the next wish is painted, unasked."""
    with small_disk() as disk:
        async with room(disk.folder, "images", stored=3) as it:
            await nothing_is_bought(it, disk, leave)
            disk.empty()
            disk.grow(128)
            operation = await it.wish("ydart")
            await it.server.done(operation)
            await it.shown(operation)
            assert (await it.server.job(operation)).error is None
            assert len(it.fake.ledger.charges) == await it.counted() == 1
            assert await it.server.health("waiting_jobs") == 0


async def test_without_a_reserve_it_would_be_bought(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: with a reserve of 0 the same frames make the server buy, at once.

    One round only: a picture that was bought and for which there is no room after all keeps its job waiting.
    """
    monkeypatch.setattr("imageserver.till.DISK_RESERVE", 0)
    with small_disk() as disk:
        async with room(disk.folder, "images", stored=3) as it:
            with pytest.raises(AssertionError):
                await nothing_is_bought(it, disk, LITTLE, rounds=1)
            assert it.fake.ledger.charges != []


async def test_a_disk_that_fills_during_a_paid_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture that comes when the disk is full waits in memory: with room it is kept, and is paid only once."""
    monkeypatch.setattr("imageserver.till.DISK_RESERVE", 0)
    gate = Gate()
    kind = waiting(gate, "paid", paid=True, idempotent=False, default_price=Decimal(1))
    with small_disk() as disk:
        async with live(disk.folder, kind, options="disabled_providers: [atelier]\n", stored=1) as server:
            operation = (await server.start(type="ydart"))["id"]
            await gate.reached.wait()
            disk.fill()
            gate.open()
            for _ in range(3):
                assert (await server.result(operation))["status"] == "pending"
                assert (await server.start(type="old"))["status"] == "done"
            disk.empty()
            await server.asked_until_done(operation)
            job = await server.job(operation)
            assert (job.state, job.card) == (JobState.DONE, None)
            assert job.picture is not None
        assert len(kind.asked) == 1
