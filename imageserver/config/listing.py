"""Every setting in use as people and programs see it: its value, where it comes from, when a change of it counts."""

from __future__ import annotations

import types
import typing
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import attrs
from attrs import frozen

from imageserver.config.groups import GROUPS, Counts, counts
from imageserver.config.model import Config, FrameOptions, Options, RawSettings, Terms
from imageserver.config.origins import with_origins
from imageserver.config.redact import MASK, is_masked, masked_address
from imageserver.config.schema import names_of, schema_of
from imageserver.panel.profiles import profiles
from imageserver.sleeping import SleepWindow

Kind = Literal["switch", "number", "number_or_none", "choice", "list", "windows", "text"]


@frozen(kw_only=True)
class Setting:
    """One setting."""

    name: str
    value: object  # as JSON has it; `***` for a secret, null for nothing
    origin: str  # "default", "options.yml:7", "--port", "environment PORT"
    counts: Counts
    kind: Kind
    default: object = None  # as JSON has it; null also where it depends on others, as folders do
    choices: tuple[str, ...] = ()
    doc: str = ""  # what it means, in English; empty where a plugin says nothing


@frozen(kw_only=True)
class Section:
    """Settings that belong together: a group of options, a provider, an extension, a frame."""

    name: str
    settings: tuple[Setting, ...]
    title: str = ""


def options_of(config: Config) -> list[Section]:
    """The options, by groups."""
    hints, schema = typing.get_type_hints(Options), schema_of(Options)
    return [
        Section(
            name=group,
            settings=tuple(
                _setting(
                    schema[name],
                    hints[name],
                    getattr(config.options, name),
                    config.origins.get(name, "default"),
                    counts(name),
                )
                for name in names
            ),
        )
        for group, names in GROUPS.items()
    ]


def frames_of(config: Config) -> list[Section]:
    """The named frames, with everything that can be said of one."""
    hints, schema = typing.get_type_hints(FrameOptions), schema_of(FrameOptions)
    sections = []
    for frame, said in config.frames.items():
        origin = config.origins.get(f"frames.{frame}", "default")
        settings = tuple(
            _setting(
                attribute,
                hints[name],
                value := getattr(said, name),
                origin if value != attribute.default else "default",
                "restart" if name == "port" else "now",
            )
            for name, attribute in schema.items()
        )
        sections.append(Section(name=frame, settings=settings))
    return sections


def terms_of(raw: RawSettings | None, terms: Terms) -> tuple[Setting, ...]:
    """On which terms a provider serves."""
    return tuple(_fields(raw, terms, "now"))


def plugins_own(raw: RawSettings | None, settings: object) -> tuple[Setting, ...]:
    """What a provider or an extension brings of its own. A page changes none of it: it may hold keys and addresses."""
    return tuple(_fields(raw, settings, "by_hand")) if attrs.has(type(settings)) else ()


def _fields(raw: RawSettings | None, instance: object, when: Counts) -> Iterator[Setting]:
    hints = typing.get_type_hints(type(instance))
    for attribute, value, origin in with_origins(raw, instance):
        yield _setting(attribute, hints[attribute.name], value, origin, when)


def _setting(attribute: attrs.Attribute[Any], hint: Any, value: object, origin: str, when: Counts) -> Setting:
    kind, choices = _kind(attribute.name, hint)
    return Setting(
        name=names_of(attribute)[0],
        value=MASK if is_masked(attribute, value) else _json(value),
        origin=origin,
        counts=when,
        kind=kind,
        default=_default(attribute),
        choices=choices,
        doc=str(attribute.metadata.get("doc", "")),
    )


def _kind(name: str, hint: Any) -> tuple[Kind, tuple[str, ...]]:
    if name == "panel":
        return "choice", tuple(profiles())
    parts = _parts(hint)
    literals = [one for one in parts if typing.get_origin(one) is Literal]
    if literals:
        words = tuple(str(one) for one in typing.get_args(literals[0]))
        return ("choice", words) if len(parts) == 1 else ("number_or_none", ())
    if bool in parts:
        return "switch", ()
    if {int, float, Decimal} & set(parts):
        return "number", ()
    if any(typing.get_origin(one) is tuple for one in parts):
        inner = next(typing.get_args(one)[0] for one in parts if typing.get_origin(one) is tuple)
        return ("windows" if isinstance(inner, type) and issubclass(inner, SleepWindow) else "list"), ()
    return "text", ()


def _parts(hint: Any) -> Collection[Any]:
    """The members of a union, without None."""
    if typing.get_origin(hint) in {typing.Union, types.UnionType}:
        return [one for one in typing.get_args(hint) if one is not types.NoneType]
    return [hint]


def _default(attribute: attrs.Attribute[Any]) -> object:
    value: Any = attribute.default
    if value in (attrs.NOTHING, Path()) or hasattr(value, "takes_self"):  # made anew each time
        return None
    return MASK if is_masked(attribute, value) else _json(value)


def _json(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, tuple | list):
        return [_json(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _json(one) for key, one in value.items()}
    kind: type[Any] = type(value)
    if attrs.has(kind):
        values = {one: getattr(value, one.name) for one in attrs.fields(kind)}
        return {one.name: MASK if is_masked(one, inner) else _json(inner) for one, inner in values.items()}
    if isinstance(value, Decimal):
        return f"{value:f}"
    return masked_address(str(value) if isinstance(value, str | Path) else repr(value))
