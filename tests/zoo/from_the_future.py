"""Is written for a later version of the server."""

from imageserver import ImageProvider, RegisterProvider, hookimpl

IMAGESERVER_API = 1000


class Future(ImageProvider):
    code = "future"


@hookimpl
def imageserver_register_providers(register: RegisterProvider) -> None:
    register(Future)
