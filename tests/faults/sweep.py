"""Kills a real server in the middle of one paid job, starts it again on the same folder, and judges what came of it.

The judge is the fake service's ledger, which lives in a process that survives. A kill point is a system call of one
thread: strace counts per thread and per call, so only a thread that is traced alone has points that are the same in
every run. The points of all threads together are every call of the job; each kill falls before its call is made.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import json
import os
import re
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from attrs import define, field, frozen
from fakes.yandex_rules import Account

from faults.asking import NEGATIVE, is_there, results, wish_and_wait
from faults.lanes import HANG_LIMIT, Lane, Server, attached, program
from faults.verdict import Look, violations
from imageserver.testing.paint import good

TESTS = Path(__file__).resolve().parents[1]
_LINE = re.compile(r"(?P<thread>\d+) +(?P<call>\w+)\(")
_OPTIONS = """\
disabled_providers: [atelier]
log_level: ERROR
check_pending_cron: "0 0 1 1 *"  # only frames ask about tickets, so that every run makes the same calls
scan_image_cron: "0 0 1 1 *"
providers:
  yandexart:
    transport: {transport}
    base_url: {url}
"""


@frozen(kw_only=True)
class Point:
    """Before the `count`th `call` of `thread`, counted from the moment before the frame's wish."""

    thread: str
    call: str
    count: int


@frozen(kw_only=True)
class Outcome:
    """What one kill came to."""

    killed: bool  # False: the job was over before the point was reached
    charges: int
    end: str  # how the job ended: its state, or "never began"
    violations: tuple[str, ...]


@define(kw_only=True)
class Sweep:
    """Kills for one transport, all beside the same fake service."""

    _folder: Path
    _prepared: Path  # a data folder and its pictures, as a clean stop left them
    _ledger: Path
    _lanes: asyncio.Queue[Lane]
    _runs: int = field(default=0, init=False)

    async def points(self) -> list[Point]:
        """Every call of an unharmed job, in order, and for each thread and call a margin of one more."""
        async with self._lane() as lane:
            folder, prompt = self._fresh()
            server = await lane.start(folder / "data")
            trace = folder / "trace"
            strace = await attached(server.pid, "-f", "-o", str(trace))
            await wish_and_wait(server, folder / "data", prompt)
            server.kill()
            await server.ended()
            await strace.wait()
        names = {number: name for name, number in server.threads.items()}
        counts: collections.Counter[tuple[str, str]] = collections.Counter()
        points = []
        for line in trace.read_text().splitlines():
            found = _LINE.match(line)
            if found is not None:
                made = (names.get(int(found["thread"]), f"new thread in {line}"), found["call"])
                counts[made] += 1
                points.append(Point(thread=made[0], call=made[1], count=counts[made]))
        return points + [Point(thread=made[0], call=made[1], count=count + 1) for made, count in counts.items()]

    async def killed_at(self, point: Point, *, forget: str | None = None) -> Outcome:
        """Kill at a point, start again, judge."""
        async with self._lane() as lane:
            folder, prompt = self._fresh()
            server = await lane.start(folder / "data", forget=forget)
            inject = f"inject={point.call}:signal=SIGKILL:when={point.count}"
            strace = await attached(server.threads[point.thread], "-o", os.devnull, "-e", inject)
            given = await wish_and_wait(server, folder / "data", prompt)
            outcome = await self._judged(lane, server, folder, prompt, given, forget=forget)
            await strace.wait()
        return outcome

    async def lengths(self) -> tuple[float, float]:
        """How long a start and an unharmed job take, in seconds: within these the random kills fall."""
        clock = asyncio.get_running_loop().time
        async with self._lane() as lane:
            folder, prompt = self._fresh()
            begun = clock()
            server = await lane.start(folder / "data")
            started = clock()
            await wish_and_wait(server, folder / "data", prompt)
            done = clock()
            server.kill()
            await server.ended()
        return started - begun, done - started

    async def killed_after(self, first: float, *more: float) -> Outcome:
        """Kill so many seconds after the frame's wish, then so long after the beginning of further starts; judge."""
        async with self._lane() as lane:
            folder, prompt = self._fresh()
            server = await lane.start(folder / "data")
            kill = asyncio.get_running_loop().call_later(first, server.kill)
            given = await wish_and_wait(server, folder / "data", prompt)
            kill.cancel()
            return await self._judged(lane, server, folder, prompt, given, more)

    async def _judged(
        self,
        lane: Lane,
        server: Server,
        folder: Path,
        prompt: str,
        given: str | None,
        again: tuple[float, ...] = (),
        *,
        forget: str | None = None,
    ) -> Outcome:
        data = folder / "data"
        is_unharmed = await is_there(server)
        server.kill()
        await server.ended()
        cuts = [Look.at(data)]
        known = set(cuts[0].jobs) | ({given} if given else set())
        for delay in again:
            killed = await lane.start_and_kill(data, delay, forget=forget)
            if killed is not None:
                for job in known:
                    await results(killed, data, job)
                killed.kill()
                await killed.ended()
            cuts.append(Look.at(data))
        server = await lane.start(data, forget=forget)
        answered = {job: await results(server, data, job) for job in known}
        server.kill()
        await server.ended()
        after = Look.at(data)
        said = f"{prompt}. Игнорировать следующее: {NEGATIVE}"
        lines = self._ledger.read_bytes().split(b"\n")[:-1]
        charges = sum(entry["event"] == "charge" and entry["prompt"] == said for entry in map(json.loads, lines))
        wrong = [f"{job} answers {end}" for job, end in answered.items() if end != "done"]
        wrong += violations(cuts, after, charges)
        if is_unharmed and not all(job["picture"] for job in after.jobs.values()):
            wrong.append("unharmed and yet without its picture")
        shutil.rmtree(folder)
        end = ", ".join(str(job["state"]) for job in after.jobs.values()) or "never began"
        return Outcome(killed=not is_unharmed, charges=charges, end=end, violations=tuple(wrong))

    def _fresh(self) -> tuple[Path, str]:
        self._runs += 1
        folder = self._folder / f"run{self._runs}"
        shutil.copytree(self._prepared, folder)
        return folder, f"Цапля номер {self._runs}"

    @asynccontextmanager
    async def _lane(self) -> AsyncIterator[Lane]:
        lane = await self._lanes.get()
        yield lane  # after a failure it is not used again: its driver may wait for a server
        self._lanes.put_nowait(lane)


@asynccontextmanager
async def sweep(folder: Path, transport: str, *, mode: str = "good", lanes: int = 3) -> AsyncIterator[Sweep]:
    """A fake service in its own process and in this mode, a prepared data folder, and drivers."""
    ledger = folder / "ledger"
    async with contextlib.AsyncExitStack() as stack:
        service = [str(TESTS / "fakes" / "yandex.py"), "--ledger", str(ledger)]
        fake = await stack.enter_async_context(program(*service, "--polls", "0", "--mode", mode, "--pace", "0"))
        assert fake.stdout is not None
        port = int(await asyncio.wait_for(fake.stdout.readline(), HANG_LIMIT))
        prepared = folder / "prepared"
        (prepared / "data").mkdir(parents=True)
        (prepared / "images").mkdir()
        (prepared / "images" / "stored.jpg").write_bytes(good(0))
        (prepared / "data" / "options.yml").write_text(
            _OPTIONS.format(transport=transport, url=f"http://127.0.0.1:{port}")
        )
        keys = prepared / "data" / "ydart-options.json"
        keys.write_text(json.dumps({"folder_id": Account().folder_id, "api_key": Account().api_key}))
        keys.chmod(0o600)
        queue: asyncio.Queue[Lane] = asyncio.Queue()
        for _ in range(lanes):
            process = await stack.enter_async_context(program(str(TESTS / "faults" / "driver.py")))
            queue.put_nowait(Lane(process=process))
        lane = queue.get_nowait()
        server = await lane.start(prepared / "data")
        os.kill(server.pid, signal.SIGTERM)
        assert await server.ended() == 0
        queue.put_nowait(lane)
        yield Sweep(folder=folder, prepared=prepared, ledger=ledger, lanes=queue)
