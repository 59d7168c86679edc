"""The provider of an image at an address keeps the promises of every provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from fakes.url import PATH, FakeWebcam

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
