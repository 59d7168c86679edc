"""A ComfyUI provider beside a fake service, with the workflow of the documentation."""

from __future__ import annotations

import json
import logging
import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from attrs import frozen
from fakes.comfyui import FakeComfyUi

from imageserver import GeneratedImage, GenerationRequest, ProviderContext
from imageserver.answers import Answers
from imageserver.default_plugins.comfyui import ComfyUi
from imageserver.default_plugins.comfyui.settings import ComfyUiSettings
from imageserver.testing import FakeClock

GUIDE = Path(__file__).parents[2] / "docs/providers/comfyui.md"
WORKFLOW: dict[str, Any] = json.loads(re.findall(r"^```json\n(.*?)^```", GUIDE.read_text("utf-8"), re.M | re.S)[0])


@frozen(kw_only=True)
class Room:
    """The provider, the fake it talks to, and where its data is."""

    provider: ComfyUi
    fake: FakeComfyUi
    data: Path
    clock: FakeClock

    async def image(self, wish: GenerationRequest | None = None) -> GeneratedImage:
        """What comes of a wish that is finished at the first question."""
        image = await self.provider.poll(await self.provider.submit(wish or a_wish()))
        assert image is not None
        return image


def a_wish(prompt: str = "a heron in the reeds", *, seed: int = 4242) -> GenerationRequest:
    """What a frame wants."""
    return GenerationRequest(job="job-1", prompt=prompt, negative="people", width=320, height=480, seed=seed)


def changed(node: str, **inputs: object) -> dict[str, Any]:
    """The workflow with other inputs at one node."""
    return {**WORKFLOW, node: {**WORKFLOW[node], "inputs": {**WORKFLOW[node]["inputs"], **inputs}}}


@asynccontextmanager
async def provider_at(address: str, data: Path, workflow: object = WORKFLOW, **settings: Any) -> AsyncIterator[Room]:
    """A provider with these settings, and a file with this workflow; None writes none."""
    if workflow is not None:
        (data / "comfyui-workflow.json").write_text(json.dumps(workflow), encoding="utf-8")
    clock = FakeClock()
    context = ProviderContext(
        settings=ComfyUiSettings(base_url=address, **settings),
        clock=clock,
        random=random.Random(1),
        log=logging.getLogger("imageserver.provider.comfyui"),
        data_folder=data / "providers" / "comfyui",
        answers=Answers(data / "answers"),
    )
    provider = ComfyUi(context)
    try:
        yield Room(provider=provider, fake=FakeComfyUi(), data=data, clock=clock)
    finally:
        await provider.close()
        await context.close()


@asynccontextmanager
async def room(
    data: Path, mode: str = "good", workflow: object = WORKFLOW, *, polls: int = 0, **settings: Any
) -> AsyncIterator[Room]:
    """Both sides."""
    async with FakeComfyUi(polls=polls).running() as fake:
        await fake.become(mode)
        async with provider_at(fake.url, data, workflow, **settings) as it:
            yield Room(provider=it.provider, fake=fake, data=data, clock=it.clock)
