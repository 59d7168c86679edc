"""From what a frame wants to the body of /images/generations."""

from __future__ import annotations

import json
from typing import Any

from imageserver import GenerationRequest
from imageserver.default_plugins.openai.settings import OpenAiSettings

# What every GPT image model takes; some take more, and other services have others: then the owner names one.
SIZES = ((1024, 1024), (1024, 1536), (1536, 1024))


def body_for(settings: OpenAiSettings, request: GenerationRequest) -> dict[str, Any]:
    """One picture. A field that some services refuse is there only where the owner wants it."""
    body: dict[str, Any] = {"model": settings.model, "prompt": _prompt(settings, request)}
    if settings.send_size:
        width, height = request.nearest(SIZES)
        body["size"] = f"{width}x{height}" if settings.size == "auto" else settings.size
    if settings.quality is not None:
        body["quality"] = settings.quality
    if settings.send_response_format:
        body["response_format"] = "b64_json"
    extra: dict[str, Any] = json.loads(settings.extra_body or "{}")
    return body | extra


def _prompt(settings: OpenAiSettings, request: GenerationRequest) -> str:
    if not request.negative or settings.negative_mode == "drop":
        return request.prompt
    return f"{request.prompt}\n{settings.negative_text}{request.negative}"
