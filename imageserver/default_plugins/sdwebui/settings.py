"""What stands under `providers: {sdwebui: …}`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from attrs import Attribute, field, frozen


def _is_address(_instance: object, _attribute: Attribute[Any], value: str) -> None:
    address = urlsplit(value)
    is_web = address.scheme in {"http", "https"} and address.hostname and address.port != 0  # a bad port raises
    if not is_web or address.username is not None or address.query or address.fragment:
        raise ValueError('expected an address such as http://192.168.1.20:7860, without a user, "?" or "#"')


def _is_name(_instance: object, _attribute: Attribute[Any], value: str | None) -> None:
    if value is not None and (not value or ":" in value):
        raise ValueError('expected a name without ":", as it stands before the ":" of --api-auth')


def _is_side(_instance: object, _attribute: Attribute[Any], value: int) -> None:
    if not 256 <= value <= 4096 or value % 8:
        raise ValueError(f"expected a multiple of 8 from 256 to 4096, such as 768 or 1024, got {value}")


def _is_count(_instance: object, _attribute: Attribute[Any], value: int) -> None:
    if not 1 <= value <= 150:
        raise ValueError(f"expected a number from 1 to 150, got {value}")


def _is_scale(_instance: object, _attribute: Attribute[Any], value: float | None) -> None:
    if value is not None and not 0 <= value <= 30:
        raise ValueError(f"expected a number from 0 to 30, got {value}")


def _is_time(_instance: object, _attribute: Attribute[Any], value: float) -> None:
    if not 0 < value <= 3600:
        raise ValueError(f"expected a number above 0, up to 3600, got {value}")


def _is_json_object(_instance: object, _attribute: Attribute[Any], value: str | None) -> None:
    try:
        fits = value is None or isinstance(json.loads(value), dict)
    except (ValueError, RecursionError):
        fits = False
    if not fits:
        raise ValueError("expected a JSON object in quotes, such as '{\"tiling\": true}'")


@frozen(kw_only=True)
class SdWebUiSettings:
    """The owner's settings."""

    base_url: str = field(
        validator=_is_address,
        metadata={"doc": "Where the web UI is, such as http://192.168.1.20:7860."},
    )
    username: str | None = field(
        default=None, validator=_is_name, metadata={"doc": "The user that stands in --api-auth, where there is one."}
    )
    password: str | None = field(
        default=None, repr=False, metadata={"doc": "The password that stands in --api-auth.", "secret": True}
    )
    password_file: Path | None = field(
        default=None, metadata={"doc": "File that holds the password and nothing else; stronger than password."}
    )
    steps: int = field(default=25, validator=_is_count, metadata={"doc": "Sampling steps: more take longer."})
    cfg_scale: float | None = field(
        default=None,
        validator=_is_scale,
        metadata={"doc": "How closely the prompt is followed; without it the web UI takes 7."},
    )
    sampler: str | None = field(
        default=None, metadata={"doc": "Name of the sampler as the web UI shows it, such as Euler a."}
    )
    scheduler: str | None = field(
        default=None, metadata={"doc": "Name of the schedule type as the web UI shows it, such as Karras."}
    )
    model: str | None = field(
        default=None,
        metadata={"doc": "Name of the checkpoint as the web UI shows it; without it the one that is loaded."},
    )
    styles: tuple[str, ...] = field(
        default=(), metadata={"doc": "Names of the web UI's own styles that are added to every prompt."}
    )
    pixels: int = field(
        default=768,
        validator=_is_side,
        metadata={"doc": "The longer side of the picture; less needs less memory on the graphics card."},
    )
    extra_body: str | None = field(
        default=None,
        validator=_is_json_object,
        metadata={"doc": "JSON text with more fields for txt2img; stronger than all the others."},
    )
    timeout: float = field(
        default=600.0,
        validator=_is_time,
        metadata={"doc": "Seconds for one picture, those of the owner that are painted before it included."},
    )

    def __attrs_post_init__(self) -> None:
        if self.username is not None and self.password is None and self.password_file is None:
            raise ValueError("username needs a password or a password_file beside it")
        if self.username is None and (self.password is not None or self.password_file is not None):
            raise ValueError("the password needs a username beside it")

    @property
    def address(self) -> str:
        """Where the calls of the API are."""
        return f"{self.base_url.rstrip('/')}/sdapi/v1"
