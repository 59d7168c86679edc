"""What stands under `providers: {yandexart: …}`. The keys themselves never do: see keys.py."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from attrs import Attribute, field, frozen

IMAGES_URL = "https://ai.api.cloud.yandex.net"
ASYNC_URL = "https://llm.api.cloud.yandex.net"
OPERATIONS_URL = "https://operation.api.cloud.yandex.net"
IMAGES_MODEL = "aliceai-image-art-3.0"
ASYNC_MODEL = "yandex-art-2.0"


def _is_address(_instance: object, _attribute: Attribute[Any], value: str | None) -> None:
    if value is None:
        return
    address = urlsplit(value)
    is_web = address.scheme in {"http", "https"} and address.hostname and address.port != 0  # a bad port raises
    if not is_web or address.username is not None or address.query or address.fragment:
        raise ValueError(f'expected an address such as {IMAGES_URL}, without a user, "?" or "#"')


def _is_size(_instance: object, _attribute: Attribute[Any], value: str) -> None:
    if value != "auto" and not re.fullmatch(r"[1-9]\d{1,3}x[1-9]\d{1,3}", value, re.ASCII):
        raise ValueError('expected auto, or width and height in pixels such as "1024x1536"')


def _is_time(_instance: object, _attribute: Attribute[Any], value: float) -> None:
    if not 0 < value <= 3600:
        raise ValueError(f"expected a number above 0, up to 3600, got {value}")


@frozen(kw_only=True)
class YandexArtSettings:
    """The owner's settings. What depends on the transport has its default in a property below."""

    transport: Literal["images", "async"] = field(
        default="images",
        metadata={"doc": "The service's interface: images answers with the picture, async with a ticket for it."},
    )
    base_url: str | None = field(
        default=None,
        validator=_is_address,
        metadata={
            "doc": f"Where pictures are asked for: {IMAGES_URL}, with async {ASYNC_URL}; http and LAN are allowed."
        },
    )
    operations_url: str | None = field(
        default=None,
        validator=_is_address,
        metadata={"doc": f"Where tickets are asked about: {OPERATIONS_URL}, or base_url when that is set."},
    )
    model: str | None = field(
        default=None,
        metadata={"doc": f"Name of the model, or its whole art:// address: {IMAGES_MODEL}, with async {ASYNC_MODEL}."},
    )
    size: str = field(
        default="auto",
        validator=_is_size,
        metadata={
            "doc": "Size to ask for in pixels, such as 1024x1536; auto takes the one nearest to the frame's shape."
        },
    )
    timeout: float = field(
        default=100.0,
        validator=_is_time,
        metadata={"doc": "Seconds for one call to the service; keep it below deadline."},
    )
    negative_mode: Literal["append", "weight", "drop"] = field(
        default="append",
        metadata={
            "doc": "What becomes of a negative prompt: append it to the prompt, send it with a negative weight (async "
            "only), or drop it."
        },
    )
    negative_text: str = field(
        default="Игнорировать следующее: ",
        metadata={"doc": "What stands before an appended negative prompt."},
    )
    key_file: Path = field(
        default=Path("ydart-options.json"),
        metadata={"doc": 'JSON file with the two keys, {"folder_id": "…", "api_key": "…"}, in the data folder.'},
    )
    folder_id_file: Path | None = field(
        default=None, metadata={"doc": "File that holds the folder's id and nothing else; stronger than key_file."}
    )
    api_key_file: Path | None = field(
        default=None, metadata={"doc": "File that holds the API key and nothing else; stronger than key_file."}
    )

    @property
    def pictures_address(self) -> str:
        """Where the servers of the chosen transport are."""
        return (self.base_url or (IMAGES_URL if self.transport == "images" else ASYNC_URL)).rstrip("/")

    @property
    def operations_address(self) -> str:
        """Where operations are asked about. A stand-in for the service is expected to answer for both."""
        return (self.operations_url or self.base_url or OPERATIONS_URL).rstrip("/")

    def model_uri(self, folder_id: str) -> str:
        """The model as requests name it: art://<folder>/<model>."""
        model = self.model or (IMAGES_MODEL if self.transport == "images" else ASYNC_MODEL)
        return model if "://" in model else f"art://{folder_id}/{model.strip('/')}"
