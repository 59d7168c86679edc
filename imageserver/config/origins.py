"""Where the settings of a provider or an extension come from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from imageserver.config.model import RawSettings
from imageserver.config.schema import names_of, schema_of
from imageserver.config.values import Pairs


def with_origins(raw: RawSettings | None, instance: object) -> Iterator[tuple[attrs.Attribute[Any], object, str]]:
    """Each field of the validated settings `instance`, its value, and the owner's `file:line` for it, or `default`."""
    pairs = raw.node.pairs if raw is not None and isinstance(raw.node, Pairs) else ()
    lines = {key.text: f"{raw.file}:{key.line}" for key, _ in pairs} if raw else {}
    for name, attribute in schema_of(type(instance)).items():
        origin = next((lines[one] for one in names_of(attribute) if one in lines), "default")
        yield attribute, getattr(instance, name), origin
