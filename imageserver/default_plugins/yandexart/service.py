"""Calls to the service: which address, which headers, and what a call that fails means for the owner's money."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from attrs import field, frozen

from imageserver import DeadlineExceeded, ProviderContext, ProviderError, Reply, TransientError
from imageserver.default_plugins.yandexart.keys import Keys
from imageserver.default_plugins.yandexart.refusals import Refusal, as_error, read_refusal
from imageserver.default_plugins.yandexart.settings import YandexArtSettings

IMAGES_PATH = "/v1/images/generations"
ASYNC_PATH = "/foundationModels/v1/imageGenerationAsync"
OPERATIONS_PATH = "/operations/"
_LONGEST_ANSWER = 16 * 1024 * 1024  # a picture in base64 is about 1.6 MB; reading one takes four times its size

Explain = Callable[[Refusal], ProviderError]


@frozen(kw_only=True)
class Service:
    """The service as one call sees it. Every method raises ProviderErrors and nothing else of the network's."""

    context: ProviderContext
    settings: YandexArtSettings
    keys: Keys = field(repr=False)
    key_place: str  # where the owner writes the keys, for messages

    async def draw(self, job: str, body: dict[str, Any]) -> bytes:
        """The answer of the images interface, kept on the disk while it arrives. Costs money."""
        return await self._order(IMAGES_PATH, body, self.explain, keep_for=job)

    async def start(self, body: dict[str, Any], explain: Explain | None = None) -> bytes:
        """The operation that the asynchronous interface began. Costs money."""
        return await self._order(ASYNC_PATH, body, explain or self.explain)

    async def ask(self, ticket: str, explain: Explain) -> bytes:
        """What the service says about an operation. Free."""
        url = self.settings.operations_address + OPERATIONS_PATH + quote(ticket, safe="")
        return self._good(await self._send("GET", url), explain)

    def explain(self, refusal: Refusal) -> ProviderError:
        """The error for a refusal of this service."""
        return as_error(refusal, model=self.settings.model_uri(self.keys.folder_id), key_place=self.key_place)

    async def _order(self, path: str, body: dict[str, Any], explain: Explain, keep_for: str | None = None) -> bytes:
        url = self.settings.pictures_address + path
        try:
            reply = await self._send("POST", url, json=body, keep_for=keep_for)
        except (DeadlineExceeded, TransientError) as error:
            raise type(error)(f"{error}; it may have been charged") from None
        return self._good(reply, explain)

    async def _send(self, method: str, url: str, **request: Any) -> Reply:
        return await self.context.http.call(
            method, url, headers=self._headers(), timeout=self.settings.timeout, limit=_LONGEST_ANSWER, **request
        )

    def _good(self, reply: Reply, explain: Explain) -> bytes:
        if reply.status == 200:  # no other one stands for a picture, or is kept on the disk
            return reply.body
        raise explain(self._refusal(reply))

    def _headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Api-Key {self.keys.api_key}",
            "OpenAI-Project": self.keys.folder_id,  # how the images interface wants the folder
            "x-folder-id": self.keys.folder_id,  # and how the older one does
            "Accept": "application/json",
            "Accept-Encoding": "identity",
        }

    def _refusal(self, reply: Reply) -> Refusal:
        request_id = reply.mask(reply.headers.get("x-request-id") or reply.headers.get("x-server-trace-id") or "")
        if request_id:
            self.context.log.info("the service calls the refused request %.80r", request_id)
        return read_refusal(reply.status, reply.body, mask=reply.mask, retry_after=reply.retry_after)
