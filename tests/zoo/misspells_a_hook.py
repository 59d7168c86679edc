"""Its hook has a name that does not exist."""

from imageserver import ImageProvider, RegisterProvider, hookimpl


class Misspelt(ImageProvider):
    code = "misspells"


@hookimpl
def imageserver_register_provider(register: RegisterProvider) -> None:
    register(Misspelt)
