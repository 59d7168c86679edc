"""Calls to the AI Horde: which address, which headers, and what a call that fails means for the ticket."""

from __future__ import annotations

import contextlib
from typing import Any
from urllib.parse import quote

from attrs import field, frozen

from imageserver import BadResult, ProviderContext, ProviderError, Reply, TransientError, __version__, from_base64
from imageserver.default_plugins.aihorde.refusals import refusal, refusal_of_ticket
from imageserver.default_plugins.aihorde.settings import ANONYMOUS, AIHordeSettings

_LONGEST_ANSWER = 16 * 1024 * 1024  # a picture may come as base64
_TO_CANCEL = 5.0  # seconds: nobody waits for it


@frozen(kw_only=True)
class Service:
    """The service as the provider sees it. Every method raises ProviderErrors only."""

    context: ProviderContext = field(repr=False)
    settings: AIHordeSettings = field(repr=False)

    def key(self) -> str:
        """The key to use. Raises Unreachable when its file cannot be used."""
        return self.context.secret("api_key") or ANONYMOUS

    async def order(self, body: dict[str, Any]) -> dict[str, Any]:
        """Hand an order in."""
        reply = await self._ask("POST", "/generate/async", json=body)
        if not reply.ok:
            raise refusal(reply)
        return reply.json_object()

    async def check(self, ticket: str) -> dict[str, Any]:
        """How far an order is."""
        return await self._question("/generate/check/", ticket)

    async def status(self, ticket: str) -> dict[str, Any]:
        """A finished order with its pictures. Allowed ten times a minute only."""
        return await self._question("/generate/status/", ticket)

    async def fetch(self, picture: str) -> bytes:
        """The picture behind an address or in base64. Raises TransientError where fetching it again may help."""
        if not picture.startswith(("http://", "https://")):
            return from_base64(picture)
        try:
            reply = await self.context.http.download(
                picture, own=[self.settings.address], timeout=self.settings.timeout
            )
        except BadResult as error:
            raise TransientError(f"{error}; the ticket is kept", charged=False) from None
        if not reply.ok or reply.media_type == "text/html":  # a link that has expired, or a page of some proxy's
            raise reply.error(
                TransientError, "the picture cannot be fetched from {host} (HTTP {status})", charged=False
            )
        return reply.body

    async def cancel(self, ticket: str) -> None:
        """Tell the service that nobody waits for an order any more. Never raises."""
        with contextlib.suppress(ProviderError):
            await self._ask("DELETE", "/generate/status/" + quote(ticket, safe=""), timeout=_TO_CANCEL)

    async def _question(self, path: str, ticket: str) -> dict[str, Any]:
        try:
            reply = await self._ask("GET", path + quote(ticket, safe=""))
            if reply.ok:
                return reply.json_object()
        except BadResult as error:  # a proxy may have answered: the service said nothing about the ticket
            raise TransientError(f"{error}; the ticket is kept", charged=False) from None
        raise refusal_of_ticket(reply)

    async def _ask(self, method: str, path: str, timeout: float | None = None, **request: Any) -> Reply:  # noqa: ASYNC109 - the caller's
        return await self.context.http.call(
            method,
            self.settings.address + path,
            headers={
                "apikey": self.key(),
                "Client-Agent": f"ImageServer:{__version__}:{self.settings.contact}",
            },
            timeout=timeout or self.settings.timeout,
            limit=_LONGEST_ANSWER,
            **request,
        )
