"""The styles that a stock AiFrame offers its owner, and what each makes of a prompt."""

from __future__ import annotations

from attrs import frozen

_LONGEST = 50  # characters of a style that somebody typed


@frozen
class Style:
    """A line of the list. The firmware joins the names with semicolons and remembers the place in the list."""

    name: str  # ASCII, without semicolons and quotes
    title: str
    behind: str = ""  # what is put behind the prompt


def _painter(name: str, title: str) -> Style:
    return Style(name, title, f"in the style of {title}")


# New ones go to the end: a frame sends the name at the place that its owner chose once.
STYLES = (
    Style("DEFAULT", "As the prompt says"),
    Style("LIBRARY", "A random prompt of the server"),
    _painter("AIVAZOVSKY", "Ivan Aivazovsky"),
    _painter("SHISHKIN", "Ivan Shishkin"),
    _painter("KUINDZHI", "Arkhip Kuindzhi"),
    _painter("LEVITAN", "Isaac Levitan"),
    _painter("VRUBEL", "Mikhail Vrubel"),
    _painter("KANDINSKY", "Wassily Kandinsky"),
    _painter("BRUEGEL", "Pieter Bruegel the Elder"),
    _painter("VERMEER", "Johannes Vermeer"),
    _painter("TURNER", "William Turner"),
    _painter("MONET", "Claude Monet"),
    _painter("VAN GOGH", "Vincent van Gogh"),
    _painter("KLIMT", "Gustav Klimt"),
    _painter("HOKUSAI", "Katsushika Hokusai"),
)
_BY_NAME = {style.name: style for style in STYLES}


def styled(prompt: str | None, style: str | None) -> str | None:
    """The prompt as it goes to a provider; None: one is drawn from the library."""
    name = " ".join((style or "").split())
    if prompt is None or name.upper() == "LIBRARY":
        return None
    known = _BY_NAME.get(name.upper())
    behind = known.behind if known is not None else _typed(name)
    return f"{prompt}, {behind}" if behind else prompt


def _typed(name: str) -> str:
    """A style of the firmware's own list, or one that its owner typed."""
    return f"{name} style" if 0 < len(name) <= _LONGEST and name.isprintable() else ""
