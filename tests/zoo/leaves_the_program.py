"""Ends the program when it is asked for a picture."""

import sys

from imageserver import GeneratedImage, GenerationRequest, ImageProvider, RegisterProvider, hookimpl


class Leaves(ImageProvider):
    code = "leaves"

    async def generate(self, request: GenerationRequest) -> GeneratedImage:
        sys.exit(f"nothing for {request.job}")


@hookimpl
def imageserver_register_providers(register: RegisterProvider) -> None:
    register(Leaves)
