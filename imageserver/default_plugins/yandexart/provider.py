"""The provider: one wish in, one picture or one ticket out. Every call that draws costs money."""

from __future__ import annotations

import os
from decimal import Decimal

from imageserver import (
    BadResult,
    GeneratedImage,
    GenerationRequest,
    PollingImageProvider,
    ProviderContext,
    ProviderError,
    RateLimited,
    TransientError,
    Unreachable,
    __version__,
    picture_kind,
)
from imageserver.default_plugins.yandexart.check import missing_step
from imageserver.default_plugins.yandexart.keys import KeysMissing, find_keys, readable_by_others
from imageserver.default_plugins.yandexart.refusals import Refusal
from imageserver.default_plugins.yandexart.results import Unreadable, read_images, read_operation
from imageserver.default_plugins.yandexart.service import Service
from imageserver.default_plugins.yandexart.settings import YandexArtSettings
from imageserver.default_plugins.yandexart.wish import Wording, async_body, images_body


class YandexArt(PollingImageProvider):
    """Pictures from YandexART and Alice AI ART, by Yandex AI Studio."""

    code = "yandexart"
    other_codes = ("ydArt",)  # as the first server called it
    title = "YandexART"
    version = __version__
    settings_class = YandexArtSettings
    takes_prompt = True
    takes_negative = True
    paid = True
    idempotent = False  # the service has no key by which it would know a repeated call
    default_price = Decimal("2.24")  # roubles with VAT for one request, as of March 2026
    deadline = 120.0

    def __init__(self, context: ProviderContext) -> None:
        super().__init__(context)
        self.settings: YandexArtSettings = context.settings
        self.data = context.data_folder.parent.parent  # context.data_folder is providers/yandexart of the data folder
        self._warned: set[object] = set()

    async def readiness(self) -> str | None:
        try:
            self._service()
        except Unreachable as error:
            return str(error)
        return None

    async def check(self) -> str | None:
        try:
            service = self._service()
        except Unreachable as error:
            return str(error)
        missing = await missing_step(service)
        if missing is None and self.settings.negative_mode == "weight" and self.settings.transport == "images":
            return "negative_mode: weight works with transport: async only; write append, which is what happens now"
        return missing

    async def submit(self, request: GenerationRequest) -> str | GeneratedImage:
        service = self._service()
        model = self.settings.model_uri(service.keys.folder_id)
        if self.settings.transport == "images":
            body, wording = images_body(self.settings, request, model)
            self._tell(wording)
            return self._image(read_images(await service.draw(request.job, body)), model)
        body, wording = async_body(self.settings, request, model)
        self._tell(wording)
        operation = read_operation(await service.start(body), mask=self.context.mask)
        if operation.failure is not None:
            raise _paid(service.explain(operation.failure))
        if operation.picture is not None:
            return self._image(operation.picture, operation.model or model, request.seed)
        if operation.done:
            raise BadResult("the service finished at once, without a picture")
        return operation.id

    async def poll(self, ticket: str) -> GeneratedImage | None:
        # Whatever becomes of the question, the picture behind the ticket was ordered and counts as paid.
        try:
            service = self._service()
            answer = await service.ask(ticket, lambda refusal: _of_a_ticket(service, refusal))
            operation = read_operation(answer, mask=self.context.mask)
        except Unreadable as error:
            raise TransientError(f"{error}; the ticket is kept") from None  # a proxy may have answered
        except ProviderError as error:
            raise _paid(error) from None
        if operation.id != ticket:
            raise TransientError("the service answered about another operation; the ticket is kept")
        if operation.failure is not None:
            failure = service.explain(operation.failure)
            if isinstance(failure, TransientError | RateLimited):  # those are asked about again, but this is final
                failure = BadResult(f"the service gave the picture up: {failure}")
            raise _paid(failure)
        if operation.picture is not None:
            return self._image(operation.picture, operation.model or self.settings.model_uri(""))
        if operation.done:
            raise BadResult("the service finished without a picture")
        return None

    async def recover(self, request: GenerationRequest, answer: bytes) -> GeneratedImage | None:  # noqa: ARG002 - the interface's signature
        """The picture in a whole answer of the images interface; the asynchronous one keeps none."""
        return self._image(read_images(answer), self.settings.model_uri(""))

    def _service(self) -> Service:
        """The service with the keys as they are now. Raises Unreachable when they are not there: nothing is sent.

        Not AuthError, which lasts until a restart: a key file that is written later counts without one.
        """
        place = self.data / self.settings.key_file
        try:
            found = find_keys(self.settings, self.data, os.environ)
        except KeysMissing as missing:
            sentence = str(missing)
        else:
            for file in found.files:
                if file not in self._warned and readable_by_others(file):
                    self._warned.add(file)
                    self.context.log.warning("%s holds a key and others can read it: chmod 600 %s", file, file)
            self.context.mask.add(found.keys.api_key)
            return Service(context=self.context, settings=self.settings, keys=found.keys, key_place=str(place))
        raise Unreachable(sentence)

    def _tell(self, wording: Wording) -> None:
        if self.settings.negative_mode == "weight" and self.settings.transport == "images" and None not in self._warned:
            self._warned.add(None)
            self.context.log.warning("negative_mode: weight works with transport: async only; negatives are appended")
        for sentence in wording.lost:
            self.context.log.warning("%s", sentence)

    def _image(self, data: bytes, model: str, seed: int | None = None) -> GeneratedImage:
        if picture_kind(data) is None:
            # handed on all the same: the server judges pictures, and keeps aside what was paid for
            self.context.log.warning("what the service gave is neither JPEG nor PNG nor WEBP")
        return GeneratedImage(data=data, model=model.split("/", 3)[-1], seed=seed)


def _of_a_ticket(service: Service, refusal: Refusal) -> ProviderError:
    if refusal.status == 404:
        return BadResult("the service does not know the ticket any more: it keeps pictures for 3 days")
    return service.explain(refusal)


def _paid(error: ProviderError) -> ProviderError:
    error.charged = True
    return error
