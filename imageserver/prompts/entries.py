"""What both file formats come down to before the rules are applied: entries, and the line that each thing stands on."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from typing import Any

from attrs import frozen

# How deep values are placed below `placeholders`: names, values of each, keys of a value.
LEVELS = 3


@frozen
class Placed:
    """A value and the line it stands on, from 1. Below `placeholders` what a mapping or list holds is placed too."""

    value: Any
    line: int


@frozen
class Entry:
    """One mapping in the list of prompts, with the line it begins on."""

    keys: Mapping[str, Placed]
    line: int

    def line_of(self, key: str) -> int:
        """The line of a key's value; the entry's own where the key is missing."""
        placed = self.keys.get(key)
        return self.line if placed is None else placed.line


@frozen
class Contents:
    """What a prompts file holds, before the rules are applied."""

    entries: list[Placed]  # an Entry each, where the file is right
    lists: Placed | None  # global_placeholders, down to the keys of a value


class Unreadable(Exception):
    """The text has no shape to look for prompts in. `line` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


class Lines:
    """Offsets in a text → line numbers from 1, without counting from the start each time."""

    def __init__(self, text: str) -> None:
        self._breaks = [place for place, character in enumerate(text) if character == "\n"]

    def at(self, offset: int) -> int:
        """The line that the character at `offset` stands on."""
        return bisect_left(self._breaks, offset) + 1
