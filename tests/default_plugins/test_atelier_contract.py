"""The atelier keeps the contract of providers."""

from __future__ import annotations

from imageserver.default_plugins.atelier import Atelier
from imageserver.testing import ProviderContract


class TestAtelier(ProviderContract):
    """It speaks to nobody."""

    provider_class = Atelier
