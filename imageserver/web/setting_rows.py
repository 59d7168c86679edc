"""Settings as fields of a form: what stands in each, what it is called, and where its value comes from."""

from __future__ import annotations

import json
from collections.abc import Iterable

from aiohttp import web
from attrs import field, frozen

from imageserver.config.listing import Section, Setting
from imageserver.config.model import Options
from imageserver.config.schema import schema_of
from imageserver.web.html import said
from imageserver.web.setting_words import SENTENCES
from imageserver.web.words import N_

_DEFAULT, _IN_THE_ENVIRONMENT = N_("default"), N_("environment")
_LINES = ("prompts",)  # lists whose items may hold commas: one a line


@frozen(kw_only=True)
class Window:
    """One row of a sleep window's field."""

    begin: str
    end: str
    is_dark: bool
    days: str  # JSON; kept as it is


@frozen(kw_only=True)
class Row:
    """One setting on the page."""

    path: str  # as the script takes it apart: `options/quality`, `providers/openai/price`
    id: str
    setting: Setting
    label: str
    is_english: bool  # nobody has translated what a plugin says
    kind: str
    text: str  # what stands in the field; empty: nothing was said, and the default counts
    hint: str  # what counts then
    origin: str
    is_number: bool = False  # of a choice
    windows: tuple[Window, ...] = ()
    words: tuple[str, ...] = field(default=())  # what may be chosen


def rows(request: web.Request, section: Section, prefix: str, begin: str = "") -> list[Row]:
    """The settings of a section, those that a page may change and the others.

    `prefix` is the way to them in the body of a change, without a slash at its end. The ids of their fields begin with
    `begin`, or with that way.
    """
    ids = begin or prefix.replace("/", "-")
    return [
        _row(request, setting, "/".join(filter(None, (prefix, setting.name))), f"{ids}-{setting.name}")
        for setting in section.settings
    ]


def _row(request: web.Request, setting: Setting, path: str, field_id: str) -> Row:
    is_given = setting.origin != "default"
    kind = "lines" if setting.name in _LINES else setting.kind
    hint = _text(setting.default if is_given else setting.value, kind)
    return Row(
        path=path,
        id=field_id,
        setting=setting,
        label=_label(request, setting),
        is_english=setting.doc not in SENTENCES,
        kind=kind,
        text=_text(setting.value, kind) if is_given else "",
        hint=hint,
        origin=_origin(request, setting.origin),
        is_number=bool(setting.choices) and all(choice.isdecimal() for choice in setting.choices),
        windows=tuple(_windows(setting.value)) if kind == "windows" else (),
        words=setting.choices,
    )


def _label(request: web.Request, setting: Setting) -> str:
    doc = setting.doc
    if doc.startswith("As the option"):  # of a frame: whoever looks at it need not know that one
        doc = schema_of(Options)[setting.name].metadata["doc"]
    label = said(request, doc) if doc in SENTENCES else doc or setting.name
    if setting.kind == "windows":  # how they are written in the file matters to nobody here
        label = label.partition(": [")[0].partition("; [")[0]
    return label.replace("`", "")


def _origin(request: web.Request, origin: str) -> str:
    if origin == "default":
        return said(request, _DEFAULT)
    first, _, rest = origin.partition(" ")
    return f"{said(request, _IN_THE_ENVIRONMENT)} {rest}" if first == "environment" else origin


def _text(value: object, kind: str) -> str:
    if value is None or value in ([], ()):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        if kind == "windows":
            return ", ".join(f"{window.begin}-{window.end}" for window in _windows(value))
        return ("\n" if kind == "lines" else ", ").join(map(str, value))
    if isinstance(value, dict):  # a section of the file
        return ", ".join(f"{name}: {one}" for name, one in value.items() if one is not None)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _windows(value: object) -> Iterable[Window]:
    for window in value if isinstance(value, list) else ():
        hours = window["time_range"]
        yield Window(
            begin=_clock(hours["start_time"]),
            end=_clock(hours["end_time"]),
            is_dark=bool(window.get("black_image_mode")),
            days=json.dumps(window["days"]),
        )


def _clock(text: str) -> str:
    """As a field for times takes it: two digits for the hour, and no seconds."""
    hour, minute, *_ = text.split(":")
    return f"{int(hour):02}:{minute}"
