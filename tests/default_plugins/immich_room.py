"""An Immich provider beside a fake server, with real files and real sockets."""

from __future__ import annotations

import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from attrs import frozen
from fakes.immich import KEY, FakeImmich

from default_plugins.running_out import TIMEOUT
from imageserver import GeneratedImage, GenerationRequest, ProviderContext
from imageserver.default_plugins.immich.provider import Immich
from imageserver.default_plugins.immich.settings import ImmichSettings
from imageserver.testing import FakeClock


@frozen(kw_only=True)
class Room:
    """The provider, the fake it talks to, and where its data is."""

    provider: Immich
    fake: FakeImmich
    data: Path
    clock: FakeClock

    async def image(self, width: int = 320, height: int = 480) -> GeneratedImage:
        """A photo for a frame."""
        return await self.provider.generate(a_wish(width, height))

    async def names(self, number: int) -> list[str]:
        """The files behind so many wishes."""
        return [(await self.image()).details["file"] for _ in range(number)]


def a_wish(width: int = 320, height: int = 480) -> GenerationRequest:
    """What a frame wants."""
    return GenerationRequest(job="job-1", prompt="photo", negative=None, width=width, height=height, seed=4242)


@asynccontextmanager
async def provider_in(data: Path, clock: FakeClock | None = None, **settings: Any) -> AsyncIterator[Immich]:
    """A provider with these settings."""
    context = ProviderContext(
        settings=ImmichSettings(**{"api_key": KEY, "timeout": TIMEOUT, **settings}),
        clock=clock or FakeClock(),
        random=random.Random(1),
        log=logging.getLogger("imageserver.provider.immich"),
        data_folder=data / "providers" / "immich",
    )
    try:
        yield Immich(context)
    finally:
        await context.close()


@asynccontextmanager
async def room(data: Path, mode: str = "good", *, version: int = 3, **settings: Any) -> AsyncIterator[Room]:
    """Both sides."""
    clock = FakeClock()
    async with FakeImmich(version=version).running() as fake:
        await fake.become(mode)
        async with provider_in(data, clock, **{"base_url": fake.url, **settings}) as provider:
            yield Room(provider=provider, fake=fake, data=data, clock=clock)
