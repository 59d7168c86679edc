"""A YandexART provider beside a fake service, with real files and real sockets."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from attrs import frozen
from fakes.yandex import FakeYandex
from fakes.yandex_rules import Account

from default_plugins.running_out import TIMEOUT
from imageserver import GeneratedImage, GenerationRequest, ProviderContext
from imageserver.answers import Answers
from imageserver.default_plugins.yandexart.provider import YandexArt
from imageserver.default_plugins.yandexart.settings import YandexArtSettings
from imageserver.testing import FakeClock
from imageserver.testing.wire import Means

ACCOUNT = Account()


@frozen(kw_only=True)
class Room:
    """The provider, the fake it talks to, and where its data is."""

    provider: YandexArt
    fake: FakeYandex
    data: Path
    clock: FakeClock

    async def image(self, wish: GenerationRequest) -> GeneratedImage:
        """What comes at once."""
        made = await self.provider.submit(wish)
        assert isinstance(made, GeneratedImage)
        return made

    async def ticket(self, wish: GenerationRequest) -> str:
        """What comes instead of a picture."""
        ticket = await self.provider.submit(wish)
        assert isinstance(ticket, str)
        return ticket


def a_wish(
    prompt: str = "a heron in the reeds", negative: str | None = None, width: int = 320, height: int = 480
) -> GenerationRequest:
    """What a frame wants."""
    return GenerationRequest(job="job-1", prompt=prompt, negative=negative, width=width, height=height, seed=4242)


def write_keys(data: Path, text: str | None = None) -> Path:
    """The key file as owners have it."""
    file = data / "ydart-options.json"
    file.write_text(text or json.dumps({"folder_id": ACCOUNT.folder_id, "api_key": ACCOUNT.api_key}), encoding="utf-8")
    file.chmod(0o600)
    return file


@asynccontextmanager
async def provider_in(data: Path, clock: FakeClock | None = None, **settings: Any) -> AsyncIterator[YandexArt]:
    """A provider with these settings and whatever keys lie in `data`."""
    context = ProviderContext(
        settings=YandexArtSettings(**settings),
        clock=clock or FakeClock(),
        random=random.Random(1),
        log=logging.getLogger("imageserver.provider.yandexart"),
        data_folder=data / "providers" / "yandexart",
        answers=Answers(data / "answers"),
    )
    try:
        yield YandexArt(context)
    finally:
        await context.close()


@asynccontextmanager
async def room(data: Path, mode: str = "good", *, polls: int = 0, **settings: Any) -> AsyncIterator[Room]:
    """Both sides, with the keys in the key file."""
    clock = FakeClock()
    settings.setdefault("timeout", TIMEOUT)
    write_keys(data)
    async with FakeYandex(polls=polls, means=Means(pace=0.01)).running() as fake:
        await fake.become(mode)
        async with provider_in(data, clock, **{"base_url": fake.url, **settings}) as provider:
            yield Room(provider=provider, fake=fake, data=data, clock=clock)
