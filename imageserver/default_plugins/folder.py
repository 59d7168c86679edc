"""The owner's own photos: shown as stored pictures, never copied, changed or deleted."""

from __future__ import annotations

import asyncio
from pathlib import Path

from attrs import field, frozen

from imageserver import GeneratedImage, GenerationRequest, LibraryProvider, ProviderError, RegisterProvider, hookimpl


@frozen(kw_only=True)
class FolderSettings:
    """What stands under `providers: {folder: …}`."""

    local_image_folder: Path = field(metadata={"doc": "Folder with photos; its subfolders are shown too."})


class Folder(LibraryProvider):
    """Photos in a folder of the owner's."""

    code = "folder"
    other_codes = ("lim",)  # as the Go server called it
    title = "Folder of photos"
    settings_class = FolderSettings

    def folders(self) -> list[Path]:
        settings: FolderSettings = self.context.settings
        return [settings.local_image_folder]

    async def readiness(self) -> str | None:
        for folder in self.folders():
            if not await asyncio.to_thread(folder.is_dir):
                return f"the folder {folder} is not there"
        return None

    async def generate(self, request: GenerationRequest) -> GeneratedImage:  # noqa: ARG002 - the interface's signature
        """Never asked: the server takes a library's pictures from its folders."""
        raise ProviderError("a folder shows what lies in it; it makes no pictures")


@hookimpl
def imageserver_register_providers(register: RegisterProvider) -> None:
    """Bring the provider `folder`."""
    register(Folder)
