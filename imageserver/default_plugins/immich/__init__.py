"""Immich: photos from one's own photo server. docs/providers/immich.md leads to the first one."""

from __future__ import annotations

from imageserver import RegisterProvider, hookimpl
from imageserver.default_plugins.immich.provider import Immich

__all__ = ["Immich"]


@hookimpl
def imageserver_register_providers(register: RegisterProvider) -> None:
    """Bring the provider `immich`."""
    register(Immich)
