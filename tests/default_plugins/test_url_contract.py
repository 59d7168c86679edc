"""The provider of an image at an address keeps the promises of every provider."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from fakes.url import PATH, FakeWebcam

from default_plugins.url_room import room
from imageserver import AuthError, BadProviderRequest, BadResult, PermissionDenied, ProviderError
from imageserver.default_plugins.url import UrlPicture
from imageserver.testing import ProviderContract


class TestUrl(ProviderContract):
    """A webcam behind a password."""

    provider_class = UrlPicture
    fake = FakeWebcam
    settings = f"url: {{url}}{PATH}\nusername: frames\npassword: another-pass-phrase\ntimeout: 10"
    sends_size = False
    sends_seed = False
    failures: ClassVar[Mapping[str, type[ProviderError]]] = {
        "locked": AuthError,
        "locked_echo": AuthError,
        "forbidden": PermissionDenied,
        "missing": BadProviderRequest,
        "login_page": BadResult,
        "circle": BadResult,
        "unasked_304": BadResult,
        "svg": BadResult,
    }

    def test_check_finds_nothing_and_is_free(self, tmp_path: Path) -> None:
        """In place of the contract's own: this check is to fetch the image, which costs nobody anything."""

        async def run() -> None:
            async with room(tmp_path) as (provider, fake):
                assert await provider.check() is None
                assert len(fake.wishes) == 1

        asyncio.run(run())
