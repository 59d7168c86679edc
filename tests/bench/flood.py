"""Two providers that give a picture as soon as they are asked: a plugin of the bench's server."""

from __future__ import annotations

import io
from functools import cache

from imageserver import GeneratedImage, GenerationRequest, ImageProvider, RegisterProvider, hookimpl

_START = b"\xff\xd8"  # of every JPEG


@cache
def _drawn() -> bytes:
    from PIL import Image  # late, or a server at rest would be measured with it

    file = io.BytesIO()
    Image.effect_noise((256, 256), 60).resize((1024, 1024)).convert("RGB").save(file, "JPEG", quality=90)
    return file.getvalue()


class FloodA(ImageProvider):
    """The same picture each time, with a comment in it that makes it another one."""

    code = "flood-a"
    title = "Flood"
    takes_prompt = False
    idempotent = True

    async def generate(self, request: GenerationRequest) -> GeneratedImage:
        """At once."""
        comment = self.context.random.randbytes(16)
        segment = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
        return GeneratedImage(data=_START + segment + _drawn()[2:])


class FloodB(FloodA):
    """Another one of them."""

    code = "flood-b"


@hookimpl
def imageserver_register_providers(register: RegisterProvider) -> None:
    """Both of them."""
    register(FloodA)
    register(FloodB)
