"""The calls of the web UI's API. Every one raises ProviderErrors only."""

from __future__ import annotations

import base64
from typing import Any

from attrs import frozen

from imageserver import ProviderContext, Reply, Unreachable
from imageserver.default_plugins.sdwebui.refusals import as_error
from imageserver.default_plugins.sdwebui.settings import SdWebUiSettings

_CONNECT = 3.0  # seconds: the PC is in the house, and when it sleeps nobody shall wait for it
_QUICK = 6.0  # seconds for a question: twice as much, and less than readiness may take


@frozen(kw_only=True)
class Service:
    """The web UI on the owner's PC."""

    context: ProviderContext
    settings: SdWebUiSettings

    async def draw(self, body: dict[str, Any]) -> dict[str, Any]:
        """Paint, which takes as long as it takes: calls wait for each other behind one lock."""
        reply = await self._call("POST", "/txt2img", self.settings.timeout, json=body)
        return reply.json_object()

    async def state(self) -> dict[str, Any]:
        """What it is doing: `job` is empty when idle, and begins with `task(` for a picture of the web page."""
        reply = await self._call("GET", "/progress", _QUICK, params={"skip_current_image": "true"})
        state = reply.json_object().get("state")
        return state if isinstance(state, dict) else {}

    async def interrupt(self) -> None:
        """Stop our picture. Not one that the owner paints on the web page: ours then waits behind it."""
        if not str((await self.state()).get("job")).startswith("task("):
            await self._call("POST", "/interrupt", _QUICK)

    async def things(self, kind: str) -> list[dict[str, Any]]:
        """The list behind `/samplers`, `/schedulers` or `/sd-models`."""
        read = (await self._call("GET", f"/{kind}", _QUICK)).json()
        return [one for one in read if isinstance(one, dict)] if isinstance(read, list) else []

    async def _call(self, method: str, path: str, seconds: float, **request: Any) -> Reply:
        headers = self._headers()
        try:
            reply = await self.context.http.call(
                method,
                self.settings.address + path,
                timeout=min(seconds, self.settings.timeout),
                connect=_CONNECT,
                headers=headers,
                **request,
            )
        except Unreachable as error:
            raise Unreachable(f"{error} The PC may sleep, or the web UI is not started; nothing is wrong") from None
        if not reply.ok:
            raise as_error(reply, self.settings)
        return reply

    def _headers(self) -> dict[str, str]:
        password = self.context.secret("password")
        if self.settings.username is None or password is None:
            return {}
        login = base64.b64encode(f"{self.settings.username}:{password}".encode()).decode()
        self.context.mask.add(login)
        return {"Authorization": f"Basic {login}"}
