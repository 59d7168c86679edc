"""What stands under `providers: {openai: …}`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Literal

from attrs import Attribute, field, frozen

from imageserver import is_json_object, is_picture_size, is_seconds, is_web_address

OPENAI = "https://api.openai.com"
_OURS = ("prompt", "n", "stream")  # more pictures cost more, and a stream is no JSON


def _is_word(_instance: object, _attribute: Attribute[Any], value: str | None) -> None:
    if value is not None and not re.fullmatch(r"[!-~]+", value):  # it becomes a header
        raise ValueError("expected plain letters, digits and signs without a space: copy it again")


def _is_model(_instance: object, _attribute: Attribute[Any], value: str) -> None:
    if not value.strip():
        raise ValueError("expected the name of a model")


def _leaves_ours_alone(_instance: object, _attribute: Attribute[Any], value: str | None) -> None:
    taken = [name for name in _OURS if name in json.loads(value or "{}")]
    if taken:
        raise ValueError(f"{taken[0]} is the server's own and cannot be set here: take it out")


@frozen(kw_only=True)
class OpenAiSettings:
    """The owner's settings. The model has no default: services retire theirs within months, and LocalAI has others."""

    base_url: str = field(
        default=OPENAI,
        validator=is_web_address(OPENAI),
        metadata={"doc": "Where the service is, such as http://192.168.1.20:8080; a /v1 at the end may be there."},
    )
    api_key: str | None = field(
        default=None,
        validator=_is_word,
        repr=False,
        metadata={"doc": "The service's API key; LocalAI has none unless you gave it one.", "secret": True},
    )
    api_key_file: Path | None = field(
        default=None, metadata={"doc": "File that holds the API key and nothing else; stronger than api_key."}
    )
    organization: str | None = field(
        default=None, validator=_is_word, metadata={"doc": "Id of the organization that pays, for a key with several."}
    )
    project: str | None = field(
        default=None, validator=_is_word, metadata={"doc": "Id of the project that pays, for a key with several."}
    )
    model: str = field(
        validator=_is_model, metadata={"doc": "Name of the model, as the service lists it, such as gpt-image-2."}
    )
    size: str = field(
        default="auto",
        validator=is_picture_size,
        metadata={
            "doc": "Size to ask for in pixels, such as 1024x1792; auto takes the one nearest to the frame's shape."
        },
    )
    send_size: bool = field(
        default=True, metadata={"doc": "Whether to name a size; false for services that refuse one, such as xAI."}
    )
    quality: str | None = field(
        default=None,
        metadata={
            "doc": "Quality in the service's words, such as low, medium or high; without it the service decides."
        },
    )
    send_response_format: bool = field(
        default=False,
        metadata={"doc": "Whether to ask for the picture in the answer itself; true for LocalAI, OpenAI refuses it."},
    )
    extra_body: str | None = field(
        default=None,
        validator=[is_json_object('{"steps": 8}'), _leaves_ours_alone],
        metadata={"doc": "JSON text with more fields for the request, stronger than all the others."},
    )
    negative_mode: Literal["append", "drop"] = field(
        default="append",
        metadata={"doc": "What becomes of a negative prompt: append it to the prompt, or drop it."},
    )
    negative_text: str = field(
        default="Do not show: ",
        metadata={
            "doc": "What stands before an appended negative prompt, on a line of its own; a vertical bar for LocalAI."
        },
    )
    timeout: float = field(
        default=300.0,
        validator=is_seconds(3600),
        metadata={"doc": "Seconds for one picture; keep it a minute below deadline."},
    )

    @property
    def address(self) -> str:
        """Where the interface begins, with its /v1."""
        return self.base_url.rstrip("/").removesuffix("/v1").rstrip("/") + "/v1"
