"""Blocks its event loop for ever when it is asked for a picture."""

import threading

from imageserver import GeneratedImage, GenerationRequest, ImageProvider, RegisterProvider, hookimpl


class Blocks(ImageProvider):
    code = "blocks"
    deadline = 1.0

    async def generate(self, request: GenerationRequest) -> GeneratedImage:
        threading.Event().wait()
        raise AssertionError(request)


@hookimpl
def imageserver_register_providers(register: RegisterProvider) -> None:
    register(Blocks)
