"""The extension `webhook`: tells an address of the owner's about every new picture, signed.

What is sent, and how the signature is checked, stands in docs/extensions.md.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path

import attrs
from attrs import field, frozen

from imageserver import (
    PictureListener,
    PictureReady,
    ProviderError,
    RegisterListener,
    __version__,
    hookimpl,
    is_seconds,
    is_web_address,
)

PAUSES = (1.0, 5.0)  # seconds between the attempts
_MOST_ANSWER = 64 * 1024  # bytes that are read of an answer; nobody looks at them


@frozen(kw_only=True)
class WebhookSettings:
    """What stands under `extensions: {webhook: …}`."""

    url: str = field(
        repr=False,
        validator=is_web_address("http://192.168.1.10:8123/api/webhook/frames", is_base=False),
        metadata={"doc": "Where the news goes; http and addresses in the local network are allowed.", "secret": True},
    )
    secret: str | None = field(
        default=None,
        repr=False,
        metadata={"doc": "A text that only both sides know; the signature is made with it.", "secret": True},
    )
    secret_file: Path | None = field(
        default=None,
        metadata={"doc": "File that holds the secret and nothing else, instead of secret.", "secret": False},
    )
    timeout: float = field(
        default=10.0, validator=is_seconds(15), metadata={"doc": "Seconds for one attempt, of which there are three."}
    )


class Webhook(PictureListener):
    """One POST for each picture; a server that is away for a moment is asked again."""

    code = "webhook"
    title = "Webhook"
    settings_class = WebhookSettings
    deadline = 60.0

    async def picture_ready(self, ready: PictureReady) -> None:
        settings: WebhookSettings = self.context.settings
        body = json.dumps(_event(ready), ensure_ascii=False).encode()
        for pause in (*PAUSES, None):
            try:
                reply = await self.context.http.call(
                    "POST",
                    settings.url,
                    data=body,
                    headers=self._headers(ready, body),
                    timeout=settings.timeout,
                    limit=_MOST_ANSWER,
                )
                if reply.ok:
                    return
                failure = reply.error()
            except ProviderError as error:
                failure = error
            if pause is None:
                raise failure
            await self.context.clock.sleep(pause)

    def _headers(self, ready: PictureReady, body: bytes) -> dict[str, str]:
        sent = f"{self.context.clock.now():.0f}"
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": f"ImageServer/{__version__}",
            "X-ImageServer-Event": "picture.ready",
            "X-ImageServer-Delivery": ready.job,  # the same for every attempt, so that one can be told from two
            "X-ImageServer-Timestamp": sent,
        }
        secret = self.context.secret("secret")
        if secret is not None:
            signature = hmac.new(secret.encode(), f"{sent}.".encode() + body, hashlib.sha256).hexdigest()
            headers["X-ImageServer-Signature"] = f"sha256={signature}"
        return headers


def _event(ready: PictureReady) -> dict[str, object]:
    facts = attrs.asdict(ready)
    facts["file"] = ready.file.name  # where the server keeps its files concerns nobody else
    return {"event": "picture.ready", "picture": facts}


@hookimpl
def imageserver_register_listeners(register: RegisterListener) -> None:
    """Bring the listener `webhook`."""
    register(Webhook)
