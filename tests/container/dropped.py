"""A stranger's plugin, dropped into the volume by run.sh: half black, half a colour that the seed says."""

import io

from PIL import Image

import imageserver


class Dropped(imageserver.ImageProvider):
    """Paints two halves."""

    code = "dropped"

    async def generate(self, request: imageserver.GenerationRequest) -> imageserver.GeneratedImage:
        picture = Image.new("RGB", (request.width, request.height))
        picture.paste(f"hsl({request.seed % 360}, 80%, 50%)", (0, 0, request.width, request.height // 2))
        paper = io.BytesIO()
        picture.save(paper, "JPEG")
        return imageserver.GeneratedImage(data=paper.getvalue())


@imageserver.hookimpl
def imageserver_register_providers(register: imageserver.RegisterProvider) -> None:
    """Bring it to the server."""
    register(Dropped)
