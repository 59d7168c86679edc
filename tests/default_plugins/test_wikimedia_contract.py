"""Wikimedia's provider keeps what every provider promises."""

from __future__ import annotations

from typing import ClassVar

from fakes.wikimedia import FakeWikimedia

from imageserver import BadResult, PermissionDenied, RateLimited
from imageserver.default_plugins.wikimedia import Wikimedia
from imageserver.testing import ProviderContract


class TestWikimedia(ProviderContract):
    """It has no secrets, and takes neither a size nor a seed."""

    provider_class = Wikimedia
    fake = FakeWikimedia
    settings = "base_url: {url}/api/rest_v1\ntimeout: 5"
    sends_size = False
    sends_seed = False
    failures: ClassVar = {
        "agent_refused": PermissionDenied,
        "pictures_busy": RateLimited,
        "page_for_picture": BadResult,
        "no_picture_ever": BadResult,
    }
