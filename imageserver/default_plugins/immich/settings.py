"""What stands under `providers: {immich: …}`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from attrs import Attribute, field, frozen


def _is_address(_instance: object, _attribute: Attribute[Any], value: str) -> None:
    address = urlsplit(value)
    is_web = address.scheme in {"http", "https"} and address.hostname and address.port != 0  # a bad port raises
    if not is_web or address.username is not None or address.query or address.fragment:
        raise ValueError('expected an address such as http://192.168.1.10:2283, without a user, "?" or "#"')


def _is_named(instance: ImmichSettings, _attribute: Attribute[Any], value: str | None) -> None:
    if instance.show == "album" and not (value or "").strip():
        raise ValueError("album is missing: show: album needs the name or the id of an album")


def _is_time(_instance: object, _attribute: Attribute[Any], value: float) -> None:
    if not 0 < value <= 600:
        raise ValueError(f"expected a number above 0, up to 600, got {value}")


@frozen(kw_only=True)
class ImmichSettings:
    """The owner's settings."""

    base_url: str = field(
        validator=_is_address,
        metadata={"doc": "Address of Immich, such as http://192.168.1.10:2283; with or without /api at the end."},
    )
    api_key: str | None = field(
        default=None, repr=False, metadata={"doc": "API key made in Immich's account settings.", "secret": True}
    )
    api_key_file: Path | None = field(
        default=None, metadata={"doc": "File that holds the API key and nothing else; stronger than api_key."}
    )
    show: Literal["random", "favorites", "album", "memories"] = field(
        default="random",
        metadata={
            "doc": "Which photos: random ones of the whole library, favorites, one album, or the memories of today."
        },
    )
    album: str | None = field(
        default=None, validator=_is_named, metadata={"doc": "Name or id of the album for show: album."}
    )
    orientation: Literal["any", "fit"] = field(
        default="any",
        metadata={"doc": "With fit, photos whose shape fits the frame come first; any takes them as they come."},
    )
    size: Literal["preview", "fullsize"] = field(
        default="preview",
        metadata={
            "doc": "What to fetch: the preview, about 1440 pixels and enough for any frame, or the photo in full size."
        },
    )
    verify_tls: bool = field(
        default=True, metadata={"doc": "Write false for an https address with a self-signed certificate."}
    )
    timeout: float = field(
        default=30.0, validator=_is_time, metadata={"doc": "Seconds for one call to Immich; keep it below deadline."}
    )

    @property
    def api(self) -> str:
        """Where the interface begins."""
        return f"{self.base_url.rstrip('/').removesuffix('/api')}/api"
