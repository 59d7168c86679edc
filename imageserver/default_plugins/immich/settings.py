"""What stands under `providers: {immich: …}`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from attrs import Attribute, field, frozen

from imageserver import is_seconds, is_web_address


def _is_named(instance: ImmichSettings, _attribute: Attribute[Any], value: str | None) -> None:
    if instance.show == "album" and not (value or "").strip():
        raise ValueError("album is missing: show: album needs the name or the id of an album")


@frozen(kw_only=True)
class ImmichSettings:
    """The owner's settings."""

    base_url: str = field(
        validator=is_web_address("http://192.168.1.10:2283"),
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
        default=30.0,
        validator=is_seconds(600),
        metadata={"doc": "Seconds for one call to Immich; keep it below deadline."},
    )

    @property
    def api(self) -> str:
        """Where the interface begins."""
        return f"{self.base_url.rstrip('/').removesuffix('/api')}/api"
