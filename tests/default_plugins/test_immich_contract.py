"""Immich keeps the promises of a provider."""

from __future__ import annotations

from fakes.immich import KEY, FakeImmich

from imageserver import AuthError, BadProviderRequest, PermissionDenied, TransientError
from imageserver.default_plugins.immich import Immich
from imageserver.testing import ProviderContract

REFUSALS = {
    "wrong_key": AuthError,
    "key_echo": AuthError,
    "no_asset_read": PermissionDenied,
    "no_asset_view": PermissionDenied,
    "all_deleted": TransientError,
    "nothing": BadProviderRequest,
    "old_server": BadProviderRequest,
    "moved": BadProviderRequest,
}


class TestImmich(ProviderContract):
    """Random photos; what else can be shown goes the same ways."""

    provider_class = Immich
    fake = FakeImmich
    settings = f"base_url: {{url}}\napi_key: {KEY}"
    failures = REFUSALS
    sends_size = False
    sends_seed = False
