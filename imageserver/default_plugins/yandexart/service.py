"""Calls to the service: which address, which headers, and what a call that fails means for the owner's money."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

import aiohttp
from attrs import field, frozen

from imageserver import (
    BadProviderRequest,
    BadResult,
    DeadlineExceeded,
    ProviderContext,
    ProviderError,
    TransientError,
    Unreachable,
)
from imageserver.default_plugins.yandexart.keys import Keys
from imageserver.default_plugins.yandexart.refusals import Refusal, as_error, read_refusal, seconds_to_wait
from imageserver.default_plugins.yandexart.settings import YandexArtSettings

IMAGES_PATH = "/v1/images/generations"
ASYNC_PATH = "/foundationModels/v1/imageGenerationAsync"
OPERATIONS_PATH = "/operations/"
_CONNECT = 5.0  # seconds for name, connection and TLS: a service on the internet has answered by then
_LONGEST_REFUSAL = 64 * 1024
_LONGEST_ANSWER = 16 * 1024 * 1024  # a picture in base64 is about 1.6 MB; reading one takes four times its size

Explain = Callable[[Refusal], ProviderError]
Receive = Callable[[aiohttp.ClientResponse], Awaitable[bytes]]


@frozen(kw_only=True)
class Service:
    """The service as one call sees it. Every method raises ProviderErrors and nothing else of the network's."""

    context: ProviderContext
    settings: YandexArtSettings
    keys: Keys = field(repr=False)
    key_place: str  # where the owner writes the keys, for messages

    async def draw(self, job: str, body: dict[str, Any]) -> bytes:
        """The answer of the images interface, kept on the disk while it arrives. Costs money."""
        url = self.settings.pictures_address + IMAGES_PATH

        async def receive(answer: aiohttp.ClientResponse) -> bytes:
            return await self.context.receive(job, answer, _LONGEST_ANSWER)

        return await self._call("POST", url, body, self.explain, receive)

    async def start(self, body: dict[str, Any], explain: Explain | None = None) -> bytes:
        """The operation that the asynchronous interface began. Costs money."""
        url = self.settings.pictures_address + ASYNC_PATH
        return await self._call("POST", url, body, explain or self.explain, _whole)

    async def ask(self, ticket: str, explain: Explain) -> bytes:
        """What the service says about an operation. Free."""
        url = self.settings.operations_address + OPERATIONS_PATH + quote(ticket, safe="")
        return await self._call("GET", url, None, explain, _whole)

    def explain(self, refusal: Refusal) -> ProviderError:
        """The error for a refusal of this service."""
        return as_error(refusal, model=self.settings.model_uri(self.keys.folder_id), key_place=self.key_place)

    async def _call(
        self, method: str, url: str, body: dict[str, Any] | None, explain: Explain, receive: Receive
    ) -> bytes:
        seconds = self.settings.timeout
        connecting = min(_CONNECT, seconds / 2)
        timeout = aiohttp.ClientTimeout(total=seconds, connect=connecting, sock_connect=connecting)
        try:
            async with self.context.session.request(
                method, url, json=body, headers=self._headers(), timeout=timeout, allow_redirects=False
            ) as answer:
                if answer.status == 200:
                    return await receive(answer)
                failure = explain(await self._refusal(answer))
        except ProviderError:
            raise
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            failure = self._fault(error, url)
        # Raised out here, because aiohttp's errors carry the request with its headers, and so the key.
        raise failure

    def _headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Api-Key {self.keys.api_key}",
            "OpenAI-Project": self.keys.folder_id,  # how the images interface wants the folder
            "x-folder-id": self.keys.folder_id,  # and how the older one does
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            # A connection that was kept may be gone already: then a call that never arrived would count as paid.
            "Connection": "close",
        }

    async def _refusal(self, answer: aiohttp.ClientResponse) -> Refusal:
        request_id = self.keys.mask(answer.headers.get("x-request-id") or answer.headers.get("x-server-trace-id") or "")
        if request_id:
            self.context.log.info("the service calls the refused request %.80r", request_id)
        return read_refusal(
            answer.status,
            await _beginning(answer),
            mask=self.keys.mask,
            retry_after=seconds_to_wait(answer.headers.get("Retry-After"), self.context.clock.now()),
        )

    def _fault(self, error: Exception, url: str) -> ProviderError:
        known = ((kind, sentence) for causes, kind, sentence in _FAULTS if isinstance(error, causes))
        kind, sentence = next(known, (TransientError, "the call failed ({error}); it may have been charged"))
        host = url.split("/")[2]
        return kind(sentence.format(host=host, seconds=f"{self.settings.timeout:g}", error=type(error).__name__))


# The first that fits. Before a connection stands, not a byte of the request has been sent.
_FAULTS: tuple[tuple[tuple[type[Exception], ...], type[ProviderError], str], ...] = (
    (
        (aiohttp.ClientConnectorDNSError,),
        Unreachable,
        "the name {host} cannot be found: is the internet there?",
    ),
    (
        (aiohttp.ClientSSLError,),
        Unreachable,
        "no safe connection to {host}: is the computer's date right? ({error})",
    ),
    (
        (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError),
        Unreachable,
        "no connection to {host}: is the internet there?",
    ),
    ((TimeoutError,), DeadlineExceeded, "no whole answer within {seconds} s; it may have been charged"),
    ((aiohttp.InvalidURL,), BadProviderRequest, "{host} is no address: check base_url and operations_url"),
    ((aiohttp.ClientError,), TransientError, "the answer broke off ({error}); it may have been charged"),
    ((OSError,), TransientError, "the answer could not be kept ({error}); it may have been charged"),
)


async def _beginning(answer: aiohttp.ClientResponse) -> bytes:
    """As much of an error's body as it takes; nothing where it breaks off, because the status says most."""
    body = b""
    try:
        async for piece in answer.content.iter_any():
            body += piece
            if len(body) > _LONGEST_REFUSAL:
                break
    except (aiohttp.ClientError, TimeoutError, OSError):
        return b""
    return body


async def _whole(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for piece in answer.content.iter_any():
        body += piece
        if len(body) > _LONGEST_ANSWER:
            raise BadResult(f"the answer is larger than {_LONGEST_ANSWER // 1024 // 1024} MiB")
    return bytes(body)
