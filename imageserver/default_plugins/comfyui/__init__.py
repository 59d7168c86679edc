"""Pictures from ComfyUI on the owner's own PC, with a workflow of the owner's. docs/providers/comfyui.md."""

from __future__ import annotations

from imageserver import RegisterProvider, hookimpl
from imageserver.default_plugins.comfyui.provider import ComfyUi

__all__ = ["ComfyUi"]


@hookimpl
def imageserver_register_providers(register: RegisterProvider) -> None:
    """Bring the provider `comfyui`."""
    register(ComfyUi)
