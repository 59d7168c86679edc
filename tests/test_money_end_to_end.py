"""Money, through the whole server: caps, thresholds, lost answers, tickets, restarts."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest
from live import (
    OWNER,
    Gate,
    Live,
    Painter,
    ShiftedClock,
    failing,
    giving,
    live,
    painter,
    picture_bytes,
    refuse,
    ticketed,
    until_noon,
    waiting,
)

from imageserver import (
    AuthError,
    BadResult,
    GeneratedImage,
    GenerationRequest,
    ProviderError,
    RateLimited,
    TransientError,
)
from imageserver.jobs import JobState
from imageserver.till import DISK_RESERVE
from imageserver.web import keys

QUIET = "disabled_providers: [atelier]\n"


def varied(code: str = "paid", **attributes: object) -> type[Painter]:
    """A paid provider whose pictures are all different."""

    async def generate(self: Painter, request: GenerationRequest) -> GeneratedImage:
        self.asked.append(request)
        return GeneratedImage(data=picture_bytes(f"hsl({len(self.asked) * 29 % 360}, 70%, 50%)"))

    facts = {"paid": True, "idempotent": False, "default_price": Decimal("2.24"), **attributes}
    return type("Paid", (Painter,), {"code": code, "generate": generate, **facts})


async def spent(server: Live, code: str = "paid") -> str:
    """What the command line and the page say was spent."""
    async with server.http.get("/api/v1/plugins", headers=OWNER) as answer:
        lines = (await answer.json())["providers"]
    return str(next(line["spent"] for line in lines if line["code"] == code))


async def test_the_fourth_picture_is_never_bought(tmp_path: Path) -> None:
    """With a cap of 3 the fourth explicit wish gets a card, the next and `auto` the store; the service is not asked."""
    kind, clock = varied(), ShiftedClock(until_noon())
    options = QUIET + "providers: {paid: {max_per_day: 3}}\nimage_generate_threshold: 0\n"
    async with live(tmp_path, kind, options=options, stored=1, clock=clock) as server:
        for _ in range(3):
            await server.done((await server.start(type="ydart"))["id"])
        for body in ({"type": "ydart"}, {"type": "provider", "provider": "paid"}):
            started = await server.start(**body)
            assert (await server.done(started["id"]))["status"] == "done"
        jobs = await server.app[keys.JOURNAL].jobs.recent(2)
        assert [job.card for job in jobs] == [None, "cap_reached"]  # the newest first
        assert all("max_per_day is 3" in job.why for job in jobs)
        automatic = (await server.start(type="auto"))["id"]
        assert (await server.job(automatic)).picture is not None
        assert len(kind.asked) == 3
        assert await spent(server) == "today 3, costing 6.72; yesterday 0, costing 0; this month 3, costing 6.72"


async def test_the_cap_survives_a_restart_and_opens_on_the_next_day(tmp_path: Path) -> None:
    """A restart lifts no cap; the owner's midnight does."""
    kind, clock = varied(), ShiftedClock()
    noon = until_noon()  # at midnight six minutes would be a day
    options = QUIET + "providers: {paid: {max_per_day: 1}}\n"
    for hours, asked in [(0, 1), (0.1, 1), (25, 2)]:
        clock.shift = noon + hours * 3600
        async with live(tmp_path, kind, options=options, stored=1, clock=clock) as server:
            await server.done((await server.start(type="ydart"))["id"])
        assert len(kind.asked) == asked


@pytest.mark.parametrize("jump", [86_400.0, 3650 * 86_400.0, -86_400.0, -1_700_000_000.0])
async def test_a_jump_of_the_clock_buys_nothing_extra(tmp_path: Path, jump: float) -> None:
    """With the cap reached, a clock that jumps a day, ten years or to 1970 buys not one picture more."""
    kind = varied()

    class Jumping(ShiftedClock):
        def monotonic(self) -> float:
            return super().monotonic() - self.shift  # time itself does not jump

    clock = Jumping()
    options = QUIET + "providers: {paid: {max_per_day: 2}}\nimage_generate_threshold: 0\n"
    async with live(tmp_path, kind, options=options, stored=1, clock=clock) as server:
        for _ in range(2):
            await server.done((await server.start(type="ydart"))["id"])
        clock.shift = jump
        for body in ({"type": "auto"}, {"type": "ydart"}, {"type": "provider", "provider": "paid"}):
            await server.done((await server.start(**body))["id"])
        clock.shift = 0
        await server.done((await server.start(type="ydart"))["id"])
    assert len(kind.asked) == 2


async def test_nothing_is_bought_before_the_clock_is_set(tmp_path: Path) -> None:
    """A machine that boots in 1970 shows its store and buys nothing."""
    kind, clock = varied(), ShiftedClock(shift=-1_750_000_000.0)
    async with live(tmp_path, kind, options=QUIET, stored=1, clock=clock) as server:
        assert (await server.start(type="auto"))["status"] == "done"
        await server.done((await server.start(type="ydart"))["id"])
        assert "set it right" in (await server.app[keys.JOURNAL].jobs.recent(1))[0].why
    assert kind.asked == []


async def test_what_could_not_be_kept_is_not_bought(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the disk nearly full frames are served from the store, and buying goes on by itself when there is room."""
    room = [DISK_RESERVE - 1]
    monkeypatch.setattr("imageserver.till.free_bytes", lambda _folder: room[0])
    kind = varied()
    async with live(tmp_path, kind, options=QUIET + "image_generate_threshold: 0\n", stored=1) as server:
        assert (await server.start(type="auto"))["status"] == "done"
        await server.done((await server.start(type="ydart"))["id"])
        assert kind.asked == []
        room[0] = DISK_RESERVE
        await server.done((await server.start(type="auto"))["id"])
        assert len(kind.asked) == 1


async def test_a_lost_answer_counts_and_auto_shows_the_store(tmp_path: Path) -> None:
    """A charge that may have happened is spent: `auto` hangs a stored picture, an explicit wish a card that says so."""
    kind = failing(refuse(TransientError), "paid", paid=True, idempotent=False, default_price=Decimal(1))
    options = QUIET + "image_generate_threshold: 0\nproviders: {paid: {max_per_day: 2}}\n"
    async with live(tmp_path, kind, options=options, stored=1) as server:
        for kind_of_wish, picture, card in [("auto", 1, "answer_lost"), ("ydart", None, "answer_lost")]:
            operation = (await server.start(type=kind_of_wish))["id"]
            assert (await server.done(operation))["status"] == "done"
            job = await server.job(operation)
            assert (job.state, job.picture, job.card) == (JobState.UNKNOWN, picture, card)
        assert (await spent(server)).startswith("today 2, costing 2;")
        async with server.http.get("/providers") as page:
            assert "Lost answers" in await page.text()
        await server.done((await server.start(type="ydart"))["id"])
    assert len(kind.asked) == 2


@pytest.mark.parametrize("error", [AuthError, RateLimited])
async def test_a_refusal_costs_nothing(tmp_path: Path, error: type[ProviderError]) -> None:
    """A call that certainly was not charged is taken out of the ledger, and the provider is left alone."""
    kind = failing(refuse(error), "paid", paid=True, default_price=Decimal(1))
    async with live(tmp_path, kind, options=QUIET, stored=1) as server:
        for _ in range(3):
            await server.done((await server.start(type="ydart"))["id"])
        assert await spent(server) == "nothing yet"
        assert len(kind.asked) == 1
        async with server.http.get("/providers") as page:
            assert "paused" in await page.text()


async def test_a_failure_that_cost_nothing_is_tried_again(tmp_path: Path) -> None:
    """A service's own error that it does not charge is asked three times in one reservation, then given up."""
    kind = failing(lambda: TransientError("down", charged=False), "paid", paid=True, default_price=Decimal(1))
    async with live(tmp_path, kind, options=QUIET, stored=1) as server:
        operation = (await server.start(type="ydart"))["id"]
        await server.done(operation)
        assert len(kind.asked) == 3
        assert (await server.job(operation)).picture == 1
        assert await spent(server) == "nothing yet"


async def test_a_bad_picture_that_was_paid_is_kept_and_counted(tmp_path: Path) -> None:
    """One flat colour is kept in quarantine, counts as spent, and nobody else is asked for that job."""
    flat = giving(picture_bytes("black"), "paid", paid=True, default_price=Decimal(1))
    other = painter("other")
    async with live(tmp_path, flat, other, options=QUIET, stored=1) as server:
        await server.done((await server.start(type="provider", provider="paid"))["id"])
        assert (await spent(server)).startswith("today 1,")
        assert len(list((server.data / "quarantine").glob("*.bin"))) == 1
        assert other.asked == []


async def test_the_same_bytes_are_one_picture(tmp_path: Path) -> None:
    """A service that gives a picture a second time is paid twice, but the store keeps one file."""
    kind = giving(picture_bytes(), "paid", paid=True, default_price=Decimal(1))
    async with live(tmp_path, kind, options=QUIET) as server:
        pictures = []
        for _ in range(2):
            operation = (await server.start(type="ydart"))["id"]
            await server.done(operation)
            pictures.append(await server.picture_of(operation))
        assert pictures[0] == pictures[1]
        assert len(list((server.images / "original").iterdir())) == 1
        assert (await spent(server)).startswith("today 2,")


async def test_a_ticket_that_survives_a_restart_is_paid_once(tmp_path: Path) -> None:
    """The reservation made before the ticket is the one that is spent when the picture comes."""
    kind = ticketed(paid=True, default_price=Decimal(1))
    async with live(tmp_path, kind, options=QUIET) as server:
        operation = (await server.start(type="ydart"))["id"]
        while (await server.job(operation)).ticket is None:
            await server.result(operation)
        assert (await spent(server, "ticketed")).startswith("today 1,")
    kind.finished = True
    async with live(tmp_path, kind, options=QUIET) as server:
        await server.asked_until_done(operation)
        assert (await spent(server, "ticketed")).startswith("today 1,")
        assert len(kind.submitted) == 1


async def test_a_provider_has_a_threshold_of_its_own(tmp_path: Path) -> None:
    """`auto` asks a provider again only when its own minutes have passed too; an explicit wish need not wait."""
    kind, clock = varied(), ShiftedClock()
    options = QUIET + "image_generate_threshold: 1\nproviders: {paid: {image_generate_threshold: 30}}\n"
    async with live(tmp_path, kind, options=options, stored=1, clock=clock) as server:
        for minutes, wish, asked in [(0, "auto", 1), (5, "auto", 1), (6, "ydart", 2), (31, "auto", 2), (37, "auto", 3)]:
            clock.shift = minutes * 60
            await server.done((await server.start(type=wish))["id"])
            assert len(kind.asked) == asked, minutes


async def test_a_stop_waits_a_moment_for_what_was_paid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call under way when the server stops comes to its end, and its picture is kept."""
    monkeypatch.setattr("imageserver.app._LAST_CALLS", 60.0)  # the disk of a busy machine may need more than four
    gate = Gate()
    kind = waiting(gate, "paid", paid=True, idempotent=False, default_price=Decimal(1))
    async with live(tmp_path, kind, options=QUIET) as server:
        operation = (await server.start(type="ydart"))["id"]
        await gate.reached.wait()
        asyncio.get_running_loop().call_later(0.2, gate.open)
    async with live(tmp_path, kind, options=QUIET) as server:
        assert (await server.done(operation))["status"] == "done"
        assert (await server.job(operation)).state is JobState.DONE
    assert len(kind.asked) == 1


async def test_an_answer_that_cannot_be_read_is_kept_for_the_owner(tmp_path: Path) -> None:
    """What arrived of a paid answer is put aside when it ends as unknown: it may be looked at."""

    class Garbled(Painter):
        code = "paid"
        paid = True
        idempotent = False
        default_price = Decimal(1)

        async def generate(self, request: GenerationRequest) -> GeneratedImage:
            with self.context.answers.writing(request.job) as file:
                file.write(b"half an answer")
            raise BadResult("the answer is cut")

    async with live(tmp_path, Garbled, options=QUIET, stored=1) as server:
        operation = (await server.start(type="ydart"))["id"]
        assert (await server.done(operation))["status"] == "done"
        assert (await server.job(operation)).state is JobState.UNKNOWN
        (kept,) = (server.data / "quarantine").glob("*.bin")
        assert kept.read_bytes() == b"half an answer"
        assert list((server.data / "answers").iterdir()) == []


async def test_old_names_of_providers_work(tmp_path: Path) -> None:
    """A provider is found by its older name in options, in `disabled_providers` and in requests."""
    kind = varied("modern", other_codes=("oldName",))
    async with live(tmp_path, kind, options=QUIET + "providers: {oldName: {max_per_day: 1}}\n") as server:
        for _ in range(2):
            await server.done((await server.start(type="provider", provider="OLDNAME"))["id"])
        assert len(kind.asked) == 1
    wish = {"type": "provider", "provider": "oldName"}
    async with (
        live(tmp_path, kind, options="disabled_providers: [atelier, oldname]\n") as server,
        server.http.post("/operation/start", json=wish) as answer,
    ):
        assert answer.status == 400
