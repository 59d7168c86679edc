"""Returns a text where a picture belongs."""

from imageserver import GeneratedImage, GenerationRequest, ImageProvider, RegisterProvider, hookimpl


class Rubbish(ImageProvider):
    code = "rubbish"

    async def generate(self, request: GenerationRequest) -> GeneratedImage:
        return f"a picture of {request.prompt}"  # type: ignore[return-value]  # that is what is wrong with it


@hookimpl
def imageserver_register_providers(register: RegisterProvider) -> None:
    register(Rubbish)
