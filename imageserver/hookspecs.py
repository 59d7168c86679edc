"""Every door for strangers. A hook only registers objects; what they do later runs on threads of their own."""

from __future__ import annotations

from typing import Protocol

import pluggy

from imageserver.providers import ImageProvider

PROJECT = "imageserver"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class RegisterProvider(Protocol):
    """What a plugin calls with each provider class it brings."""

    def __call__(self, provider_class: type[ImageProvider], /) -> None: ...


@hookspec
def imageserver_register_providers(register: RegisterProvider) -> None:
    """Call `register(YourProvider)` once for every provider class that this plugin brings."""
