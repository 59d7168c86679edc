"""What stands under `providers: {url: …}`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from attrs import Attribute, field, frozen

from imageserver import GenerationRequest, is_header, is_seconds, is_web_address

_PLACES = {"{width}", "{height}", "{seed}"}


def _has_known_places(_instance: object, _attribute: Attribute[Any], value: str) -> None:
    strange = [part for part in re.findall(r"\{[^{}]*\}|[{}]", value) if part not in _PLACES]
    if strange:
        raise ValueError(
            f"{strange[0]} stands for nothing: only {{width}}, {{height}} and {{seed}} do; write %7B for a brace"
        )


def _has_no_user(_instance: object, _attribute: Attribute[Any], value: str) -> None:
    if urlsplit(value).username is not None:
        raise ValueError("a user and a password do not belong into the address: give username and password_file")


def _is_name(_instance: object, _attribute: Attribute[Any], value: str | None) -> None:
    if value is not None and (not value or ":" in value):
        raise ValueError('expected a name without ":"')


@frozen(kw_only=True)
class UrlSettings:
    """The owner's settings."""

    url: str = field(
        repr=False,  # it may be signed
        validator=[
            _has_known_places,
            is_web_address("http://192.168.1.30/snapshot.jpg", is_base=False),
            _has_no_user,
        ],
        metadata={
            "doc": "Address of the image; {width}, {height} and {seed} in it become the frame's size and a new number."
        },
    )
    username: str | None = field(
        default=None,
        validator=_is_name,
        metadata={"doc": "User for basic authentication, where the address wants one."},
    )
    password: str | None = field(default=None, repr=False, metadata={"doc": "Password of that user.", "secret": True})
    password_file: Path | None = field(
        default=None, metadata={"doc": "File that holds the password and nothing else; stronger than password."}
    )
    user_agent: str | None = field(
        default=None,
        validator=is_header,
        metadata={
            "doc": "How the server calls itself, ImageServer by default; some sites want an e-mail address in it."
        },
    )
    timeout: float = field(
        default=30.0, validator=is_seconds(3600), metadata={"doc": "Seconds for one image; keep it below deadline."}
    )
    verify_tls: bool = field(
        default=True,
        metadata={"doc": "Whether the certificate of https must be good; false for a NAS that signed its own."},
    )

    def __attrs_post_init__(self) -> None:
        if self.username is not None and self.password is None and self.password_file is None:
            raise ValueError("username needs a password or a password_file beside it")
        if self.username is None and (self.password is not None or self.password_file is not None):
            raise ValueError("the password needs a username beside it")

    def address_for(self, request: GenerationRequest) -> str:
        """The address with the frame's size and the seed in their places."""
        values = {"{width}": request.width, "{height}": request.height, "{seed}": request.seed}
        address = self.url
        for place, value in values.items():
            address = address.replace(place, str(value))
        return address

    @property
    def is_new_each_time(self) -> bool:
        """Whether no address comes a second time."""
        return "{seed}" in self.url
