"""The provider: a photo for each wish, none twice before all were shown."""

from __future__ import annotations

import asyncio

from imageserver import (
    GeneratedImage,
    GenerationRequest,
    ImageProvider,
    ProviderContext,
    ProviderError,
    TransientError,
    Unreachable,
    __version__,
)
from imageserver.default_plugins.immich.choice import NEEDED, Choice
from imageserver.default_plugins.immich.photos import Photo
from imageserver.default_plugins.immich.service import KEYS_PLACE, PhotoGone, Service, permission_sentence
from imageserver.default_plugins.immich.settings import ImmichSettings
from imageserver.default_plugins.immich.shown import Shown

_QUICK = 4.0  # seconds for a call of the readiness: it makes three, and has 15 s
TRIES = 8  # photos that may turn out to be gone before a wish is given up


class Immich(ImageProvider):
    """Photos from one's own Immich, version 2 or newer."""

    code = "immich"
    title = "Immich"
    version = __version__
    settings_class = ImmichSettings
    takes_prompt = False
    idempotent = True

    def __init__(self, context: ProviderContext) -> None:
        super().__init__(context)
        self.settings: ImmichSettings = context.settings
        self._shown = Shown(context.data_folder / "shown.json", context.log)

    async def readiness(self) -> str | None:
        try:
            service = self._service(_QUICK)
            await service.ping()
            await (await Choice.of(service)).check()
        except ProviderError as error:
            return str(error)
        return None

    async def check(self) -> str | None:
        try:
            service = self._service(_QUICK)
            await service.ping()
            lacking = [one for one in self._needed if await service.lacks(one)]
        except ProviderError as error:
            return str(error)
        return permission_sentence(lacking) if lacking else await self.readiness()

    async def generate(self, request: GenerationRequest) -> GeneratedImage:
        service = self._service(self.settings.timeout)
        choice = await Choice.of(service)
        why = ""
        for photo in self._queue(await choice.photos(self._shown), request)[:TRIES]:
            if photo.id in self._shown:  # and these stand at the end of the queue: everything else had its turn
                self._shown.begin_again()
            # Now, because one that cannot be fetched must not keep the lap from ending.
            await asyncio.to_thread(self._shown.add, photo.id)
            try:
                data = await service.picture(photo)
            except PhotoGone as gone:
                why = str(gone)
                continue
            return GeneratedImage(data=data, details=_details(photo, choice.album))
        raise TransientError(f'Immich gave none of the photos that it named (it said: "{why}")')

    @property
    def _needed(self) -> list[str]:
        download = ["asset.download"] if self.settings.size == "fullsize" else []
        return [*NEEDED[self.settings.show], "asset.view", *download]

    def _service(self, timeout: float) -> Service:
        """Immich with the key as it is now. Raises Unreachable without one: nothing is sent, and it may come yet."""
        key = (self.context.secret("api_key") or "").strip()
        if not key:
            raise Unreachable(f"api_key is missing: {KEYS_PLACE}, make a key and write it as api_key")
        timeout = min(timeout, self.settings.timeout)
        return Service(context=self.context, settings=self.settings, key=key, timeout=timeout)

    def _queue(self, photos: list[Photo], request: GenerationRequest) -> list[Photo]:
        """Photos in the order in which they are tried: those of this lap first, the last one shown at the end."""
        self.context.random.shuffle(photos)
        wants_fit = self.settings.orientation == "fit"

        def rank(photo: Photo) -> tuple[bool, bool, bool]:
            misfit = wants_fit and not photo.fits(request.width, request.height)
            return photo.id in self._shown, photo.id == self._shown.last, misfit

        return sorted(photos, key=rank)


def _details(photo: Photo, album: str) -> dict[str, str]:
    details = {"file": photo.name, "taken": photo.taken, "album": album}
    return {name: text for name, text in details.items() if text}
