"""How the command line finds the server that runs on a data folder, and talks to it.

The server leaves its address and a token in the data folder; who can read that folder owns the server.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from imageserver.durable import write_durably
from imageserver.errors import ImageServerError


class NotRunning(ImageServerError):
    """No server answers for this data folder."""

    reason = "not_running"


@frozen(kw_only=True)
class Running:
    """A running server's address and the token of its owner."""

    url: str  # without a slash at the end
    token: str = field(repr=False)

    def write(self, data: Path) -> None:
        """Leave word in the data folder, readable by its owner only."""
        text = json.dumps({"url": self.url, "token": self.token})
        write_durably(_file(data), text.encode(), mode=0o600)

    @staticmethod
    def remove(data: Path) -> None:
        """The server has ended."""
        _file(data).unlink(missing_ok=True)

    @classmethod
    def find(cls, data: Path) -> Running:
        """The server that runs on this data folder. Raises NotRunning."""
        try:
            said = json.loads(_file(data).read_text(encoding="utf-8"))
            return cls(url=said["url"], token=said["token"])
        except (OSError, ValueError, KeyError) as error:
            raise NotRunning(f"no server runs on {data}: start one with `imageserver serve --data {data}`") from error

    async def health(self, seconds: float) -> dict[str, Any]:
        """What /healthz says, good or bad. Raises NotRunning when nobody answers in so many seconds."""
        return await self.ask("GET", "/healthz", seconds=seconds, also=(503,))

    async def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        seconds: float = 120,
        also: Collection[int] = (),
    ) -> dict[str, Any]:
        """One request as the owner, `body` as JSON in it. A status of `also` is an answer like a good one.

        Raises NotRunning when nobody answers in so many seconds, ImageServerError when it is refused.
        """
        import aiohttp  # late: a health check has other ways, and must be quick

        headers = {"Authorization": f"Bearer {self.token}"}
        timeout = aiohttp.ClientTimeout(total=seconds)
        try:
            async with (
                aiohttp.ClientSession(headers=headers, timeout=timeout) as session,
                session.request(method, self.url + path, json=body) as answer,
            ):
                said: dict[str, Any] = await answer.json()
                if answer.status >= 400 and answer.status not in also:
                    raise ImageServerError(said.get("error", {}).get("message", f"refused with {answer.status}"))
                return said
        except (aiohttp.ClientError, TimeoutError) as error:
            raise NotRunning(
                f"the server at {self.url} does not answer: is it running? Start one with `imageserver serve`"
            ) from error


def _file(data: Path) -> Path:
    return data / "server.json"
