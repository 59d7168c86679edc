"""A mapping in a file becomes an attrs class: types, limits, unknown and missing keys, every problem at once.

The class is the schema: its annotations, its validators, and the metadata that `model.setting()` leaves.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

import attrs
from attrs import field, frozen

from imageserver.config.values import (
    Items,
    Node,
    Pairs,
    Scalar,
    Unfit,
    convert,
    did_you_mean,
    looks_secret,
    printable,
    shorten,
    shown,
)
from imageserver.errors import Problem

T = TypeVar("T")


@frozen(kw_only=True)
class Place:
    """Where a mapping stands, for messages, and where relative paths in it begin."""

    file: str  # as named in messages
    line: int  # 0 where no line can be named
    path: str = ""  # "providers.folder"; empty at the top of the file
    folder: Path  # absolute

    def below(self, key: str, line: int) -> Place:
        """Where the mapping or list under a key stands."""
        return attrs.evolve(self, path=".".join(part for part in (self.path, shorten(key)) if part), line=line)

    def at(self, node: Node) -> Place:
        """The same with the line of an item of the list."""
        return attrs.evolve(self, line=node.line)

    def problem(self, line: int, key: str, message: str) -> Problem:
        """What is wrong with `key`; an empty key is the mapping itself."""
        name = ".".join(part for part in (self.path, shorten(key)) if part)
        message = printable(message)  # a validator may repeat what the owner wrote
        return Problem(f"{self.file}:{line}" if line else self.file, f"{name}: {message}" if name else message)


@frozen(kw_only=True)
class Given:
    """A value that the owner gave, converted and within its limits."""

    value: Any = field(repr=False)
    line: int
    key: str  # the name that was used


def read_mapping(
    cls: type[T], node: Node | None, place: Place, *, others: Collection[str] = ()
) -> tuple[T | None, list[Problem]]:
    """Build `cls` from a mapping; None stands for an empty one. Keys in `others` are left alone.

    Gives the instance, or None and every problem found. TypeError when `cls` cannot be a schema: it is no attrs
    class, or has an annotation that `values.convert` does not know.
    """
    given, problems = read_fields(cls, node, place, others=others)
    if node is not None and not isinstance(node, Pairs):
        return None, problems
    written = {key.text for key, _ in node.pairs} if isinstance(node, Pairs) else set()
    for attribute in schema_of(cls).values():
        if attribute.default is attrs.NOTHING and written.isdisjoint(names_of(attribute)):
            doc = attribute.metadata.get("doc", "")
            problems.append(place.problem(place.line, names_of(attribute)[0], f"is missing. {doc}".strip()))
    if problems:
        return None, problems
    schema = schema_of(cls)
    try:
        return cls(**{names_of(schema[name])[0]: one.value for name, one in given.items()}), []
    except Exception as error:  # a stranger's class may raise anything, and the owner wants to be told
        secrets = [one.value for name, one in given.items() if is_secret(schema[name])]
        return None, [place.problem(place.line, "", _sentence(error, secrets))]


def read_fields(
    cls: type[Any], node: Node | None, place: Place, *, others: Collection[str] = ()
) -> tuple[dict[str, Given], list[Problem]]:
    """What the mapping gives for the fields of `cls`, by the name of the field, and every problem found.

    `others` are keys that are allowed and left alone.
    """
    if node is None:
        return {}, []
    if not isinstance(node, Pairs):
        return {}, [place.problem(node.line, "", f"expected keys with values, got {shown(node, secret=True)}")]
    attributes = {name: attribute for attribute in schema_of(cls).values() for name in names_of(attribute)}
    hints = typing.get_type_hints(cls)
    given: dict[str, Given] = {}
    problems: list[Problem] = []
    lines: dict[str, int] = {}
    for key, value in node.pairs:
        name = key.text
        if name in lines:
            problems.append(place.problem(key.line, name, f"stands here again; it is in line {lines[name]} already"))
            continue
        lines[name] = key.line
        if name in others:
            continue
        if name not in attributes:
            problems.append(place.problem(key.line, name, f"no such key{did_you_mean(name, [*attributes, *others])}"))
            continue
        attribute = attributes[name]
        new, found = _read_one(attribute, hints[attribute.name], value, place.below(name, key.line))
        if found:
            problems += found
            continue
        old = given.setdefault(attribute.name, Given(value=new, line=key.line, key=name))
        if old.value != new:
            problems.append(disagreement(place, Given(value=new, line=key.line, key=name), old))
    return given, problems


def disagreement(place: Place, new: Given, old: Given) -> Problem:
    """One option has two values, under two names or in two places."""
    same = f"is the same option as {old.key} in line {old.line}, with another value"
    return place.problem(new.line, new.key, f"{same}: keep one of them")


def _without_none(hint: Any) -> Any:
    kinds = [kind for kind in typing.get_args(hint) if kind is not types.NoneType]
    is_optional = typing.get_origin(hint) in {typing.Union, types.UnionType} and len(kinds) == 1
    return kinds[0] if is_optional else hint


def _nested(hint: Any) -> type[Any] | None:
    """The attrs class in `C`, `tuple[C, ...]` or one of them with None, or None: then it is made of plain values."""
    hint = _without_none(hint)
    kind = typing.get_args(hint)[0] if typing.get_origin(hint) is tuple else hint
    return kind if isinstance(kind, type) and attrs.has(kind) else None


def _read_one(attribute: attrs.Attribute[Any], hint: Any, node: Node, place: Place) -> tuple[object, list[Problem]]:
    """One field: a plain value, or the mappings of a class of its own, each with its problems."""
    nested = _nested(hint)
    if nested is None:
        try:
            return read_value(attribute, hint, node, place.folder), []
        except ValueError as error:
            return None, [place.problem(place.line, "", str(error))]
    is_optional, is_list = hint is not _without_none(hint), typing.get_origin(_without_none(hint)) is tuple
    if isinstance(node, Scalar) and node.kind == "null" and (is_optional or is_list):
        return (None if is_optional else ()), []
    if not is_list:
        return read_mapping(nested, node, place)
    items = node.items if isinstance(node, Items) else (node,)
    read = [read_mapping(nested, item, place.at(item)) for item in items]
    return tuple(one for one, _ in read), [problem for _, problems in read for problem in problems]


def read_value(attribute: attrs.Attribute[Any], hint: Any, node: Node, folder: Path) -> Any:
    """One value for one field. ValueError with a sentence for the owner, which never tells a secret."""
    try:
        value = convert(hint, node, folder)
    except Unfit as error:
        raise ValueError(error.sentence(secret=is_secret(attribute))) from None
    check_value(attribute, value)
    return value


def check_value(attribute: attrs.Attribute[Any], value: Any) -> None:
    """Ask the field's own validator. ValueError with a sentence for the owner, which never tells a secret."""
    if attribute.validator is None or attribute.converter is not None:
        return  # what a converter makes of the value is checked when the instance is built
    try:
        attribute.validator(None, attribute, value)
    except AttributeError:
        return  # a validator that looks at its neighbours: it runs again when the instance is built
    except Exception as error:  # a stranger's validator may raise anything
        raise ValueError(_sentence(error, [value] if is_secret(attribute) else [])) from None


def schema_of(cls: type[Any]) -> Mapping[str, attrs.Attribute[Any]]:
    """The fields of an attrs class that a file can set, by name."""
    if not attrs.has(cls):
        raise TypeError(f"{cls.__name__} is no attrs class, so nobody knows its keys")
    return {attribute.name: attribute for attribute in attrs.fields(cls) if attribute.init}


def names_of(attribute: attrs.Attribute[Any]) -> list[str]:
    """The key of a field, and its other name where it has one."""
    other_name = attribute.metadata.get("other_name")
    return [attribute.alias or attribute.name, *([other_name] if other_name else [])]


def is_secret(attribute: attrs.Attribute[Any]) -> bool:
    """Whether the value of a field must not be shown: it was declared so, or its name says so."""
    return bool(attribute.metadata.get("secret")) or looks_secret(attribute.name)


def secrets_in(settings: object) -> list[str]:
    """The texts in an instance of a settings class that must not be shown."""
    kind: type[Any] = type(settings)
    if not attrs.has(kind):
        return []
    values = [getattr(settings, one.name, None) for one in attrs.fields(kind) if is_secret(one)]
    return [value for value in values if isinstance(value, str) and value]


def _sentence(error: Exception, secrets: list[Any]) -> str:
    # attrs' own validators put their objects behind the sentence
    text = str(error.args[0]) if error.args else type(error).__name__
    for secret in filter(None, map(str, secrets)):
        # One of a few letters is masked as a word only, or every "a" of the sentence would go.
        edge = r"\b" if len(secret) < 4 else ""
        text = re.sub(edge + re.escape(secret) + edge, "***", text.replace(repr(secret), "***"))
    return text
