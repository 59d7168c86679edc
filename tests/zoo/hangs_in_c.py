"""Sleeps in the C library while it is built: no exception of Python reaches it there."""

import ctypes

from imageserver import ImageProvider, ProviderContext, RegisterProvider, hookimpl


class Hangs(ImageProvider):
    code = "hangs"

    def __init__(self, context: ProviderContext) -> None:
        super().__init__(context)
        ctypes.CDLL(None).sleep(3600)


@hookimpl
def imageserver_register_providers(register: RegisterProvider) -> None:
    register(Hangs)
