"""The provider: one wish in, one picture out, and a PC that is not left painting for nobody."""

from __future__ import annotations

import asyncio

from imageserver import (
    BadResult,
    DeadlineExceeded,
    GeneratedImage,
    GenerationRequest,
    ImageProvider,
    ProviderContext,
    ProviderError,
    __version__,
)
from imageserver.default_plugins.sdwebui.check import missing_thing
from imageserver.default_plugins.sdwebui.results import read_picture
from imageserver.default_plugins.sdwebui.service import Service
from imageserver.default_plugins.sdwebui.settings import SdWebUiSettings
from imageserver.default_plugins.sdwebui.wish import body_for


class SdWebUi(ImageProvider):
    """Pictures from AUTOMATIC1111's web UI for Stable Diffusion, or from Forge, which speaks the same language."""

    code = "sdwebui"
    title = "Stable Diffusion WebUI"
    version = __version__
    settings_class = SdWebUiSettings
    takes_negative = True
    idempotent = True
    deadline = 660.0  # more than the setting `timeout`, after which the picture is stopped

    def __init__(self, context: ProviderContext) -> None:
        super().__init__(context)
        self.settings: SdWebUiSettings = context.settings
        self._service = Service(context=context, settings=self.settings)
        self._stopping: set[asyncio.Task[None]] = set()

    async def readiness(self) -> str | None:
        try:
            await self._service.state()
        except DeadlineExceeded:
            return None  # it is there and says nothing: a model is being loaded, which takes minutes
        except ProviderError as error:
            return str(error)
        return None

    async def check(self) -> str | None:
        missing = await self.readiness()
        if missing is not None:
            return missing
        try:
            return await missing_thing(self._service)
        except ProviderError as error:
            return str(error)

    async def generate(self, request: GenerationRequest) -> GeneratedImage:
        body = body_for(self.settings, request)
        await self._stopped()  # or what stops the last picture would stop this one
        try:
            answer = await self._service.draw(body)
        except (DeadlineExceeded, asyncio.CancelledError):
            await self._stop_painting()
            raise
        picture = read_picture(answer, body)
        if await self._was_interrupted():
            raise BadResult("the picture is half made: somebody interrupted it at the PC")
        return picture

    async def close(self) -> None:
        await self._stopped()

    async def _stopped(self) -> None:
        """Wait until the web UI was told of all that nobody waits for; each takes a few seconds at most."""
        if self._stopping:
            await asyncio.wait(self._stopping)

    async def _stop_painting(self) -> None:
        """Free the graphics card: the web UI paints on when its caller has gone. Goes on when it is cancelled."""
        task = asyncio.create_task(self._interrupt())
        self._stopping.add(task)
        task.add_done_callback(self._stopping.discard)
        await asyncio.shield(task)

    async def _interrupt(self) -> None:
        try:
            await self._service.interrupt()
        except ProviderError as error:
            self.context.log.info("the picture that nobody waits for is not stopped: %s", error)

    async def _was_interrupted(self) -> bool:
        """Whether the picture that just came is half made. The web UI gives it as if it were whole."""
        try:
            state = await self._service.state()
        except ProviderError:
            return False  # the picture is here, and most are whole
        # The flags stay as they are until the next picture begins.
        return bool(state.get("interrupted") or state.get("skipped"))
