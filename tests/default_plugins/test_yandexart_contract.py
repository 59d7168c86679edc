"""YandexART keeps the contract of providers, with both of the service's interfaces."""

from __future__ import annotations

from pathlib import Path

from fakes.yandex import FakeYandex

from default_plugins.yandexart_room import ACCOUNT, write_keys
from imageserver import (
    AuthError,
    BadProviderRequest,
    BadResult,
    ModelGone,
    ModerationRefused,
    PaymentRequired,
    PermissionDenied,
    RateLimited,
    TransientError,
)
from imageserver.default_plugins.yandexart import YandexArt
from imageserver.testing import ProviderContract

REFUSALS = {
    "moderation_old": ModerationRefused,
    "moderation_new": ModerationRefused,
    "parameter": BadProviderRequest,
    "wrong_key": AuthError,
    "key_echo": AuthError,
    "wrong_scope": PermissionDenied,
    "retired_model": ModelGone,
    "no_money": PaymentRequired,
    "quota": RateLimited,
    "status_500": TransientError,
}
IMAGES_FAILURES = {**REFUSALS, "bad_base64": BadResult, "empty_data": BadResult}
ASYNC_FAILURES = {**REFUSALS, "operation_error": ModerationRefused, "done_without_image": BadResult}


class TestYandexArtImages(ProviderContract):
    """The interface that answers with the picture."""

    provider_class = YandexArt
    fake = FakeYandex
    settings = "base_url: {url}"
    failures = IMAGES_FAILURES
    secrets = (ACCOUNT.api_key,)
    sends_seed = False
    gives_tickets = False

    def prepare(self, data: Path) -> None:
        write_keys(data)


class TestYandexArtAsync(ProviderContract):
    """The interface that answers with a ticket."""

    provider_class = YandexArt
    fake = FakeYandex
    settings = "base_url: {url}\ntransport: async"
    failures = ASYNC_FAILURES
    secrets = (ACCOUNT.api_key,)

    def prepare(self, data: Path) -> None:
        write_keys(data)
