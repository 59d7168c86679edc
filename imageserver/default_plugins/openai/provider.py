"""The provider: one wish in, one picture out. Every picture may cost money."""

from __future__ import annotations

import json

from imageserver import (
    BadResult,
    GeneratedImage,
    GenerationRequest,
    ImageProvider,
    ProviderContext,
    ProviderError,
    Unreachable,
    __version__,
)
from imageserver.default_plugins.openai.check import missing_step
from imageserver.default_plugins.openai.results import Result, read_result
from imageserver.default_plugins.openai.service import Service
from imageserver.default_plugins.openai.settings import OpenAiSettings
from imageserver.default_plugins.openai.wish import body_for


class OpenAi(ImageProvider):
    """Pictures from any service that answers POST /v1/images/generations as OpenAI does."""

    code = "openai"
    title = "OpenAI"
    version = __version__
    settings_class = OpenAiSettings
    takes_negative = True
    paid = True  # also where it is the owner's own LocalAI, which nobody can tell from here
    idempotent = False  # a repeated call is another picture
    deadline = 380.0  # the call, then the picture from the address that it named

    def __init__(self, context: ProviderContext) -> None:
        super().__init__(context)
        self._service = Service(context=context, settings=context.settings)
        self._settings: OpenAiSettings = context.settings

    async def readiness(self) -> str | None:
        try:
            self._service.headers()
        except Unreachable as error:
            return str(error)
        return None

    async def check(self) -> str | None:
        try:
            return await missing_step(self._service)
        except ProviderError as error:
            return str(error)

    async def generate(self, request: GenerationRequest) -> GeneratedImage:
        reply = await self._service.draw(request.job, body_for(self._settings, request))
        answer = reply.json_object()
        if "error" in answer and not answer.get("data"):
            raise reply.error(BadResult, "{host} took the request and gave no picture")
        result = read_result(answer)
        picture = result.picture if result.picture is not None else await self._service.fetch(result.url)
        return self._image(picture, result)

    async def recover(self, request: GenerationRequest, answer: bytes) -> GeneratedImage | None:  # noqa: ARG002 - the interface's signature
        """The picture in a whole answer; None where there is only the address of one, which may not be asked here."""
        try:
            read = json.loads(answer)
        except (ValueError, RecursionError):
            return None
        result = read_result(read if isinstance(read, dict) else {})
        return None if result.picture is None else self._image(result.picture, result)

    def _image(self, picture: bytes, result: Result) -> GeneratedImage:
        revised = " ".join(self.context.mask(result.revised_prompt).split())
        details = {"revised prompt": revised} if revised else {}
        return GeneratedImage(data=picture, model=self._settings.model, details=details)
