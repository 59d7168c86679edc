"""Starts tasks without end at each call, and comes to no end itself."""

import asyncio

from imageserver import GeneratedImage, GenerationRequest, ImageProvider, RegisterProvider, hookimpl


class Leaks(ImageProvider):
    code = "leaks"
    deadline = 1.0

    async def generate(self, request: GenerationRequest) -> GeneratedImage:
        self.tasks = [asyncio.create_task(self.spin()) for _ in range(200)]
        await asyncio.gather(*self.tasks)
        raise AssertionError(request)

    async def spin(self) -> None:
        while True:  # noqa: ASYNC110 - it waits for nothing, that is what is wrong with it
            await asyncio.sleep(0.01)


@hookimpl
def imageserver_register_providers(register: RegisterProvider) -> None:
    register(Leaks)
