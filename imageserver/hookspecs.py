"""Every door for strangers. A hook only registers objects; what they do later runs on threads of their own."""

from __future__ import annotations

from typing import Protocol

import pluggy

from imageserver.extensions import PictureListener, PictureTransform, PromptTransform
from imageserver.providers import ImageProvider

PROJECT = "imageserver"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class RegisterProvider(Protocol):
    """What a plugin calls with each provider class it brings."""

    def __call__(self, provider_class: type[ImageProvider], /) -> None: ...


class RegisterPromptTransform(Protocol):
    """What a plugin calls with each class of prompt transforms it brings."""

    def __call__(self, transform_class: type[PromptTransform], /) -> None: ...


class RegisterPictureTransform(Protocol):
    """What a plugin calls with each class of picture transforms it brings."""

    def __call__(self, transform_class: type[PictureTransform], /) -> None: ...


class RegisterListener(Protocol):
    """What a plugin calls with each class of listeners it brings."""

    def __call__(self, listener_class: type[PictureListener], /) -> None: ...


@hookspec
def imageserver_register_providers(register: RegisterProvider) -> None:
    """Call `register(YourProvider)` once for every provider class that this plugin brings."""


@hookspec
def imageserver_register_prompt_transforms(register: RegisterPromptTransform) -> None:
    """Call `register(YourTransform)` once for every class that changes prompts on their way to a provider."""


@hookspec
def imageserver_register_picture_transforms(register: RegisterPictureTransform) -> None:
    """Call `register(YourTransform)` once for every class that draws on pictures at a frame's size."""


@hookspec
def imageserver_register_listeners(register: RegisterListener) -> None:
    """Call `register(YourListener)` once for every class that is told of new pictures."""
