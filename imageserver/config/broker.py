"""The keys under `mqtt:`: the broker that Home Assistant listens to."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from attrs import NOTHING, Attribute, frozen

from imageserver.config.limits import optional_between
from imageserver.config.setting import setting


def _is_topic(_instance: object, _attribute: Attribute[Any], value: str | None) -> None:
    """A topic to publish under, or None."""
    if value is not None and not re.fullmatch(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*", value):
        raise ValueError(f'expected a topic such as imageserver or home/frames, got "{value}"')


def _is_host(_instance: object, _attribute: Attribute[Any], value: str) -> None:
    """A name or an address, without scheme and port."""
    if not re.fullmatch(r"[A-Za-z0-9_.-]+|[0-9A-Fa-f:.]+", value):
        raise ValueError(f'expected a name or an address without mqtt:// and a port, got "{value}"')


def _is_currency(_instance: object, _attribute: Attribute[Any], value: str | None) -> None:
    """A code of ISO 4217, or None."""
    if value is not None and not re.fullmatch(r"[A-Z]{3}", value):
        raise ValueError(f'expected three capital letters such as RUB, USD or EUR, got "{value}"')


@frozen(kw_only=True)
class MqttOptions:
    """How the broker is reached, and what is published there."""

    host: str = setting(default=NOTHING, check=_is_host, doc="Name or address of the broker.")
    port: int | None = setting(
        default=None, check=optional_between(1, 65_535), doc="Its port; by default 1883, with tls 8883."
    )
    username: str | None = setting(default=None, doc="The user that the broker knows.")
    password: str = setting(default="", secret=True, doc="That user's password; a file keeps it out of options.yml.")
    password_file: Path | None = setting(default=None, doc="A file with the password on its only line, instead.")
    tls: bool = setting(default=False, doc="Whether to speak with the broker encrypted; its certificate is checked.")
    ca_file: Path | None = setting(
        default=None, doc="The certificate that signed the broker's own, where it is one of your own making."
    )
    topic: str = setting(
        default="imageserver", check=_is_topic, doc="What all topics begin with; a second server needs another."
    )
    discovery: str | None = setting(
        default="homeassistant", check=_is_topic, doc="Where Home Assistant looks for new devices; ~ announces none."
    )
    pictures: bool = setting(
        default=True,
        doc="Whether a small copy of what hangs on a frame is published too: everybody at the broker sees it.",
    )
    currency: str | None = setting(
        default=None,
        check=_is_currency,
        doc="What prices are in, such as RUB; without it they are numbers alone.",
    )

    def __attrs_post_init__(self) -> None:
        if self.password and self.password_file is not None:
            raise ValueError("password and password_file stand beside each other: keep one of them")
        if self.username is None and (self.password or self.password_file is not None):
            raise ValueError("a password needs the username that it belongs to")
        if self.ca_file is not None and not self.tls:
            raise ValueError("ca_file is of use with tls: true only")

    @property
    def port_or_usual(self) -> int:
        """The port to connect to."""
        return self.port or (8883 if self.tls else 1883)
