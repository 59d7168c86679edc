"""Wikimedia's picture of the day: free, without an account. docs/providers/wikimedia.md is for owners."""

from __future__ import annotations

from imageserver import RegisterProvider, hookimpl
from imageserver.default_plugins.wikimedia.provider import Wikimedia

__all__ = ["Wikimedia"]


@hookimpl
def imageserver_register_providers(register: RegisterProvider) -> None:
    """Bring the provider `wikimedia`."""
    register(Wikimedia)
