"""Where on the broker something stands. Names of frames may be in any script; topics and ids keep to plain letters."""

from __future__ import annotations

import hashlib
import re

from attrs import frozen

# What a frame may be told to do, and what must be said for it.
PRESS, ON, OFF = "PRESS", "ON", "OFF"
ORDERS = {"next": (PRESS,), "generate": (PRESS,), "sleep": (ON, OFF)}
ONLINE, OFFLINE = "online", "offline"


def slug(key: str) -> str:
    """A frame's key or a provider's code in letters that topics and ids can hold; different ones stay different."""
    plain = re.sub(r"[^A-Za-z0-9_-]", "_", key)
    return (
        plain if plain == key else f"{plain}_{hashlib.sha256(key.encode('utf-8', 'surrogateescape')).hexdigest()[:6]}"
    )


@frozen(kw_only=True)
class Topics:
    """Everything under the owner's `topic`, and where Home Assistant looks for devices."""

    base: str
    discovery: str | None

    @property
    def id(self) -> str:
        """What ids begin with."""
        return self.base.replace("/", "_")

    @property
    def status(self) -> str:
        """Whether the server is there."""
        return f"{self.base}/status"

    @property
    def server(self) -> str:
        return f"{self.base}/server"

    def frame(self, name: str) -> str:
        """The state of the frame with this slug."""
        return f"{self.base}/frame/{name}"

    def image(self, name: str) -> str:
        """What hangs on it, as a JPEG."""
        return f"{self.base}/frame/{name}/image"

    def order(self, name: str, order: str) -> str:
        """Where it is told to do something."""
        return f"{self.base}/frame/{name}/set/{order}"

    def provider(self, code: str) -> str:
        """The state of a provider."""
        return f"{self.base}/provider/{slug(code)}"

    def device(self, name: str) -> str | None:
        """Where a device is announced; None where none is."""
        return None if self.discovery is None else f"{self.discovery}/device/{self.id}_{name}/config"

    def read_order(self, topic: str) -> tuple[str, str] | None:
        """The slug and the order that a message is about; None: it is none of ours."""
        parts = topic.removeprefix(f"{self.base}/frame/").split("/")
        if (
            not topic.startswith(f"{self.base}/frame/")
            or len(parts) != 3
            or parts[1] != "set"
            or parts[2] not in ORDERS
        ):
            return None
        return parts[0], parts[2]
