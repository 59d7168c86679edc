"""The provider: one address in, the image that lies there now out. Free."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from urllib.parse import urlsplit

from imageserver import (
    AuthError,
    BadProviderRequest,
    BadResult,
    GeneratedImage,
    GenerationRequest,
    ImageProvider,
    PermissionDenied,
    ProviderContext,
    ProviderError,
    Reply,
    Unreachable,
    UntrustedCertificate,
    __version__,
)
from imageserver.default_plugins.url.kept import Kept, conditions_after, drop_kept, read_kept, write_kept
from imageserver.default_plugins.url.looks import check_picture
from imageserver.default_plugins.url.settings import UrlSettings

_REFUSALS: dict[int, tuple[type[ProviderError], str]] = {
    401: (AuthError, "{host} wants another user or password: check username and password"),
    403: (PermissionDenied, "{host} does not let us see the image: does it want a user, or another user_agent?"),
    404: (BadProviderRequest, "{host} has no image at this address: check url"),
}


class UrlPicture(ImageProvider):
    """The image at an address of the owner's choice."""

    code = "url"
    title = "Image at an address"
    version = __version__
    settings_class = UrlSettings
    takes_prompt = False
    idempotent = True
    deadline = 60.0

    def __init__(self, context: ProviderContext) -> None:
        super().__init__(context)
        self._settings: UrlSettings = context.settings
        context.mask.add(urlsplit(self._settings.url).query)  # where webcams have their keys

    async def readiness(self) -> str | None:
        """Whether the password is there; the address itself is not asked every minute."""
        try:
            self._login()
        except Unreachable as error:
            return str(error)
        return None

    async def check(self) -> str | None:
        """Fetches the image for a usual frame."""
        usual = GenerationRequest(job="check", prompt="check", negative=None, width=320, height=480, seed=0)
        try:
            await self.generate(usual)
        except ProviderError as error:
            return str(error)
        return None

    async def generate(self, request: GenerationRequest) -> GeneratedImage:
        address = self._settings.address_for(request)
        if self._settings.is_new_each_time:
            return GeneratedImage(data=(await self._fetch(address, None)).body)
        # One file for each size of frame: their addresses may differ, and more than these never come.
        file = self.context.data_folder / f"last-{request.width}x{request.height}"
        kept = await asyncio.to_thread(read_kept, file, address)
        reply = await self._fetch(address, kept)
        if kept is not None and reply.status == 304:
            return GeneratedImage(data=kept.picture)
        await asyncio.to_thread(self._keep, file, address, reply)
        return GeneratedImage(data=reply.body)

    async def _fetch(self, address: str, kept: Kept | None) -> Reply:
        """An image, or 304 where `kept` is still the newest. Raises ProviderErrors only."""
        try:
            reply = await self.context.http.download(
                address,
                own=[address],
                own_headers=self._login(),
                headers={
                    "User-Agent": self._settings.user_agent or f"ImageServer/{__version__}",
                    "Accept": "image/jpeg, image/png, image/webp, */*;q=0.1",
                    **(kept.conditions if kept else {}),
                },
                timeout=self._settings.timeout,
                verify_tls=self._settings.verify_tls,
            )
        except UntrustedCertificate as error:
            raise UntrustedCertificate(f"{error} If it is self-signed, write verify_tls: false") from None
        if reply.status == 304:
            if kept is None:
                raise BadResult(f"{reply.host} says that nothing is new, but was not asked that")
            return reply
        if not reply.ok:
            raise reply.error(*_REFUSALS.get(reply.status, (None, "")))
        check_picture(reply.body, reply.host)
        return reply

    def _keep(self, file: Path, address: str, reply: Reply) -> None:
        conditions = conditions_after(reply.headers)
        if not conditions:
            drop_kept(file)
            return
        try:
            write_kept(file, address, Kept(picture=reply.body, conditions=conditions))
        except OSError as error:  # the image is here all the same
            self.context.log.warning("the image cannot be kept in %s: %s", file.parent, error.strerror)

    def _login(self) -> dict[str, str]:
        password = self.context.secret("password")
        if self._settings.username is None or password is None:
            return {}
        login = base64.b64encode(f"{self._settings.username}:{password}".encode()).decode()  # RFC 7617
        self.context.mask.add(login)
        return {"Authorization": f"Basic {login}"}
