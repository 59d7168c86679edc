"""A provider `openai` beside a fake service, with real files and real sockets."""

from __future__ import annotations

import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fakes.openai import KEY, MODEL, FakeOpenAi

from default_plugins.running_out import TIMEOUT
from imageserver import GenerationRequest, ProviderContext
from imageserver.answers import Answers
from imageserver.default_plugins.openai import OpenAi
from imageserver.default_plugins.openai.settings import OpenAiSettings
from imageserver.testing import FakeClock


def a_wish(negative: str | None = None, width: int = 320, height: int = 480) -> GenerationRequest:
    """What a frame wants."""
    return GenerationRequest(
        job="job-1", prompt="a heron in the reeds", negative=negative, width=width, height=height, seed=4242
    )


@asynccontextmanager
async def provider_at(address: str, data: Path, **settings: Any) -> AsyncIterator[OpenAi]:
    """A provider with these settings."""
    given = {"base_url": address, "api_key": KEY, "model": MODEL, "timeout": TIMEOUT, **settings}
    context = ProviderContext(
        settings=OpenAiSettings(**given),
        clock=FakeClock(),
        random=random.Random(1),
        log=logging.getLogger("imageserver.provider.openai"),
        data_folder=data,
        answers=Answers(data / "answers"),
    )
    try:
        yield OpenAi(context)
    finally:
        await context.close()


@asynccontextmanager
async def room(
    data: Path, mode: str = "good", *, service: FakeOpenAi | None = None, **settings: Any
) -> AsyncIterator[tuple[OpenAi, FakeOpenAi]]:
    """A provider and the service that it asks."""
    async with (service or FakeOpenAi()).running() as fake:
        await fake.become(mode)
        async with provider_at(fake.url, data, **settings) as provider:
            yield provider, fake
