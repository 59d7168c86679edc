"""The panels that pictures are made for, as data: `profiles.toml`. Imports neither NumPy nor Pillow."""

from __future__ import annotations

import functools
import tomllib
from importlib import resources
from typing import Any, Final

from attrs import frozen

DEFAULT: Final = "tft-320x480-565"


@frozen(kw_only=True)
class Profile:
    """What a panel and its decoder can do."""

    name: str
    title: str  # for people
    width: int | None = None  # pixels; None: any
    height: int | None = None
    levels: tuple[int, int, int]  # of red, green and blue
    samplings: tuple[str, ...]
    quantisers: int  # tables
    workspace: int  # bytes of the decoder's memory; 0 without a limit
    decode_scale: int
    max_bytes: int  # for a picture, when nothing else is said

    @property
    def is_coarse(self) -> bool:
        """Whether colours have so few levels that a picture must be made for them."""
        return max(self.levels) < 256

    def bytes_for(self, width: int, height: int) -> int:
        """The usual budget of a picture of this size, which may be larger than the panel that the profile is for."""
        if self.width is None or self.height is None:
            return self.max_bytes
        return max(self.max_bytes, self.max_bytes * width * height // (self.width * self.height))

    @staticmethod
    def least_bytes(width: int, height: int) -> int:
        """The smallest budget that is held for every picture of this size: black and white noise needs so much."""
        return 1000 + width * height // 5

    @classmethod
    def from_table(cls, name: str, table: dict[str, Any]) -> Profile:
        """From its table in `profiles.toml`."""
        red, green, blue = table["levels"]
        return cls(
            name=name, **{**table, "levels": (int(red), int(green), int(blue)), "samplings": tuple(table["samplings"])}
        )


@functools.cache
def profiles() -> dict[str, Profile]:
    """All of them by name, the default first."""
    text = resources.files(__package__).joinpath("profiles.toml").read_text(encoding="utf-8")
    return {name: Profile.from_table(name, table) for name, table in tomllib.loads(text).items()}


def profile_called(name: str) -> Profile:
    """Raises KeyError for a name that is not in the file."""
    return profiles()[name]
