"""Is the server alive? Each part that must run is broken for real and found; what is only slow is not."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from attrs import define
from live import Gate, Live, ShiftedClock, live, waiting
from prometheus_client.parser import text_string_to_metric_families

from imageserver.rounds import Rounds
from imageserver.supervisor import Supervisor
from imageserver.testing import FakeClock
from imageserver.vigil import JOURNAL, LOOP, QUEUE, Vigil
from imageserver.web import keys
from imageserver.worker import Worker

QUIET = "disabled_providers: [atelier]\n"
PENDING = "ask about waiting jobs"


@define
class HastyClock(ShiftedClock):
    """Nobody sleeps for long by it, so that what happens once a minute need not be waited for."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.02))


def vigil_of(server: Live) -> Vigil:
    vigil = server.app[keys.OVERVIEW]._vigil  # type: ignore[attr-defined]  # the tests turn its hands
    assert isinstance(vigil, Vigil)
    return vigil


async def by_hand(server: Live) -> None:
    """From now on the vigil beats only when the test says so, however long a busy machine takes for it."""
    vigil = vigil_of(server)
    task = vigil._supervisor._running["vigil"]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    vigil._fell_asleep = None
    vigil._entries.clear()  # where the start took seconds it has looked at the schedule already, and so counted some


async def beat(server: Live, number: int, *, deaf: bool = False, still: str = "") -> None:
    """So many seconds pass at once.

    What would have gone on meanwhile has: the journal answers in each of them, unless it is `deaf`, and each entry of
    the schedule looks at the clock, but for one that acts and the one that stands `still`.
    """
    vigil = vigil_of(server)
    for _ in range(number):
        if not deaf:
            await until(lambda: vigil._owed() is None)
        for name, turns in vigil._timetable.turns.items():
            turns.number += not turns.is_acting and name != still
        vigil.beat()


async def health(server: Live) -> tuple[int, list[str]]:
    async with server.http.get("/healthz") as answer:
        said = await answer.json()
        assert (answer.status == 200) == (said["status"] == "ok") == (not said["not_running"])
        return answer.status, said["not_running"]


async def until(true: Callable[[], bool]) -> None:
    """Wait for something that comes without an event of its own; the test's own limit ends it."""
    while not true():  # noqa: ASYNC110 - see above
        await asyncio.sleep(0)


async def test_a_dead_worker_is_found(tmp_path: Path) -> None:
    """One of them is gone, and the answer is 503 with its name; the stored pictures go on."""
    async with live(tmp_path, options=QUIET, stored=1) as server:
        assert await health(server) == (200, [])
        supervisor = server.app[keys.OPTIONS]._crew._supervisor
        supervisor._running["worker 2"].cancel()
        await until(supervisor._running["worker 2"].done)
        assert await health(server) == (503, ["worker 2"])
        assert (await server.done((await server.start(type="old"))["id"]))["status"] == "done"


async def test_what_dies_again_and_again_is_dead() -> None:
    """Two deaths are bad luck; at the third it counts as dead, until it has lived for a minute."""
    clock, may_live = FakeClock(), [False]
    supervisor = Supervisor(clock)

    async def dies() -> None:
        if may_live[0]:
            await asyncio.Event().wait()
        raise ValueError("a bug")

    supervisor.keep_running("worker", dies)
    await clock.advance(0.6)
    assert supervisor.restarts == {"worker": 2}
    assert supervisor.is_alive("worker")
    await clock.advance(1)
    assert supervisor.restarts == {"worker": 3}
    assert not supervisor.is_alive("worker")
    may_live[0] = True
    await clock.advance(3)
    assert not supervisor.is_alive("worker"), "it has lived for a second, as it did before"
    await clock.advance(61)
    assert supervisor.is_alive("worker")
    await supervisor.stop()


async def test_workers_that_take_nothing_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them hang where nothing may hang: the job behind them is noticed, and when it is taken at last."""
    let_go = asyncio.Event()

    async def hangs(_self: Worker, _job_id: str) -> None:
        await let_go.wait()

    monkeypatch.setattr(Worker, "work", hangs)
    async with live(tmp_path, options=QUIET, stored=1) as server:
        await by_hand(server)
        queue, crew = server.app[keys.INTAKE]._queue, server.app[keys.OPTIONS]._crew
        for number in range(len(crew.names) + 1):
            queue.wake(f"job {number}")
        await until(lambda: queue.taken == len(crew.names))
        await beat(server, 120)
        assert await health(server) == (200, [])
        await beat(server, 2)
        assert await health(server) == (503, [QUEUE])
        let_go.set()
        await until(lambda: not len(queue))
        assert await health(server) == (200, [])


async def test_a_slow_provider_is_no_reason(tmp_path: Path) -> None:
    """It holds all its slots for hours, wishes pile up behind it, and the server is well."""
    gate = Gate()
    async with live(tmp_path, waiting(gate), options=QUIET, stored=1) as server:
        await by_hand(server)
        wishes = [(await server.start(type="provider", provider="waiting"))["id"] for _ in range(4)]
        await gate.reached.wait()
        await until(lambda: not len(server.app[keys.INTAKE]._queue))
        await beat(server, 5000)
        assert await health(server) == (200, [])
        gate.open()
        for wish in wishes:
            await server.ended(wish)


async def test_a_stuck_schedule_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A round that never ends is found after six hours; before that it may be a scan of a million pictures."""
    begun = asyncio.Event()

    async def never_ends(_self: Rounds) -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(Rounds, "ask_waiting", never_ends)
    clock = HastyClock()
    # Ten minutes past an hour: no round begins before the test says so, and none but this one soon after.
    clock.shift = (600 - clock.now()) % 3600
    async with live(tmp_path, options=QUIET, stored=1, clock=clock) as server:
        await by_hand(server)
        await beat(server, 30)
        assert await health(server) == (200, [])
        clock.shift += 61
        await begun.wait()
        await beat(server, 6 * 3600)
        assert await health(server) == (200, [])
        await beat(server, 2)
        assert await health(server) == (503, [PENDING])


async def test_a_schedule_that_does_not_look_at_the_clock_is_found(tmp_path: Path) -> None:
    """Its loop sleeps and never wakes, as if the machine's timers were broken: found after a minute."""
    clock = FakeClock()

    async def nothing() -> None:
        """A round."""

    async with live(tmp_path, options=QUIET, stored=1) as server:
        await by_hand(server)
        vigil = vigil_of(server)
        timetable = vigil._timetable
        supervisor = server.app[keys.OPTIONS]._crew._supervisor
        frozen = type(timetable)(timetable.entries[:1], clock)  # this clock stands still, and nobody turns it
        supervisor._running[PENDING].cancel()
        await until(supervisor._running[PENDING].done)
        frozen.begin(supervisor)
        timetable.turns[PENDING] = frozen.turns[PENDING]
        await clock.until_sleeping()
        await beat(server, 60, still=PENDING)
        assert await health(server) == (200, [])
        await beat(server, 2, still=PENDING)
        assert await health(server) == (503, [PENDING])


async def test_a_journal_that_does_not_answer_is_found(tmp_path: Path) -> None:
    """Its thread hangs in one piece of work: 503 after a minute, 200 as soon as it goes on."""
    let_go = threading.Event()
    async with live(tmp_path, options=QUIET, stored=1, clock=HastyClock()) as server:
        await by_hand(server)
        await beat(server, 200)
        database = server.app[keys.JOURNAL]._database
        stuck = asyncio.create_task(database.read(lambda _: let_go.wait()))
        try:
            await until(lambda: vigil_of(server)._owed() is not None)
            await beat(server, 61, deaf=True)
            assert await health(server) == (200, [])
            await beat(server, 1, deaf=True)
            assert await health(server) == (503, [JOURNAL])
            async with server.http.get("/readyz") as answer:
                assert answer.status == 200, "frames get stored pictures without it"
        finally:
            let_go.set()
        await stuck
        await until(lambda: vigil_of(server)._owed() is None)
        assert await health(server) == (200, [])


async def test_a_journal_that_cannot_be_read_is_no_reason(tmp_path: Path) -> None:
    """It answers that it cannot: a new start could not even open it, and frames would lose their pictures."""
    async with live(tmp_path, options=QUIET, stored=1, clock=HastyClock()) as server:
        await by_hand(server)
        database = server.app[keys.JOURNAL]._database
        await database.read(lambda connection: connection.set_authorizer(lambda *_: sqlite3.SQLITE_DENY))
        assert not await database.answers()
        asked = vigil_of(server)._questions
        await until(lambda: vigil_of(server)._questions > asked + 1)
        await beat(server, 200)
        assert await health(server) == (200, [])
        await database.read(lambda connection: connection.set_authorizer(None))


async def test_a_loop_that_stands_still_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Something blocks it: for as long as that lasts nothing tells the watchdog, and the numbers keep what it was."""
    async with live(tmp_path, options=QUIET, stored=1) as server:
        vigil = vigil_of(server)
        await until(lambda: vigil._fell_asleep is not None)
        assert vigil.not_running() == []
        monkeypatch.setattr("imageserver.vigil._LATE", 0.5)
        time.sleep(1.6)  # noqa: ASYNC251 - the test blocks the loop on purpose
        assert vigil.not_running() == [LOOP]
        async with server.http.get("/metrics") as answer:
            text = await answer.text()
        (lag,) = [
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == "imageserver_loop_lag_seconds"
        ]
        assert lag > 0.5


async def test_a_machine_that_slept_has_missed_nothing(tmp_path: Path) -> None:
    """The lid of a laptop was closed for ten hours: steady time has gone on, and everything is well."""
    clock = ShiftedClock()
    async with live(tmp_path, options=QUIET, stored=1, clock=clock) as server:
        clock.shift += 36_000
        assert await health(server) == (200, [])


async def test_readyz_says_whether_frames_are_answered(tmp_path: Path) -> None:
    """200 once everything is open; 503 as soon as the server begins to stop."""
    async with live(tmp_path, options=QUIET, stored=1) as server:
        for method in ("get", "head"):
            ask: Callable[[str], Awaitable[object]] = getattr(server.http, method)
            answer = await ask("/readyz")
            assert getattr(answer, "status", None) == 200
        await server.app.shutdown()
        async with server.http.get("/readyz") as answer:
            assert (answer.status, await answer.json()) == (503, {"status": "stopping"})
        assert await health(server) == (200, []), "what stops is not dead"
