"""Its settings are described by a class that nobody can read."""

from imageserver import ImageProvider, RegisterProvider, hookimpl


class Settings:
    key = "no attrs class"


class WrongSettings(ImageProvider):
    code = "wrong-settings"
    settings_class = Settings


@hookimpl
def imageserver_register_providers(register: RegisterProvider) -> None:
    register(WrongSettings)
