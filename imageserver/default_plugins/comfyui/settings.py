"""What stands under `providers: {comfyui: …}`."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from attrs import Attribute, field, frozen


def _is_address(_instance: object, _attribute: Attribute[Any], value: str) -> None:
    address = urlsplit(value)
    is_web = address.scheme in {"http", "https"} and address.hostname and address.port != 0  # a bad port raises
    if not is_web or address.username is not None or address.query or address.fragment:
        raise ValueError('expected an address such as http://192.168.1.20:8188, without a user, "?" or "#"')


def _is_side(_instance: object, _attribute: Attribute[Any], value: int) -> None:
    if not 256 <= value <= 4096 or value % 8:
        raise ValueError(f"expected a multiple of 8 from 256 to 4096, such as 768 or 1024, got {value}")


def _is_time(_instance: object, _attribute: Attribute[Any], value: float) -> None:
    if not 0 < value <= 3600:  # after an hour the server gives a ticket up
        raise ValueError(f"expected a number above 0, up to 3600, got {value}")


@frozen(kw_only=True)
class ComfyUiSettings:
    """The owner's settings."""

    base_url: str = field(
        validator=_is_address,
        metadata={"doc": "Where ComfyUI is, such as http://192.168.1.20:8188."},
    )
    workflow: Path = field(
        default=Path("comfyui-workflow.json"),
        metadata={"doc": "JSON file in the data folder with the workflow, made with Export (API)."},
    )
    pixels: int = field(
        default=1024,
        validator=_is_side,
        metadata={"doc": "The longer side of the picture, for {width} and {height}; 768 suits SD 1.5."},
    )
    timeout: float = field(
        default=900.0,
        validator=_is_time,
        metadata={"doc": "Seconds from the order to the picture; then it is taken off ComfyUI's queue."},
    )
