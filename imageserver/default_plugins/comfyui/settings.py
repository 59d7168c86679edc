"""What stands under `providers: {comfyui: …}`."""

from __future__ import annotations

from pathlib import Path

from attrs import field, frozen

from imageserver import is_between, is_seconds, is_web_address


@frozen(kw_only=True)
class ComfyUiSettings:
    """The owner's settings."""

    base_url: str = field(
        validator=is_web_address("http://192.168.1.20:8188"),
        metadata={"doc": "Where ComfyUI is, such as http://192.168.1.20:8188."},
    )
    workflow: Path = field(
        default=Path("comfyui-workflow.json"),
        metadata={"doc": "JSON file in the data folder with the workflow, made with Export (API)."},
    )
    pixels: int = field(
        default=1024,
        validator=is_between(256, 4096, step=8),
        metadata={"doc": "The longer side of the picture, for {width} and {height}; 768 suits SD 1.5."},
    )
    timeout: float = field(
        default=900.0,
        validator=is_seconds(3600),
        metadata={"doc": "Seconds from the order to the picture; then it is taken off ComfyUI's queue."},
    )
