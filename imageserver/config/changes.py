"""What people and programs want changed in the options: from names and plain values to changes of the file's keys."""

from __future__ import annotations

import re
import typing
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from math import isfinite
from typing import Any

from attrs import field, frozen

from imageserver.config.edits import Change, with_change
from imageserver.config.file import OptionsText
from imageserver.config.frames import why_no_name
from imageserver.config.groups import counts
from imageserver.config.model import FrameOptions, Options, Terms
from imageserver.config.older import AMOUNTS, PANEL
from imageserver.config.reader import parse
from imageserver.config.redact import MASK
from imageserver.config.schema import names_of, schema_of
from imageserver.config.values import Items, Node, Pairs, Scalar, did_you_mean, shorten
from imageserver.errors import ChangeUnclear, OptionsRefused

Values = Mapping[str, object]  # by key, as JSON has them; None: as if it had never been written
_DEEPEST = 10  # levels of a value; a sleep window has three
_BOM = b"\xef\xbb\xbf"


@frozen(kw_only=True)
class Wanted:
    """Changes that are made together or not at all."""

    options: Values = field(factory=dict)
    providers: Mapping[str, Values] = field(factory=dict)  # terms by the provider's code
    frames: Mapping[str, Values | None] = field(factory=dict)  # by name; None: it loses its name
    new_frames: Mapping[str, Values] = field(factory=dict)
    new_names: Mapping[str, str] = field(factory=dict)  # frame → what it is called from now on; done last
    version: str | None = None  # of the file that was looked at; None: whatever stands there


def changed(text: OptionsText, wanted: Wanted, code_of: Callable[[str], str]) -> bytes:
    """The good options file `text` with the changes. `code_of` gives today's code of a provider called by an older one.

    Raises ChangeUnclear with everything that is wrong with what is wanted, and OptionsRefused: `changed`, or `shape`
    for a file that cannot be changed here.
    """
    if wanted.version is not None and wanted.version != text.version:
        raise OptionsRefused("changed", f"{text.name} was changed meanwhile: look at it again")
    node, _ = parse(text.raw, text.name)
    problems: list[str] = []
    changes = [
        *_options(node, wanted.options, problems),
        *_providers(node, wanted.providers, code_of, problems),
        *_frames(node, wanted, problems),
    ]
    is_marked = text.raw.startswith(_BOM)
    written = text.raw.decode("utf-8-sig")
    for change in changes:
        written = with_change(written, text.name, change)
    raw = (_BOM if is_marked else b"") + written.encode()
    if problems:
        raise ChangeUnclear("; ".join(problems), raw)
    return raw


def _options(node: Node | None, values: Values, problems: list[str]) -> Iterator[Change]:
    schema, hints = schema_of(Options), typing.get_type_hints(Options)
    panel = _under(node, PANEL)
    for name, value in values.items():
        if name not in schema:
            problems.append(f"options.{shorten(name)}: no such option{did_you_mean(name, schema)}")
            continue
        if counts(name) == "by_hand":
            problems.append(f"options.{name}: can be changed by hand only, in the options file")
            continue
        names = names_of(schema[name])
        spots: list[tuple[str, ...]] = [(one,) for one in names if _has(node, one)]
        spots += [(PANEL, one) for one in names if _has(panel, one)]
        spots += [(older,) for older, option in AMOUNTS.items() if option == name and _has(node, older)]
        yield from _at(spots or [(names[0],)], value, hints[name], problems)


def _providers(
    node: Node | None, providers: Mapping[str, Values], code_of: Callable[[str], str], problems: list[str]
) -> Iterator[Change]:
    section = _under(node, "providers")
    written = [key.text for key, _ in section.pairs] if isinstance(section, Pairs) else []
    for code, values in providers.items():
        key = next((one for one in written if code_of(one) == code), code)
        yield from _fields(Terms, ("providers", key), _under(section, key), values, problems)


def _frames(node: Node | None, wanted: Wanted, problems: list[str]) -> Iterator[Change]:
    section = _under(node, "frames")
    for name, values in wanted.new_frames.items():
        if _is_free(section, name, problems):
            given = _fields(FrameOptions, ("frames", name), None, values, problems)
            pairs = tuple((_key(one.path[-1]), one.value) for one in given if one.value)
            yield Change(path=("frames", name), value=Pairs(pairs=pairs, line=0))
    for name, frame in wanted.frames.items():
        if not _is_there(section, name, problems):
            continue
        if frame is None:
            yield Change(path=("frames", name))
        else:
            yield from _fields(FrameOptions, ("frames", name), _under(section, name), frame, problems)
    for name, new in wanted.new_names.items():
        if new != name and _is_there(section, name, problems) and _is_free(section, new, problems):
            yield Change(path=("frames", name), name=new)


def _is_there(section: Node | None, name: str, problems: list[str]) -> bool:
    if not _has(section, name):
        problems.append(f"frames.{shorten(name)}: there is no frame of this name")
    return _has(section, name)


def _is_free(section: Node | None, name: str, problems: list[str]) -> bool:
    """Whether a frame can be given this name."""
    why = why_no_name(name)
    if why is not None:
        problems.append(f"name: {why}")  # and it is not repeated: who knows what was typed there
    elif _has(section, name):
        problems.append(f"frames.{name}: there is a frame of this name already")
        return False
    return why is None


def _fields(
    cls: type[Any], path: tuple[str, ...], node: Node | None, values: Values, problems: list[str]
) -> Iterator[Change]:
    schema, hints = schema_of(cls), typing.get_type_hints(cls)
    for name, value in values.items():
        if name not in schema:
            where = ".".join((*path, shorten(name)))
            problems.append(f"{where}: no such key{did_you_mean(name, schema)}")
            continue
        names = names_of(schema[name])
        spots = [(*path, one) for one in names if _has(node, one)] or [(*path, names[0])]
        yield from _at(spots, value, hints[name], problems)


def _at(spots: list[tuple[str, ...]], value: object, hint: Any, problems: list[str]) -> Iterator[Change]:
    try:
        written = None if value is None else _node(value, hint)
    except ValueError as error:
        problems.append(f"{'.'.join(spots[0])}: {error}")
        return
    for spot in spots:
        yield Change(path=spot, value=written)


def _node(value: object, hint: Any = None, depth: int = 0) -> Node:
    """A value of JSON as it stands in a file. ValueError for one that cannot."""
    if depth > _DEEPEST:
        raise ValueError("is nested too deeply")
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, str):
        if Decimal in typing.get_args(hint) and re.fullmatch(r"\d{1,12}(\.\d{1,12})?", value, re.ASCII):
            return Scalar(text=value, kind="float" if "." in value else "int", line=0)
        if any("\ud800" <= letter <= "\udfff" or letter == "\0" for letter in value):
            raise ValueError("expected a text without control characters")
        if f"={MASK}" in value or f"://{MASK}@" in value:
            raise ValueError(f"holds {MASK}, which stands for what is not shown: change it by hand")
        return Scalar(text=value, kind="text", quoted=True, line=0)
    if isinstance(value, list):
        return Items(items=tuple(_node(item, depth=depth + 1) for item in value), line=0)
    if isinstance(value, dict):
        pairs = tuple((_key(key), _node(one, depth=depth + 1)) for key, one in value.items())
        return Pairs(pairs=pairs, line=0)
    raise ValueError("expected a value, got nothing")


def _number(value: float) -> Scalar:
    if isinstance(value, bool):
        return Scalar(text="true" if value else "false", kind="bool", line=0)
    if isinstance(value, int):
        return Scalar(text=str(value), kind="int", line=0)
    if not isfinite(value):
        raise ValueError("expected a number")
    return Scalar(text=repr(value), kind="float", line=0)


def _key(name: object) -> Scalar:
    key = _node(str(name))
    assert isinstance(key, Scalar)
    return key


def _under(node: Node | None, key: str) -> Node | None:
    pairs = node.pairs if isinstance(node, Pairs) else ()
    return next((value for name, value in pairs if name.text == key), None)


def _has(node: Node | None, key: str) -> bool:
    return isinstance(node, Pairs) and any(name.text == key for name, _ in node.pairs)
