"""From what a frame wants to what the AI Horde is asked."""

from __future__ import annotations

import re
from math import log
from typing import Any

from imageserver import GenerationRequest
from imageserver.default_plugins.aihorde.settings import AIHordeSettings

_STEP = 64  # both sides are multiples of it
_LONGEST_SIDE = 3072
_NEGATIVE = " ### "  # what stands behind it is not to be in the picture


def order(settings: AIHordeSettings, request: GenerationRequest, *, dry_run: bool = False) -> dict[str, Any]:
    """The body for /generate/async. A dry run is looked at and priced by the service, and not painted."""
    width, height = size_for(request.width, request.height, settings.pixels)
    body: dict[str, Any] = {
        "prompt": worded(request.prompt, request.negative),
        "params": {
            "width": width,
            "height": height,
            "steps": settings.steps,
            "n": 1,
            "sampler_name": settings.sampler,
            "cfg_scale": round(settings.cfg_scale, 2),
            "seed": str(request.seed),
        },
        "nsfw": settings.nsfw,
        "censor_nsfw": not settings.nsfw,
        "trusted_workers": settings.trusted_workers,
        "slow_workers": settings.slow_workers,
        "allow_downgrade": settings.allow_downgrade,
        "r2": True,
    }
    if settings.models:
        body["models"] = list(settings.models)
    if dry_run:
        body["dry_run"] = True
    return body


def worded(prompt: str, negative: str | None) -> str:
    """Prompt and negative as one text. A prompt cannot begin the negative by itself."""
    prompt = re.sub("#{3,}", "#", prompt)
    return prompt + _NEGATIVE + negative if negative else prompt


def size_for(width: int, height: int, pixels: int) -> tuple[int, int]:
    """The size nearest in shape to the frame's whose area is nearly `pixels` and never more."""
    sides = range(_STEP, _LONGEST_SIDE + 1, _STEP)
    wanted = log(width / height)

    def strangeness(size: tuple[int, int]) -> float:
        return abs(log(size[0] / size[1]) - wanted) + log(pixels / (size[0] * size[1])) / 2

    return min(((x, y) for x in sides for y in sides if x * y <= pixels), key=strangeness)
