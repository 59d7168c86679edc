"""A provider of the AI Horde beside a fake service, with a real socket between them."""

from __future__ import annotations

import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from attrs import frozen
from fakes.aihorde import API, FakeAIHorde

from default_plugins.running_out import TIMEOUT
from imageserver import GeneratedImage, GenerationRequest, ProviderContext
from imageserver.default_plugins.aihorde import AIHorde
from imageserver.default_plugins.aihorde.settings import AIHordeSettings
from imageserver.testing import FakeClock


@frozen(kw_only=True)
class Room:
    """A provider, the fake it talks to, and their clock."""

    provider: AIHorde
    fake: FakeAIHorde
    clock: FakeClock

    async def poll_later(self, ticket: str) -> GeneratedImage | None:
        """Ask when the next question is allowed."""
        await self.clock.advance(60)
        return await self.provider.poll(ticket)

    @property
    def questions(self) -> list[str]:
        """How the service was asked, in order: `check`, `status`, `DELETE` …"""
        asked = [(one["method"], one["path"].split("/")[-2]) for one in self.fake.ledger.requests]
        return [method if method == "DELETE" else kind for method, kind in asked]


def a_wish(prompt: str = "a heron in the reeds", negative: str | None = None) -> GenerationRequest:
    return GenerationRequest(job="job-1", prompt=prompt, negative=negative, width=320, height=480, seed=4242)


@asynccontextmanager
async def room(data: Path, mode: str = "good", *, polls: int = 0, **settings: Any) -> AsyncIterator[Room]:
    clock = FakeClock()
    async with FakeAIHorde(polls=polls).running() as fake:
        await fake.become(mode)
        context = ProviderContext(
            settings=AIHordeSettings(**{"base_url": fake.url + API, "timeout": TIMEOUT, **settings}),
            clock=clock,
            random=random.Random(1),
            log=logging.getLogger("imageserver.provider.aihorde"),
            data_folder=data / "providers" / "aihorde",
        )
        try:
            yield Room(provider=AIHorde(context), fake=fake, clock=clock)
        finally:
            await context.close()
