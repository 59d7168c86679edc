"""The AI Horde: pictures by volunteers, free and without an account. docs/providers/aihorde.md is for owners."""

from __future__ import annotations

from imageserver import RegisterProvider, hookimpl
from imageserver.default_plugins.aihorde.provider import AIHorde

__all__ = ["AIHorde"]


@hookimpl
def imageserver_register_providers(register: RegisterProvider) -> None:
    """Bring the provider `aihorde`."""
    register(AIHorde)
