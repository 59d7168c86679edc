"""What stands under `providers: {sdwebui: …}`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import Attribute, field, frozen

from imageserver import is_between, is_json_object, is_seconds, is_web_address


def _is_name(_instance: object, _attribute: Attribute[Any], value: str | None) -> None:
    if value is not None and (not value or ":" in value):
        raise ValueError('expected a name without ":", as it stands before the ":" of --api-auth')


@frozen(kw_only=True)
class SdWebUiSettings:
    """The owner's settings."""

    base_url: str = field(
        validator=is_web_address("http://192.168.1.20:7860"),
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
    steps: int = field(default=25, validator=is_between(1, 150), metadata={"doc": "Sampling steps: more take longer."})
    cfg_scale: float | None = field(
        default=None,
        validator=is_between(0, 30),
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
        validator=is_between(256, 4096, step=8),
        metadata={"doc": "The longer side of the picture; less needs less memory on the graphics card."},
    )
    extra_body: str | None = field(
        default=None,
        validator=is_json_object('{"tiling": true}'),
        metadata={"doc": "JSON text with more fields for txt2img; stronger than all the others."},
    )
    timeout: float = field(
        default=600.0,
        validator=is_seconds(3600),
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
