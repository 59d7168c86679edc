"""What stands under `providers: {code: …}` and `extensions: {code: …}`, read by the classes that plugins bring."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imageserver.config.model import RawSettings, Terms
from imageserver.config.schema import Place, names_of, read_mapping, schema_of
from imageserver.config.values import Pairs, shorten
from imageserver.errors import Problem


def read_settings(
    raw: RawSettings | None, settings_class: type[Any] | None, *, code: str, data: Path, section: str = "providers"
) -> tuple[object | None, list[Problem]]:
    """The validated settings of the provider or extension `code`, or None and every problem found.

    `raw` is None when the options do not name it: its defaults are used then. `settings_class` is None for one without
    settings, whose settings are None. Relative paths begin in the data folder.
    """
    place = _place(raw, code, data, section)
    node = raw.node if raw else None
    others = term_names() if section == "providers" else frozenset()
    if settings_class is None:
        if not isinstance(node, Pairs):
            return None, []
        known = f"; every provider knows {', '.join(sorted(others))}" if others else ""
        message = f"there is no such setting{known}"
        strange = [key for key, _ in node.pairs if key.text not in others]
        return None, [place.problem(key.line, shorten(key.text), message) for key in strange]
    try:
        own = {name for field in schema_of(settings_class).values() for name in names_of(field)}
        # a key that both know is read by both
        return read_mapping(settings_class, node, place, others=others - own)
    except (TypeError, NameError) as error:  # NameError: an annotation that cannot be looked up
        return None, [place.problem(place.line, "", f"the plugin's settings_class is broken: {error}")]


def read_terms(raw: RawSettings | None, *, code: str, data: Path) -> tuple[Terms, list[Problem]]:
    """The terms on which a provider serves, and every problem found; with problems the defaults stand in."""
    node = raw.node if raw else None
    # whether any other key is good is for the provider's own settings to say
    others = {key.text for key, _ in node.pairs} - term_names() if isinstance(node, Pairs) else set()
    terms, problems = read_mapping(Terms, node, _place(raw, code, data), others=others)
    return terms or Terms(), problems


def term_names() -> frozenset[str]:
    """The keys that every provider knows."""
    return frozenset(name for field in schema_of(Terms).values() for name in names_of(field))


def _place(raw: RawSettings | None, code: str, data: Path, section: str = "providers") -> Place:
    return Place(
        file=raw.file if raw else "options.yml", line=raw.line if raw else 0, path=f"{section}.{code}", folder=data
    )
