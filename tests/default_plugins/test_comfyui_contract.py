"""The provider for ComfyUI keeps the promises of every provider."""

from __future__ import annotations

import json
from pathlib import Path

from fakes.comfyui import FakeComfyUi

from default_plugins.comfyui_room import WORKFLOW
from imageserver import BadProviderRequest, BadResult
from imageserver.default_plugins.comfyui import ComfyUi
from imageserver.testing import ProviderContract


class TestComfyUi(ProviderContract):
    """With the workflow that the documentation shows."""

    provider_class = ComfyUi
    fake = FakeComfyUi
    settings = "base_url: {url}"
    failures = {  # noqa: RUF012 - as the contract declares it
        "evicted": BadResult,
        "interrupted": BadResult,
        "failed": BadResult,
        "out_of_memory": BadResult,
        "no_reason": BadResult,
        "cached": BadResult,
        "video": BadResult,
        "file_gone": BadResult,
        "no_prompt": BadProviderRequest,
        "node_errors": BadProviderRequest,
        "no_prompt_id": BadResult,
    }

    def prepare(self, data: Path) -> None:
        (data / "comfyui-workflow.json").write_text(json.dumps(WORKFLOW))
