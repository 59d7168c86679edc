"""The AI Horde's provider keeps what every provider promises."""

from __future__ import annotations

from typing import ClassVar

from fakes.aihorde import API, FakeAIHorde

from imageserver import (
    AuthError,
    BadProviderRequest,
    BadResult,
    ModerationRefused,
    PaymentRequired,
    PermissionDenied,
    RateLimited,
    TransientError,
)
from imageserver.default_plugins.aihorde import AIHorde
from imageserver.testing import ProviderContract


class TestAIHorde(ProviderContract):
    """With a key of one's own, which nobody may read."""

    provider_class = AIHorde
    fake = FakeAIHorde
    settings = f"base_url: {{url}}{API}\napi_key: key-for-tests\ntimeout: 5"
    failures: ClassVar = {
        "wrong_key": AuthError,
        "key_echo": AuthError,
        "kudos": PaymentRequired,
        "ip_timeout": RateLimited,
        "too_many": RateLimited,
        "client_agent": PermissionDenied,
        "corrupt_prompt": ModerationRefused,
        "size_refused": BadProviderRequest,
        "maintenance": TransientError,
        "impossible": BadProviderRequest,
        "faulted": BadResult,
        "censored": ModerationRefused,
        "expired": BadResult,
        "done_without_picture": BadResult,
        "bad_base64": BadResult,
    }
