"""From a wish to its end: thresholds, chains, tickets, failures, restarts. The whole server, real files."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from live import (
    Gate,
    Painter,
    ShiftedClock,
    StandingClock,
    failing,
    giving,
    live,
    painter,
    picture_bytes,
    refuse,
    ticketed,
    waiting,
)

from imageserver import (
    AuthError,
    BadProviderRequest,
    GeneratedImage,
    GenerationRequest,
    ModerationRefused,
    ProviderError,
    RateLimited,
    TransientError,
    Unreachable,
)
from imageserver.answers import Answers
from imageserver.jobs import Job, JobState, Kind
from imageserver.journal import Journal
from imageserver.pictures.originals import name_for
from imageserver.web import keys

QUIET = "disabled_providers: [atelier]\n"


async def test_auto_asks_a_provider_once_in_a_threshold(tmp_path: Path) -> None:
    """`auto` asks when the minutes have passed, and shows the store in between."""
    clock, kind = StandingClock(), painter()
    async with live(tmp_path, kind, options=QUIET, stored=1, clock=clock) as server:
        for minutes, asked in [(0, 1), (5, 1), (9.9, 1), (10.1, 2), (19, 2), (20.2, 3)]:
            clock.shift = minutes * 60
            await server.done((await server.start(type="auto"))["id"])
            assert len(kind.asked) == asked, minutes


async def test_explicit_wishes_leave_the_threshold_alone(tmp_path: Path) -> None:
    """A wish for a provider neither waits for the threshold nor starts it anew."""
    clock, kind = ShiftedClock(), painter()
    async with live(tmp_path, kind, options=QUIET, stored=1, clock=clock) as server:
        await server.done((await server.start(type="auto"))["id"])
        clock.shift = 9 * 60
        for _ in range(2):
            await server.done((await server.start(type="ydart"))["id"])
        assert len(kind.asked) == 3
        clock.shift = 10.1 * 60
        await server.done((await server.start(type="auto"))["id"])
        assert len(kind.asked) == 4


async def test_the_threshold_survives_a_restart(tmp_path: Path) -> None:
    """A restart does not make `auto` ask again before its time."""
    kind = painter()
    async with live(tmp_path, kind, options=QUIET, stored=1) as server:
        await server.done((await server.start(type="auto"))["id"])
    async with live(tmp_path, kind, options=QUIET) as server:
        assert (await server.start(type="auto"))["status"] == "done"
    assert len(kind.asked) == 1


async def test_two_frames_at_once_ask_one_provider_once(tmp_path: Path) -> None:
    """Of many `auto` in the same moment one asks a provider, the others show the store."""
    kind = painter()
    async with live(tmp_path, kind, options=QUIET, stored=3) as server:
        started = await asyncio.gather(*(server.start(type="auto") for _ in range(8)))
        for one in started:
            await server.done(one["id"])
        assert len(kind.asked) == 1


async def test_a_clock_set_back_costs_at_most_one_threshold(tmp_path: Path) -> None:
    """After the clock jumped back a year, `auto` asks again one threshold later and not a year later."""
    clock, kind = ShiftedClock(), painter()
    async with live(tmp_path, kind, options=QUIET, stored=1, clock=clock) as server:
        await server.done((await server.start(type="auto"))["id"])
        clock.shift = -365 * 86400
        assert (await server.start(type="auto"))["status"] == "done"
        assert len(kind.asked) == 1
        clock.shift += 10.1 * 60
        await server.done((await server.start(type="auto"))["id"])
        assert len(kind.asked) == 2


UNCHARGED = [AuthError, BadProviderRequest, ModerationRefused, RateLimited, Unreachable]


@pytest.mark.parametrize("error", UNCHARGED)
async def test_the_next_provider_is_asked_when_nothing_was_charged(tmp_path: Path, error: type[ProviderError]) -> None:
    """A paid provider that certainly took no money is followed by the next one."""
    first, second = failing(refuse(error), "first", paid=True), painter("second")
    async with live(tmp_path, first, second, options=QUIET, stored=1) as server:
        for _ in range(6):  # the order is drawn, so both come first sooner or later
            operation = (await server.start(type="ydart"))["id"]
            await server.done(operation)
            assert (await server.job(operation)).provider == "second"
        assert first.asked
        assert len(second.asked) == 6


async def test_a_paid_call_that_may_be_charged_is_never_repeated(tmp_path: Path) -> None:
    """When the outcome of a paid call is lost the job ends `unknown`, nobody else is asked, and the frame hears why."""
    kind = failing(refuse(TransientError, "the connection broke"), "paid", paid=True)
    async with live(tmp_path, kind, options=QUIET, stored=1) as server:
        operation = (await server.start(type="provider", provider="paid"))["id"]
        assert (await server.done(operation))["status"] == "done"
        job = await server.job(operation)
        assert (job.state, job.card, job.error) == (JobState.UNKNOWN, "answer_lost", "transient")
        server.app[keys.DELIVERY]._queue.wake(operation)
        await server.done(operation)
        assert len(kind.asked) == 1


async def test_what_is_no_picture_is_kept_aside(tmp_path: Path) -> None:
    """Bytes that cannot be decoded are kept with their reason, and the frame gets a stored picture."""
    kind = giving(b"<html>sorry</html>")
    async with live(tmp_path, kind, options=QUIET, stored=1) as server:
        operation = (await server.start(type="ydart"))["id"]
        assert (await server.done(operation))["status"] == "done"
        assert (await server.job(operation)).picture == 1
        (kept,) = (server.data / "quarantine").glob("*.bin")
        assert kept.read_bytes() == b"<html>sorry</html>"
        facts = json.loads(kept.with_suffix(".json").read_text(encoding="utf-8"))
        assert (facts["job"], facts["provider"]) == (operation, "giving")


async def test_a_provider_that_raises_anything_costs_only_itself(tmp_path: Path) -> None:
    """An ordinary exception, SystemExit and a wrong return value end in a picture for the frame all the same."""
    kinds = [
        failing(lambda: ZeroDivisionError("oops"), "raises"),
        failing(lambda: SystemExit(3), "exits"),  # type: ignore[arg-type, return-value]  # that is the point
        giving("no bytes", "rubbish"),  # type: ignore[arg-type]  # that is the point
    ]
    async with live(tmp_path, *kinds, options=QUIET, stored=1) as server:
        for kind in kinds:
            operation = (await server.start(type="provider", provider=kind.code))["id"]
            assert (await server.done(operation))["status"] == "done"
            assert (await server.job(operation)).error in {"transient", "bad_result"}


async def test_the_original_is_kept_untouched(tmp_path: Path) -> None:
    """What the provider gave lies byte for byte in `original/`, under its own format's ending."""
    data = picture_bytes("navy", (800, 600), "PNG")
    async with live(tmp_path, giving(data), options=QUIET) as server:
        await server.done((await server.start(type="ydart"))["id"])
        (original,) = (server.images / "original").iterdir()
        assert original.suffix == ".png"
        assert original.read_bytes() == data


async def test_a_hung_provider_leaves_the_workers_to_the_others(tmp_path: Path) -> None:
    """With every slot of one provider taken, jobs of another go on, and the waiting ones follow when a slot is free."""
    gate, other = Gate(), painter("other")
    async with live(tmp_path, waiting(gate), other, options=QUIET + "workers: 2\n") as server:
        held = [(await server.start(type="provider", provider="waiting"))["id"] for _ in range(4)]
        await gate.reached.wait()
        assert (await server.done((await server.start(type="provider", provider="other"))["id"]))["status"] == "done"
        gate.open()
        for operation in held:
            assert (await server.done(operation))["status"] == "done"


async def test_a_provider_with_many_slots_leaves_a_worker_to_the_others(tmp_path: Path) -> None:
    """Four slots of one provider taken by what hangs do not keep another provider's job waiting."""
    gate, other = Gate(), painter("other")
    async with live(tmp_path, waiting(gate, slots=4), other, options=QUIET + "workers: 1\n") as server:
        held = [(await server.start(type="provider", provider="waiting"))["id"] for _ in range(4)]
        await gate.reached.wait()
        assert (await server.done((await server.start(type="provider", provider="other"))["id"]))["status"] == "done"
        gate.open()
        for operation in held:
            await server.done(operation)


async def test_no_wake_up_is_lost_when_jobs_queue_for_a_slot(tmp_path: Path) -> None:
    """Questions about waiting jobs wake them again and again; every one still gets its turn, without the schedule."""
    gate = Gate()
    options = QUIET + "check_pending_cron: '0 0 1 1 *'\n"
    async with live(tmp_path, waiting(gate), options=options) as server:
        ids = [(await server.start(type="ydart"))["id"] for _ in range(2)]
        await gate.reached.wait()
        for _ in range(3):
            server.app[keys.DELIVERY]._queue.wake(ids[1])
            async with server.http.get("/healthz") as answer:
                await answer.read()
        ids.append((await server.start(type="ydart"))["id"])
        gate.open()
        for operation in ids:
            assert (await server.done(operation))["status"] == "done"


async def test_a_ticket_is_polled_when_a_frame_asks(tmp_path: Path) -> None:
    """A provider that gives tickets is asked for the picture by the frame's own question."""
    kind = ticketed()
    async with live(tmp_path, kind, options=QUIET) as server:
        operation = (await server.start(type="ydart", prompt="a fox"))["id"]
        assert (await server.result(operation))["status"] == "pending"
        kind.finished = True
        await server.asked_until_done(operation)
        assert set(kind.polled) == {"ticket-1"}
        assert [request.prompt for request in kind.submitted] == ["a fox"]


async def test_a_ticket_survives_a_restart(tmp_path: Path) -> None:
    """After a restart the same ticket is polled, nothing is submitted twice, and the id still works."""
    kind = ticketed(paid=True)
    async with live(tmp_path, kind, options=QUIET) as server:
        operation = (await server.start(type="ydart"))["id"]
        while (await server.job(operation)).ticket is None:
            await server.result(operation)
    kind.finished = True
    async with live(tmp_path, kind, options=QUIET) as server:
        assert (await server.asked_until_done(operation))["status"] == "done"
        assert len(kind.submitted) == 1


async def test_a_service_that_never_finishes_is_given_up(tmp_path: Path) -> None:
    """A ticket older than the provider's patience ends in a stored picture for the frame."""
    clock, kind = ShiftedClock(), ticketed(patience=60.0)
    async with live(tmp_path, kind, options=QUIET, stored=1, clock=clock) as server:
        operation = (await server.start(type="ydart"))["id"]
        while not kind.polled:  # patience begins with the first question
            await server.result(operation)
        clock.shift = 61
        await server.asked_until_done(operation)
        job = await server.job(operation)
        assert (job.picture, job.error) == (1, "deadline")


def interrupted(state: JobState, provider: str | None, **more: object) -> Job:
    """A job as a killed server leaves it in the journal."""
    return Job(
        id="",
        kind=Kind.ANY,
        frame="127.0.0.1",
        created=1_800_000_000.0,
        width=320,
        height=480,
        why="asked for any provider",
        state=state,
        candidates=("painter",),
        prompt="test",
        provider=provider,
        **more,  # type: ignore[arg-type]  # a test's shorthand
    )


async def leave_behind(folder: Path, job: Job) -> str:
    """Put the job into the journal of a server that is not running; returns its id."""
    from attrs import evolve

    async with live(folder, options=QUIET) as server:
        operation = server.app[keys.INTAKE]._ids.give()
    journal = Journal(folder / "data" / "journal.sqlite")
    await journal.open()
    await journal.jobs.create(evolve(job, id=operation))
    await journal.close()
    return operation


@pytest.mark.parametrize(
    ("paid", "state", "asked"),
    [(False, JobState.DONE, 1), (True, JobState.UNKNOWN, 0)],
    ids=["free: asked again", "paid: never again"],
)
async def test_a_call_that_a_crash_cut_off(tmp_path: Path, paid: bool, state: JobState, asked: int) -> None:
    """A restart repeats a free call, and never one that may have been paid."""
    kind = painter(paid=paid, idempotent=not paid)
    operation = await leave_behind(tmp_path, interrupted(JobState.CALLING, "painter"))
    async with live(tmp_path, kind, options=QUIET) as server:
        assert (await server.done(operation))["status"] == "done"
        assert (await server.job(operation)).state is state
        assert len(kind.asked) == asked


async def test_a_picture_that_reached_the_store_before_the_crash_is_adopted(tmp_path: Path) -> None:
    """Between the rename and the commit a crash loses nothing: the file is the job's picture, bought once."""
    kind = painter(paid=True, idempotent=False)
    job = interrupted(JobState.CALLING, "painter")
    operation = await leave_behind(tmp_path, job)
    original = tmp_path / "images" / name_for(operation, job.created, "jpeg")
    original.write_bytes(picture_bytes("lime"))
    async with live(tmp_path, kind, options=QUIET) as server:
        assert (await server.done(operation))["status"] == "done"
        found = await server.job(operation)
        assert (found.state, kind.asked) == (JobState.DONE, [])
        picture = await server.app[keys.STORE].picture(found.picture or 0)
        assert picture is not None
        assert picture.provider == "painter"


async def test_a_queued_job_goes_on_after_a_restart(tmp_path: Path) -> None:
    """A job that nobody had begun is worked on by the next run."""
    kind = painter()
    operation = await leave_behind(tmp_path, interrupted(JobState.QUEUED, None))
    async with live(tmp_path, kind, options=QUIET) as server:
        assert (await server.done(operation))["status"] == "done"
        assert len(kind.asked) == 1


async def test_the_atelier_stands_only_at_the_end_beside_others(tmp_path: Path) -> None:
    """Beside a configured provider the atelier is not chosen, but paints when that one fails and nothing is stored."""
    kind = failing(refuse(Unreachable))
    async with live(tmp_path, kind) as server:
        operation = (await server.start(type="auto"))["id"]
        await server.done(operation)
        job = await server.job(operation)
        assert job.candidates == ("failing",)
        assert job.provider == "atelier"
        assert job.picture is not None


async def test_the_atelier_takes_part_when_it_is_configured(tmp_path: Path) -> None:
    """Written down as `providers: {atelier: {}}` it is drawn like the others."""
    async with live(tmp_path, painter(), options="providers: {atelier: {}}\n") as server:
        orders = set()
        for _ in range(12):
            operation = (await server.start(type="ydart"))["id"]
            orders.add((await server.job(operation)).candidates[0])
            await server.done(operation)
        assert orders == {"atelier", "painter"}


async def test_an_empty_store_is_filled_with_a_starter_set(tmp_path: Path) -> None:
    """Alone with the atelier the server paints 24 pictures, and after a restart no more than that."""
    async with live(tmp_path) as server:
        starter = next(task for task in asyncio.all_tasks() if task.get_name() == "starter set")
        await asyncio.wait([starter])
        assert await server.health("stored") == 24
    async with live(tmp_path) as server:
        assert (await server.start(type="old"))["status"] == "done"
        assert server.app[keys.STORE].count() == 24


async def test_a_provider_that_comes_later_paints_no_starter_set(tmp_path: Path) -> None:
    """Cut off in its middle, the set is not finished by whoever was added meanwhile: its owner asked for none of it."""
    async with live(tmp_path) as server:
        await server.done((await server.start(type="old"))["id"])
    dear = painter(paid=True)
    async with live(tmp_path, dear) as server:
        starter = next((task for task in asyncio.all_tasks() if task.get_name() == "starter set"), None)
        if starter is not None:
            await asyncio.wait([starter])
        assert int(await server.app[keys.JOURNAL].notes.get("starter_set") or 0) > 0, "it was not cut off"
    assert dear.asked == []


def facts_of(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """What would change if somebody touched the files."""
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns, path.read_bytes()) for path in folder.iterdir()}


async def test_a_library_is_shown_with_the_store_and_never_touched(tmp_path: Path) -> None:
    """Photos of `folder` come in the same lap as the store's, subfolders too, and stay as they are."""
    photos = tmp_path / "photos" / "summer"
    photos.mkdir(parents=True)
    for number in range(3):
        (photos / f"photo{number}.jpg").write_bytes(picture_bytes(f"hsl({number * 90}, 60%, 40%)"))
    before = facts_of(photos)
    options = QUIET + f"providers: {{folder: {{local_image_folder: {tmp_path / 'photos'}}}}}\n"
    async with live(tmp_path, options=options, stored=2) as server:
        shown = [await server.picture_of((await server.start(type="old"))["id"]) for _ in range(5)]
        assert sorted(shown, key=str) == [1, 2, 3, 4, 5]
        roots = set()
        for _ in range(6):
            picture = await server.picture_of((await server.start(type="provider", provider="folder"))["id"])
            found = await server.app[keys.STORE].picture(picture or 0)
            assert found is not None
            roots.add(found.root)
            await server.done((await server.start(type="ydart"))["id"])
        assert roots == {"folder"}
    assert facts_of(photos) == before
    assert list((tmp_path / "images" / "original").iterdir()) == []


async def test_a_picture_dropped_into_the_store_is_shown_next(tmp_path: Path) -> None:
    """A file that the owner adds is found by the minute's round, and is the frame's next picture."""
    async with live(tmp_path, options=QUIET, stored=5) as server:
        for _ in range(3):
            await server.start(type="old")
        (server.images / "new.png").write_bytes(picture_bytes("gold", kind="PNG"))
        await server.app[keys.STORE].scan_if_changed()
        picture = await server.app[keys.STORE].picture(
            await server.picture_of((await server.start(type="old"))["id"]) or 0
        )
        assert picture is not None
        assert picture.path == "new.png"


async def test_laps_survive_a_restart(tmp_path: Path) -> None:
    """A restart in the middle of a lap repeats nothing."""
    seen: list[int | None] = []
    for shown in (2, 3, 2):
        async with live(tmp_path, options=QUIET, stored=0 if seen else 7) as server:
            seen += [await server.picture_of((await server.start(type="old"))["id"]) for _ in range(shown)]
    assert sorted(seen, key=str) == [1, 2, 3, 4, 5, 6, 7]


async def test_what_a_stranger_adds_never_costs_the_picture(tmp_path: Path) -> None:
    """Details that are no texts and a seed that no journal holds are made to fit."""

    async def generate(self: Painter, request: GenerationRequest) -> GeneratedImage:
        details: dict[Any, Any] = {"when": datetime.now(UTC), 5: None}
        return GeneratedImage(data=picture_bytes(), seed=2**70, model=None, details=details)  # type: ignore[arg-type]

    async with live(tmp_path, painter(generate=generate), options=QUIET) as server:
        operation = (await server.start(type="provider", provider="painter"))["id"]
        await server.done(operation)
        picture = await server.app[keys.STORE].picture((await server.picture_of(operation)) or 0)
        assert picture is not None
        assert (picture.seed, picture.model) == (None, "")
        assert set(picture.details) == {"when", "5"}


async def test_a_paid_answer_that_nobody_can_read_is_put_aside(tmp_path: Path) -> None:
    """After a crash a kept answer without a provider to read it is not thrown away: it goes to the quarantine."""
    operation = await leave_behind(tmp_path, interrupted(JobState.CALLING, "paid"))
    with Answers(tmp_path / "data" / "answers").writing(operation) as file:
        file.write(b"https://service.example/your-picture")
    kind = painter("paid", paid=True, idempotent=False)
    async with live(tmp_path, kind, options=QUIET) as server:
        await server.ended(operation)
        assert (await server.job(operation)).state is JobState.UNKNOWN
    (kept,) = (tmp_path / "data" / "quarantine").glob("*.bin")
    assert kept.read_bytes() == b"https://service.example/your-picture"
