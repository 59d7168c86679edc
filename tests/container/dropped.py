"""A stranger's plugin, dropped into the volume by run.sh: one grey picture."""

import io

from PIL import Image

import imageserver


class Dropped(imageserver.ImageProvider):
    """Paints grey."""

    code = "dropped"

    async def generate(self, request: imageserver.GenerationRequest) -> imageserver.GeneratedImage:
        paper = io.BytesIO()
        Image.new("RGB", (request.width, request.height), (90, 90, 90)).save(paper, "JPEG")
        return imageserver.GeneratedImage(data=paper.getvalue())


@imageserver.hookimpl
def imageserver_register_providers(register: imageserver.RegisterProvider) -> None:
    """Bring it to the server."""
    register(Dropped)
