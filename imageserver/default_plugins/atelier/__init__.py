"""The built-in painter: pictures from a prompt and a seed, with no account and no network.

NumPy and Pillow are imported when something is painted, not before: a server that never paints does not pay for them.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from imageserver import GeneratedImage, GenerationRequest, ImageProvider, __version__, hookimpl

if TYPE_CHECKING:
    from imageserver import RegisterProvider
    from imageserver.default_plugins.atelier.painting import Painting

_FINER = 2  # times the panel's size: smooth edges, and an original worth keeping
_LONGEST = 1600  # pixels on the long side: what a small board paints in seconds


class Atelier(ImageProvider):
    """Paints offline. Free, always ready, and the same picture again for the same request."""

    code = "atelier"
    title = "Atelier"
    version = __version__
    takes_prompt = True
    takes_negative = False
    paid = False
    idempotent = True
    slots = 1

    async def generate(self, request: GenerationRequest) -> GeneratedImage:
        """A JPEG of twice the panel's size; `details` holds the style."""
        width, height = _size(request.width, request.height)
        painting = await asyncio.to_thread(_painted, request.prompt, request.seed, width, height)
        return GeneratedImage(
            data=painting.data, model=painting.style, seed=request.seed, details={"style": painting.style}
        )


def _size(width: int, height: int) -> tuple[int, int]:
    scale = min(_FINER, _LONGEST / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _painted(prompt: str, seed: int, width: int, height: int) -> Painting:
    from imageserver.default_plugins.atelier.painting import paint

    return paint(prompt, seed, width, height)


@hookimpl
def imageserver_register_providers(register: RegisterProvider) -> None:
    """Bring the atelier, through the door that strangers use."""
    register(Atelier)
