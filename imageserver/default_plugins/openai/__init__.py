"""Pictures from OpenAI, and from LocalAI and gateways that answer as it does. docs/providers/openai.md leads there."""

from __future__ import annotations

from imageserver import RegisterProvider, hookimpl
from imageserver.default_plugins.openai.provider import OpenAi

__all__ = ["OpenAi"]


@hookimpl
def imageserver_register_providers(register: RegisterProvider) -> None:
    """Bring the provider `openai`."""
    register(OpenAi)
