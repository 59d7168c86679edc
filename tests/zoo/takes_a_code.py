"""Calls its provider as a built-in one is called."""

from imageserver import ImageProvider, RegisterProvider, hookimpl


class Atelier(ImageProvider):
    code = "atelier"


@hookimpl
def imageserver_register_providers(register: RegisterProvider) -> None:
    register(Atelier)
