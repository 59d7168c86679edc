"""The three calls: draw a picture, fetch one from the address that an answer named, list the models."""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin

from attrs import frozen

from imageserver import BadResult, ProviderContext, ProviderError, Reply, Unreachable
from imageserver.default_plugins.openai.refusals import as_error
from imageserver.default_plugins.openai.settings import OPENAI, OpenAiSettings

_FETCHING = 60.0  # seconds for a picture that is painted already
_ASKING = 20.0


@frozen(kw_only=True)
class Service:
    """One service with its key. Every call raises ProviderErrors only."""

    context: ProviderContext
    settings: OpenAiSettings

    def headers(self) -> dict[str, str]:
        """The key, and who pays. Raises Unreachable when a key is missing: nothing is sent then.

        Not AuthError, which lasts until a restart: a key file that is written later counts without one.
        """
        key = self.context.secret("api_key")
        if key is None and self.settings.address.startswith(f"{OPENAI}/"):
            raise Unreachable("the API key is missing: write it into a file and name that in api_key_file")
        given = {
            "Authorization": f"Bearer {key}" if key else None,
            "OpenAI-Organization": self.settings.organization,
            "OpenAI-Project": self.settings.project,
        }
        return {name: value for name, value in given.items() if value}

    async def draw(self, job: str, body: dict[str, Any]) -> Reply:
        """The answer with the picture, kept on the disk while it arrives. Costs money."""
        reply = await self.context.http.call(
            "POST",
            f"{self.settings.address}/images/generations",
            json=body,
            headers={**self.headers(), "Accept": "application/json"},
            timeout=self.settings.timeout,
            keep_for=job,
        )
        if not reply.ok:
            raise as_error(reply)
        return reply

    async def fetch(self, url: str) -> bytes:
        """A picture that was painted, and so is paid for. Raises BadResult."""
        try:
            reply = await self.context.http.download(
                urljoin(self.settings.address, url),  # some give the path only
                own=[self.settings.address],
                own_headers=self.headers(),
                timeout=_FETCHING,
            )
        except (ProviderError, ValueError) as error:  # ValueError: it is no address at all
            hint = "" if self.settings.send_response_format else "; send_response_format: true may help"
            raise BadResult(f"the picture that was painted cannot be fetched: {error}{hint}") from None
        if not reply.ok:
            raise reply.error(BadResult, "{host} does not give the picture that was painted (HTTP {status})")
        return reply.body

    async def models(self) -> Reply:
        """The list of models, whatever its status is. Free."""
        return await self.context.http.call(
            "GET",
            f"{self.settings.address}/models",
            headers=self.headers(),
            timeout=min(_ASKING, self.settings.timeout),
        )
