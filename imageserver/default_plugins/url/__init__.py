"""Any address that gives an image: a webcam, a weather map, a NAS. docs/providers/url.md has examples."""

from __future__ import annotations

from imageserver import RegisterProvider, hookimpl
from imageserver.default_plugins.url.provider import UrlPicture

__all__ = ["UrlPicture"]


@hookimpl
def imageserver_register_providers(register: RegisterProvider) -> None:
    """Bring the provider `url`."""
    register(UrlPicture)
