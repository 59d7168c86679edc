"""What stands under `providers: {yandexart: …}`. The keys themselves never do: see keys.py."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from attrs import field, frozen

from imageserver import is_picture_size, is_seconds, is_web_address

IMAGES_URL = "https://ai.api.cloud.yandex.net"
ASYNC_URL = "https://llm.api.cloud.yandex.net"
OPERATIONS_URL = "https://operation.api.cloud.yandex.net"
IMAGES_MODEL = "aliceai-image-art-3.0"
ASYNC_MODEL = "yandex-art-2.0"


@frozen(kw_only=True)
class YandexArtSettings:
    """The owner's settings. What depends on the transport has its default in a property below."""

    transport: Literal["images", "async"] = field(
        default="images",
        metadata={"doc": "The service's interface: images answers with the picture, async with a ticket for it."},
    )
    base_url: str | None = field(
        default=None,
        validator=is_web_address(IMAGES_URL),
        metadata={
            "doc": f"Where pictures are asked for: {IMAGES_URL}, with async {ASYNC_URL}; http and LAN are allowed."
        },
    )
    operations_url: str | None = field(
        default=None,
        validator=is_web_address(IMAGES_URL),
        metadata={"doc": f"Where tickets are asked about: {OPERATIONS_URL}, or base_url when that is set."},
    )
    model: str | None = field(
        default=None,
        metadata={"doc": f"Name of the model, or its whole art:// address: {IMAGES_MODEL}, with async {ASYNC_MODEL}."},
    )
    size: str = field(
        default="auto",
        validator=is_picture_size,
        metadata={
            "doc": "Size to ask for in pixels, such as 1024x1536; auto takes the one nearest to the frame's shape."
        },
    )
    timeout: float = field(
        default=100.0,
        validator=is_seconds(3600),
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
