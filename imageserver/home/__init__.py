"""The house around the server: what Home Assistant sees of it through an MQTT broker, and what it may ask for."""

from imageserver.home.opening import open_home

__all__ = ["open_home"]
