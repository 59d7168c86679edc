"""Stable Diffusion on the owner's own PC, through the web UI of AUTOMATIC1111 or Forge. docs/providers/sdwebui.md."""

from __future__ import annotations

from imageserver import RegisterProvider, hookimpl
from imageserver.default_plugins.sdwebui.provider import SdWebUi

__all__ = ["SdWebUi"]


@hookimpl
def imageserver_register_providers(register: RegisterProvider) -> None:
    """Bring the provider `sdwebui`."""
    register(SdWebUi)
