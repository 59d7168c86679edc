"""YandexART: pictures from Yandex AI Studio, for money. docs/providers/yandexart.md leads to its two keys."""

from __future__ import annotations

from imageserver import RegisterProvider, hookimpl
from imageserver.default_plugins.yandexart.provider import YandexArt

__all__ = ["YandexArt"]


@hookimpl
def imageserver_register_providers(register: RegisterProvider) -> None:
    """Bring the provider `yandexart`."""
    register(YandexArt)
