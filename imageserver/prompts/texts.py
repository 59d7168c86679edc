"""What a text must be to stand in a prompts file, and how values are shown in messages about it."""

from __future__ import annotations

from collections.abc import Mapping

# Remote services stop far below this; a longer text is a file pasted by mistake.
LONGEST = 10_000  # characters


def why_no_text(text: str) -> str | None:
    """Why a text cannot be a prompt, to follow the name of the field; None when it can (or is empty)."""
    if len(text) > LONGEST:
        return f"is longer than {LONGEST} characters"
    if any("\ud800" <= character <= "\udfff" or character == "\0" for character in text):
        return "holds a character that is no text (half of a surrogate pair, or a zero)"
    return None


def shown(value: object) -> str:
    """A wrong value as messages quote it: short, and whatever it is."""
    if isinstance(value, Mapping | list):
        return "a list or mapping"
    try:
        return repr(value)[:40]
    except (ValueError, RecursionError):  # more digits than Python prints; a list that holds itself
        return "this"
