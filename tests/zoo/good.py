"""Behaves."""

import io

from PIL import Image

from imageserver import GeneratedImage, GenerationRequest, ImageProvider, RegisterProvider, hookimpl


class Good(ImageProvider):
    code = "good"

    async def generate(self, request: GenerationRequest) -> GeneratedImage:
        page = io.BytesIO()
        picture = Image.new("RGB", (request.width, request.height), "navy")
        picture.paste("gold", (0, request.seed % request.height, request.width, request.height))
        picture.putpixel((0, 0), (request.seed % 256, 0, 255))
        picture.save(page, "PNG")
        return GeneratedImage(data=page.getvalue(), seed=request.seed)


@hookimpl
def imageserver_register_providers(register: RegisterProvider) -> None:
    register(Good)
