"""What stands under `providers: {code: …}`, read by the class that the provider brings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imageserver.config.model import RawSettings
from imageserver.config.schema import Place, read_mapping
from imageserver.config.values import Pairs, shorten
from imageserver.errors import Problem


def read_settings(
    raw: RawSettings | None, settings_class: type[Any] | None, *, code: str, data: Path
) -> tuple[object | None, list[Problem]]:
    """The validated settings of the provider `code`, or None and every problem found.

    `raw` is None when the options do not name the provider: its defaults are used then. `settings_class` is None for
    a provider without settings, whose settings are None. Relative paths begin in the data folder.
    """
    place = Place(
        file=raw.file if raw else "options.yml", line=raw.line if raw else 0, path=f"providers.{code}", folder=data
    )
    node = raw.node if raw else None
    if settings_class is None:
        if not isinstance(node, Pairs):
            return None, []
        message = "this provider has no settings"
        return None, [place.problem(key.line, shorten(key.text), message) for key, _ in node.pairs]
    try:
        return read_mapping(settings_class, node, place)
    except (TypeError, NameError) as error:  # NameError: an annotation that cannot be looked up
        return None, [place.problem(place.line, "", f"the provider's settings_class is broken: {error}")]
