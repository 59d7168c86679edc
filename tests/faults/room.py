"""A whole server whose only painter is a fake YandexART."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from attrs import frozen
from default_plugins.yandexart_room import write_keys
from fakes.yandex import FakeYandex
from live import OWNER, Live, ShiftedClock, live

from imageserver.frame_client.jpeg import inspect
from imageserver.provider_host import ProviderHost
from imageserver.testing.ledger import Ledger
from imageserver.web import keys

PATIENT = 30.0  # seconds for a call: nothing here comes near it; what must run into it is told that they have passed
HASTY = 0.3  # for those of an hour's calls that run into it, where how each of them ends is not looked at
_STEP = 10.0  # seconds: more than a connection may take, and far less than a call
_TURNS = 100  # of the loop in each step: what is over comes to its end, which needs no network


def options(fake: FakeYandex, transport: str, timeout: float = PATIENT, *, disabled: str = "[atelier]") -> str:
    """Options with the fake as the only service; nothing but a frame's question asks about tickets."""
    return f"""
disabled_providers: {disabled}
image_generate_threshold: 0
check_pending_cron: "0 0 1 1 *"
providers:
  yandexart: {{transport: {transport}, base_url: "{fake.url}", timeout: {timeout}, deadline: {timeout + 30}}}
"""


@frozen(kw_only=True)
class Room:
    """Both sides."""

    server: Live
    fake: FakeYandex

    async def wish(self, kind: str) -> str:
        """Begin a job; the prompt is the same each time, as impatient people do it."""
        more = {"prompt": "a heron"} if kind == "ydart" else {}
        return (await self.server.start(type=kind, **more))["id"]

    async def shown(self, operation: str) -> None:
        """The frame gets something that it can draw under this id."""
        clock = asyncio.get_running_loop().time
        end = clock() + PATIENT  # what a full disk holds up is pending however often one asks
        # A rendition may take longer than one answer waits.
        while (answer := await self.server.frame.result(operation)).status == "pending" and clock() < end:
            pass
        assert answer.status == "done", answer
        assert answer.jpeg is not None
        drawn = inspect(answer.jpeg)
        assert (drawn.width, drawn.height) == (320, 480)

    async def counted(self) -> int:
        """How many pictures the ledger of the server holds as bought or reserved, since yesterday."""
        day = datetime.fromtimestamp(self.server.clock.now(), UTC).date()
        totals = await self.server.app[keys.JOURNAL].spending.totals(
            "yandexart", day.isoformat(), (day - timedelta(days=1)).isoformat()
        )
        return totals.today.pictures + totals.yesterday.pictures

    async def is_paused(self) -> bool:
        """Whether the breaker of the provider is open."""
        async with self.server.http.get("/api/v1/plugins", headers=OWNER) as answer:
            lines = (await answer.json())["providers"]
        return bool(next(line["status"] for line in lines if line["code"] == "yandexart") == "paused")

    async def ticket(self, kind: str) -> str:
        """Begin a job and let it come to its ticket."""
        operation = await self.wish(kind)
        while (job := await self.server.job(operation)).ticket is None:
            assert not job.is_finished, job
            await asyncio.sleep(0)
        return operation

    @property
    def host(self) -> ProviderHost:
        """What calls the provider."""
        host: ProviderHost = self.server.app[keys.RELOADER]._registry.hosts["yandexart"]
        return host

    async def run_out(self, operation: str, has_taken: Callable[[], bool]) -> None:
        """The call for this job ends because its time is over, which passes once the service has what it was asked.

        A short timeout would be a race: on a busy machine it may be over before the request has arrived, or in the
        same moment as the one of the connection, and then it is another failure.
        """
        open_jobs = self.server.app[keys.DELIVERY]._open_jobs
        while not has_taken() and operation in open_jobs:  # noqa: ASYNC110 - the service has no events
            await asyncio.sleep(0)
        loop = self.host._loop._loop
        assert loop is not None
        while self.host._calls:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_time_passes(), loop))


async def _time_passes() -> None:
    """For the loop that runs this: its own clock is put forward, and nobody waits."""
    loop = asyncio.get_running_loop()
    before = loop.time
    loop.time = lambda: before() + _STEP  # type: ignore[method-assign]  # of this one loop, which ends with the test
    for _ in range(_TURNS):
        await asyncio.sleep(0)


@asynccontextmanager
async def room(
    folder: Path,
    transport: str,
    *,
    timeout: float = PATIENT,  # noqa: ASYNC109 - the option of the provider
    clock: ShiftedClock | None = None,
    stored: int = 1,
) -> AsyncIterator[Room]:
    """The server in `folder`, and the fake. Afterwards no coroutine of either is left."""
    before = asyncio.all_tasks()
    (folder / "data").mkdir(exist_ok=True)
    write_keys(folder / "data")
    async with (
        # Its ledger is in memory: both sides end together, and a slow disk would hold up the loop that they share.
        FakeYandex(Ledger(), polls=0).running() as fake,
        live(folder, options=options(fake, transport, timeout), stored=stored, clock=clock) as server,
    ):
        yield Room(server=server, fake=fake)
        await fake.become("good")  # also opens its ears, so that it can be closed
    for _ in range(50):  # what was about to end has ended
        await asyncio.sleep(0)
    cancelled = {task for task in asyncio.all_tasks() - before if task.cancelling()}
    if cancelled:  # what waits for a thread, which closes a file, ends a moment later
        await asyncio.wait(cancelled, timeout=PATIENT)
    assert asyncio.all_tasks() - before == set()
