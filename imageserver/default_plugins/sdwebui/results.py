"""The picture in a good answer of txt2img."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from imageserver import BadResult, GeneratedImage, from_base64


def read_picture(answer: Mapping[str, Any], body: Mapping[str, Any]) -> GeneratedImage:
    """The first picture that is no grid of others. Raises BadResult; `body` is what was asked for."""
    images = answer.get("images")
    info = _read_info(answer.get("info"))
    if not isinstance(images, list):
        raise BadResult("the web UI's answer holds no picture")
    first = next((image for image in images[_first(info, body, len(images)) :] if image), None)
    seed, model = info.get("seed", body.get("seed")), info.get("sd_model_name")
    return GeneratedImage(
        data=from_base64(first),
        model=model if isinstance(model, str) else "",
        seed=seed if isinstance(seed, int) and seed >= 0 else None,
    )


def _read_info(text: object) -> dict[str, Any]:
    """`info` is JSON in a JSON text. Without it the picture is as good."""
    try:
        read = json.loads(text) if isinstance(text, str) else text
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def _first(info: Mapping[str, Any], body: Mapping[str, Any], given: int) -> int:
    """Where the pictures begin. With more than one a grid of them all stands first; old versions do not say so."""
    index = info.get("index_of_first_image")
    if isinstance(index, int) and 0 <= index < given:
        return index
    asked = 1
    for name in ("batch_size", "n_iter"):
        asked *= number if isinstance(number := body.get(name), int) else 1
    return 1 if given > asked > 1 else 0
