"""A whole server whose only painter is a fake YandexART."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from attrs import frozen
from default_plugins.yandexart_room import write_keys
from fakes.yandex import FakeYandex
from live import OWNER, Live, ShiftedClock, live

from imageserver.frame_client.jpeg import inspect
from imageserver.testing.ledger import Ledger
from imageserver.testing.wire import Means
from imageserver.web import keys

PATIENT = 30.0  # seconds for a call: nothing here comes near it
HASTY = 0.3  # for those that must run into it


def options(fake: FakeYandex, transport: str, timeout: float = PATIENT, *, disabled: str = "[atelier]") -> str:
    """Options with the fake as the only service; nothing but a frame's question asks about tickets."""
    return f"""
disabled_providers: {disabled}
image_generate_threshold: 0
check_pending_cron: "0 0 1 1 *"
providers:
  yandexart: {{transport: {transport}, base_url: "{fake.url}", timeout: {timeout}, deadline: {timeout + 30}}}
"""


# A rendition may take longer than one answer waits; what a full disk holds up is pending however often one asks.
_QUESTIONS = 12


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
        answer = await self.server.frame.result(operation)
        for _ in range(_QUESTIONS):
            if answer.status == "pending":
                answer = await self.server.frame.result(operation)
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
        while (await self.server.job(operation)).ticket is None:  # noqa: ASYNC110 - the journal has no events
            await asyncio.sleep(0)
        return operation


@asynccontextmanager
async def room(
    folder: Path,
    transport: str,
    *,
    timeout: float = PATIENT,  # noqa: ASYNC109 - the option of the provider
    clock: ShiftedClock | None = None,
    polls: int = 0,
    stored: int = 1,
    ledger: Path | None = None,
) -> AsyncIterator[Room]:
    """The server in `folder`, and the fake. Afterwards no coroutine of either is left."""
    before = asyncio.all_tasks()
    (folder / "data").mkdir(exist_ok=True)
    write_keys(folder / "data")
    async with (
        FakeYandex(Ledger(ledger or folder / "ledger"), polls=polls, means=Means(pace=0.01)).running() as fake,
        live(folder, options=options(fake, transport, timeout), stored=stored, clock=clock) as server,
    ):
        yield Room(server=server, fake=fake)
        await fake.become("good")  # also opens its ears, so that it can be closed
    for _ in range(50):  # what was cancelled comes to its end
        await asyncio.sleep(0)
    assert asyncio.all_tasks() - before == set()
