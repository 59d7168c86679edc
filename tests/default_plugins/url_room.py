"""A provider `url` beside a fake webcam, with real files and real sockets."""

from __future__ import annotations

import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fakes.url import PATH, FakeWebcam

from imageserver import GenerationRequest, ProviderContext
from imageserver.answers import Answers
from imageserver.default_plugins.url import UrlPicture
from imageserver.default_plugins.url.settings import UrlSettings
from imageserver.testing import FakeClock


def a_wish(width: int = 320, height: int = 480, seed: int = 4242) -> GenerationRequest:
    """What a frame wants."""
    return GenerationRequest(job="job-1", prompt="any", negative=None, width=width, height=height, seed=seed)


@asynccontextmanager
async def provider_at(address: str, data: Path, **settings: Any) -> AsyncIterator[UrlPicture]:
    """A provider with these settings."""
    context = ProviderContext(
        settings=UrlSettings(url=address, **settings),
        clock=FakeClock(),
        random=random.Random(1),
        log=logging.getLogger("imageserver.provider.url"),
        data_folder=data / "providers" / "url",
        answers=Answers(data / "answers"),
    )
    try:
        yield UrlPicture(context)
    finally:
        await context.close()


@asynccontextmanager
async def room(
    data: Path, mode: str = "good", *, path: str = PATH, is_still: bool = False, **settings: Any
) -> AsyncIterator[tuple[UrlPicture, FakeWebcam]]:
    """A provider and the webcam that it asks."""
    async with FakeWebcam(is_still=is_still).running() as fake:
        await fake.become(mode)
        async with provider_at(fake.url + path, data, **settings) as provider:
            yield provider, fake
