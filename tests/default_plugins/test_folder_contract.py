"""The folder of photos keeps the contract of providers."""

from __future__ import annotations

from pathlib import Path

from imageserver.default_plugins.folder import Folder
from imageserver.testing import ProviderContract


class TestFolder(ProviderContract):
    """A library: it is never asked for a picture."""

    provider_class = Folder
    settings = "local_image_folder: photos"

    def prepare(self, data: Path) -> None:
        (data / "photos").mkdir(exist_ok=True)
