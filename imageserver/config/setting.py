"""How one option is declared: the field of a schema."""

from __future__ import annotations

from typing import Any

from attrs import field

from imageserver.config.limits import Check


def setting(
    *, default: Any, doc: str, check: Check | None = None, secret: bool = False, alias: str | None = None
) -> Any:
    """One option: its default, the sentence that documents it, its limits, whether it is masked, its other name."""
    metadata = {"doc": doc, "secret": secret, "other_name": alias}
    return field(default=default, validator=check, repr=not secret, metadata=metadata)
