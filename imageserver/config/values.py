"""One value: from the text in the owner's file to what an annotation asks for.

Values are taken exactly. Nothing is guessed from a text that looks like a number, and a number is read from its text,
because YAML 1.1 and 1.2 make different numbers of the same one (`010` is 8 or 10), and `on` a switch or a word.
"""

from __future__ import annotations

import difflib
import os
import re
import types
import typing
from collections.abc import Callable, Iterable
from decimal import Decimal
from math import isfinite
from pathlib import Path
from typing import Any, Literal

from attrs import field, frozen

_SHOWN = 60  # characters of an owner's value in a message: enough to find it, and it stays on one line
_SECRET_WORDS = re.compile(
    r"(?:^|[_\-. ])(?:api|access|iam|private)?(?:key|token|secret|password|passwd|passphrase|pass|pwd|auth|"
    r"authorization|credential|bearer|cookie)s?(?:$|[_\-. ])",
    re.IGNORECASE,
)


@frozen(kw_only=True)
class Scalar:
    """One value as it is written: its text, what YAML takes it for, and whether quotes stand around it."""

    text: str = field(repr=False)  # may be a key
    kind: Literal["text", "int", "float", "bool", "null"]
    quoted: bool = False
    line: int


@frozen(kw_only=True)
class Items:
    """A list."""

    items: tuple[Node, ...]
    line: int


@frozen(kw_only=True)
class Pairs:
    """Keys and values in the owner's order; the same key may stand here twice."""

    pairs: tuple[tuple[Scalar, Node], ...]
    line: int


Node = Scalar | Items | Pairs


class Unfit(ValueError):
    """A value is not of the kind that its key asks for."""

    def __init__(self, expected: str, node: Node, hint: str = "") -> None:
        super().__init__(expected)
        self.expected, self.node, self.hint = expected, node, hint

    def sentence(self, *, secret: bool) -> str:
        """What was expected and what stands there; of a secret only the kind is told."""
        hint = f": {self.hint}" if self.hint and not secret else ""
        return f"expected {self.expected}, got {shown(self.node, secret=secret)}{hint}"


def looks_secret(name: str) -> bool:
    """Whether a key of this name is likely to hold something that must not be shown."""
    return _SECRET_WORDS.search(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)) is not None


def shorten(text: str) -> str:
    """At most a line of `text`, printable."""
    return printable(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")


def printable(text: str) -> str:
    """`text` with everything that a terminal might act upon written out."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean "…"?`, or nothing when no known name is near."""
    if len(name) > _SHOWN:  # difflib is slow on long texts, and no name of ours is that long
        return ""
    by_lower = {one.lower(): one for one in known}
    near = difflib.get_close_matches(name.lower().replace("-", "_"), by_lower, n=1)
    return f'; did you mean "{by_lower[near[0]]}"?' if near else ""


def shown(node: Node, *, secret: bool = False) -> str:
    """A value as a message names it."""
    if isinstance(node, Items):
        return "a list"
    if isinstance(node, Pairs):
        return "a mapping"
    if node.kind == "null":
        return "nothing"
    if secret:
        return {"text": "a text", "bool": "true or false"}.get(node.kind, "a number")
    return f'"{shorten(node.text)}"' if node.kind == "text" else shorten(node.text)


def convert(hint: Any, node: Node, folder: Path) -> Any:
    """`node` as the type `hint`; relative paths begin in `folder`.

    Unfit when the value is of another kind. TypeError when the hint is none of str, int, float, bool, Decimal, Path,
    Literal, tuple[…, ...] and unions of them with each other and None.
    """
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in {typing.Union, types.UnionType}:
        return _first_fitting(arguments, node, folder)
    if origin is Literal:
        return _choice(arguments, node)
    if origin is tuple and arguments[1:] == (...,):
        if isinstance(node, Scalar) and node.kind == "null":
            return ()  # every item of the list is a comment
        items = node.items if isinstance(node, Items) else (node,)
        return tuple(convert(arguments[0], item, folder) for item in items)
    if hint is Path:
        return _path(node, folder)
    reader = _SIMPLE.get(hint)
    if reader is None:
        raise TypeError(f"a setting cannot be of the type {hint}")
    return reader(node)


def _first_fitting(kinds: tuple[Any, ...], node: Node, folder: Path) -> Any:
    if type(None) in kinds and isinstance(node, Scalar) and node.kind == "null":
        return None
    refusals: list[Unfit] = []
    for kind in kinds:
        if kind is not type(None):
            try:
                return convert(kind, node, folder)
            except Unfit as error:
                refusals.append(error)
    raise Unfit(" or ".join(error.expected for error in refusals), node, refusals[0].hint)


def _choice(choices: tuple[Any, ...], node: Node) -> Any:
    names = [str(choice) for choice in choices]
    expected = f"one of {', '.join(names)}"
    if not isinstance(node, Scalar) or node.kind == "null":
        raise Unfit(expected, node)
    for choice in choices:
        if isinstance(choice, str):
            if node.kind == "text" and choice == node.text:
                return choice
        elif not node.quoted and str(choice).lower() == node.text.lower():
            return choice
    if node.kind == "text":
        by_lower = {choice.lower(): choice for choice in choices if isinstance(choice, str)}
        if node.text.lower() in by_lower:
            return by_lower[node.text.lower()]  # log_level: debug
        raise Unfit(expected, node, did_you_mean(node.text, names).removeprefix("; "))
    raise Unfit(expected, node, f'put it in quotes: "{node.text}"' if node.text in names else "")


def _whole(node: Node) -> int:
    expected = "a whole number"
    text = _number_text(node, expected, {"int"})
    try:
        return int(text, 0)
    except ValueError:  # `!!int x`, or more digits than Python reads
        raise Unfit(expected, node) from None


def _float(node: Node) -> float:
    expected = "a number"
    text = _number_text(node, expected, {"int", "float"})
    try:
        number = float(int(text, 0)) if isinstance(node, Scalar) and node.kind == "int" else float(text)
    except (ValueError, OverflowError):  # `.nan` and `.inf` are no floats for Python
        raise Unfit(expected, node) from None
    if not isfinite(number):
        raise Unfit(expected, node)
    return number


def _decimal(node: Node) -> Decimal:
    expected = "a number"
    text = _number_text(node, expected, {"int", "float"})
    try:
        number = Decimal(text)
    except ArithmeticError:
        raise Unfit(expected, node) from None
    if not number.is_finite():
        raise Unfit(expected, node)
    return number


def _number_text(node: Node, expected: str, kinds: set[str]) -> str:
    if not isinstance(node, Scalar):
        raise Unfit(expected, node)
    text = node.text.replace("_", "")
    if node.kind not in kinds or node.quoted:
        looks_right = re.fullmatch(r"[-+]?\d+" if kinds == {"int"} else r"[-+]?\d+([.,]\d+)?", text, re.ASCII)
        if node.kind == "text" and looks_right:
            how = "with a point" if "," in text else "without quotes"
            raise Unfit(expected, node, f"write {shorten(text.replace(',', '.'))} {how}")
        raise Unfit(expected, node)
    if re.match(r"[-+]?0[0-9]", text):
        plain = re.sub(r"^([-+]?)0+(?=\d)", r"\1", text)
        raise Unfit(expected, node, f"YAML versions differ on a leading zero; write {shorten(plain)}")
    return text


def _switch(node: Node) -> bool:
    if isinstance(node, Scalar) and node.kind == "bool" and node.text.lower() in {"true", "false"}:
        return node.text.lower() == "true"
    hint = ""
    if isinstance(node, Scalar):
        meant = {"on": "true", "yes": "true", "true": "true", "1": "true"}
        meant |= {"off": "false", "no": "false", "false": "false", "0": "false"}
        if node.text.lower() in meant:
            hint = f"write {meant[node.text.lower()]} without quotes"
    raise Unfit("true or false", node, hint)


def _text(node: Node) -> str:
    if not isinstance(node, Scalar) or node.kind == "null":
        raise Unfit("a text", node)
    if node.kind != "text":
        raise Unfit("a text", node, f'put it in quotes: "{shorten(node.text)}"')
    if any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in node.text):
        raise Unfit("a text without control characters", node)  # no file name, no header, nothing to print
    return node.text


def _path(node: Node, folder: Path) -> Path:
    if isinstance(node, Scalar) and node.kind == "null" and node.text == "~":
        raise Unfit("a path", node, 'YAML takes a lone ~ for nothing; put it in quotes: "~"')
    text = _text(node)
    if not text.strip():
        raise Unfit("a path", node)
    try:
        path = Path(text).expanduser()
    except RuntimeError:
        raise Unfit("a path", node, "there is no such user") from None
    # Lexical on purpose: `../images` means the neighbour that the owner sees, also where the data folder is a link.
    return Path(os.path.normpath(folder / path))


_SIMPLE: dict[Any, Callable[[Node], Any]] = {
    str: _text,
    int: _whole,
    float: _float,
    bool: _switch,
    Decimal: _decimal,
}
