"""A provider for the web UI beside a fake one."""

from __future__ import annotations

import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fakes.sdwebui import LOGIN, FakeSdWebUi

from default_plugins.running_out import TIMEOUT
from imageserver import GenerationRequest, ProviderContext
from imageserver.answers import Answers
from imageserver.default_plugins.sdwebui import SdWebUi
from imageserver.default_plugins.sdwebui.settings import SdWebUiSettings
from imageserver.testing import FakeClock


def a_wish(width: int = 320, height: int = 480) -> GenerationRequest:
    """What a frame wants."""
    return GenerationRequest(
        job="job-1", prompt="a heron in the reeds", negative="people", width=width, height=height, seed=4242
    )


@asynccontextmanager
async def provider_at(address: str, data: Path, **settings: Any) -> AsyncIterator[SdWebUi]:
    """A provider with these settings."""
    context = ProviderContext(
        settings=SdWebUiSettings(base_url=address, **{"timeout": TIMEOUT, **settings}),
        clock=FakeClock(),
        random=random.Random(1),
        log=logging.getLogger("imageserver.provider.sdwebui"),
        data_folder=data,
        answers=Answers(data / "answers"),
    )
    provider = SdWebUi(context)
    try:
        yield provider
    finally:
        await provider.close()
        await context.close()


@asynccontextmanager
async def both(data: Path, mode: str = "good", **settings: Any) -> AsyncIterator[tuple[SdWebUi, FakeSdWebUi]]:
    """The provider and the fake it talks to, which wants a login when the settings have one."""
    async with FakeSdWebUi(login=LOGIN if "username" in settings else None).running() as fake:
        await fake.become(mode)
        async with provider_at(fake.url, data, **settings) as provider:
            yield provider, fake
