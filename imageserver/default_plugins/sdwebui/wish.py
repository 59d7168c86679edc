"""From what a frame wants to the body of txt2img."""

from __future__ import annotations

import json
from typing import Any

from imageserver import GenerationRequest
from imageserver.default_plugins.sdwebui.settings import SdWebUiSettings

_STEP = 8  # sides are multiples of it, or the model's picture has another size
_SHORTEST = 64


def body_for(settings: SdWebUiSettings, request: GenerationRequest) -> dict[str, Any]:
    """One picture, which comes in the answer and is not kept on the PC."""
    width, height = request.scaled(settings.pixels, step=_STEP, least=_SHORTEST)
    body: dict[str, Any] = {
        "prompt": request.prompt,
        "negative_prompt": request.negative or "",
        "seed": request.seed,
        "width": width,
        "height": height,
        "steps": settings.steps,
        "batch_size": 1,
        "n_iter": 1,
        "send_images": True,
        "save_images": False,
    }
    chosen = {
        "cfg_scale": settings.cfg_scale,
        "sampler_name": settings.sampler,
        "scheduler": settings.scheduler,
        "styles": list(settings.styles) or None,
        # The web UI goes back to the owner's own model afterwards.
        "override_settings": {"sd_model_checkpoint": settings.model} if settings.model else None,
    }
    body |= {name: value for name, value in chosen.items() if value is not None}
    extra = json.loads(settings.extra_body or "{}")
    both = [part["override_settings"] for part in (body, extra) if isinstance(part.get("override_settings"), dict)]
    body |= extra
    if len(both) == 2:
        body["override_settings"] = both[0] | both[1]
    return body
