"""OpenAI's provider keeps the promises of every provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from fakes.openai import KEY, MODEL, FakeOpenAi

from imageserver import (
    AuthError,
    BadProviderRequest,
    BadResult,
    ModelGone,
    ModerationRefused,
    PaymentRequired,
    PermissionDenied,
    ProviderError,
    RateLimited,
    TransientError,
)
from imageserver.default_plugins.openai import OpenAi
from imageserver.testing import ProviderContract


class TestOpenAi(ProviderContract):
    """As its owner has it with OpenAI itself."""

    provider_class = OpenAi
    fake = FakeOpenAi
    settings = f"base_url: {{url}}\napi_key: {KEY}\nmodel: {MODEL}\ntimeout: 10"
    sends_seed = False
    failures: ClassVar[Mapping[str, type[ProviderError]]] = {
        "wrong_key": AuthError,
        "unverified": PermissionDenied,
        "quota": PaymentRequired,
        "hard_limit": PaymentRequired,
        "rate_ms": RateLimited,
        "moderation": ModerationRefused,
        "model_gone": ModelGone,
        "bad_size": BadProviderRequest,
        "unprocessable": BadProviderRequest,
        "int_code": TransientError,
        "empty_data": BadResult,
        "url_expired": BadResult,
        "by_foreign_url": BadResult,
    }
