"""What the Go server's options.yml had and ours has not: a section for the panel, and amounts for originals alone."""

from __future__ import annotations

import typing
from collections.abc import Mapping

from attrs import evolve

from imageserver.config.model import Options
from imageserver.config.schema import Given, Place, disagreement, names_of, read_fields, read_value, schema_of
from imageserver.config.values import Node, Pairs, Scalar, did_you_mean, shorten, shown
from imageserver.errors import Problem

PANEL = "iframe_image_parameters"  # its keys count as if they stood at the top
# Version 1.04 kept originals beside the pictures that it showed, and counted them apart. Ours shows the originals.
AMOUNTS: Mapping[str, str] = {
    "original_image_amount_min": "image_amount_min",
    "original_image_amount_max": "image_amount_max",
}
OLDER_KEYS = frozenset({PANEL, *AMOUNTS})
_IN_PANEL = ("image_width", "image_height", "fit_threshold")


def read_older(node: Node | None, given: Mapping[str, Given], place: Place) -> tuple[dict[str, Given], list[Problem]]:
    """`given`, what stands at the top, together with what the older keys say; and what is wrong with those."""
    merged = dict(given)
    problems: list[Problem] = []
    for key, value in node.pairs if isinstance(node, Pairs) else ():
        if key.text == PANEL:
            problems += _add_panel(value, merged, place.below(PANEL, key.line))
        elif key.text in AMOUNTS:
            problems += _add_amount(key, value, merged, place)
    return merged, problems


def _add_panel(node: Node, merged: dict[str, Given], place: Place) -> list[Problem]:
    if _is_nothing(node):
        return []
    if not isinstance(node, Pairs):
        return [place.problem(node.line, "", f"expected keys with values, got {shown(node)}")]
    schema = schema_of(Options)
    known = [name for option in _IN_PANEL for name in names_of(schema[option])]
    strange = [key for key, _ in node.pairs if key.text not in known]
    problems = [place.problem(key.line, key.text, f"no such key{did_you_mean(key.text, known)}") for key in strange]
    pairs = tuple((key, value) for key, value in node.pairs if key.text in known and not _is_nothing(value))
    given, found = read_fields(Options, evolve(node, pairs=pairs), place)
    for name, one in given.items():
        old = merged.setdefault(name, one)
        if old.value != one.value:
            problems.append(disagreement(place, one, old))
    return problems + found


def _add_amount(key: Scalar, node: Node, merged: dict[str, Given], place: Place) -> list[Problem]:
    """Of two amounts the larger counts: no picture is deleted that the Go server would have kept."""
    option = AMOUNTS[key.text]
    attribute = schema_of(Options)[option]
    if _is_nothing(node):
        return []
    try:
        value = read_value(attribute, typing.get_type_hints(Options)[option], node, place.folder)
    except ValueError as error:
        return [place.problem(key.line, key.text, str(error))]
    if value > (merged[option].value if option in merged else attribute.default):
        merged[option] = Given(value=value, line=key.line, key=shorten(key.text))
    return []


def _is_nothing(node: Node) -> bool:
    return isinstance(node, Scalar) and node.kind == "null"
