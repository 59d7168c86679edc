"""Whether the web UI has what the settings name. It replaces an unknown model by another one without a word."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PureWindowsPath
from typing import Any

from imageserver import BadProviderRequest
from imageserver.default_plugins.sdwebui.service import Service

_LISTED = 5  # names in a message


async def missing_thing(service: Service) -> str | None:
    """One sentence about the first name that the web UI does not know, or None. Raises ProviderErrors."""
    settings = service.settings
    for key, wanted, kind in (
        ("model", settings.model, "sd-models"),
        ("sampler", settings.sampler, "samplers"),
        ("scheduler", settings.scheduler, "schedulers"),
    ):
        if wanted is None:
            continue
        try:
            things = await service.things(kind)
        except BadProviderRequest:
            continue  # older web UIs lack some of these lists
        if things and not any(wanted in _names(thing) for thing in things):
            return f'the web UI has no {key} "{wanted}"; it has {_listed(things)}'
    return None


def _names(thing: dict[str, Any]) -> Iterable[str]:
    """Everything that the web UI takes for this thing."""
    for name in ("title", "model_name", "hash", "sha256", "name", "label"):
        if isinstance(thing.get(name), str):
            yield thing[name]
            yield thing[name].partition(" [")[0]  # a model's title has its hash behind it
    if isinstance(thing.get("filename"), str):
        yield PureWindowsPath(thing["filename"]).name  # reads both kinds of paths
    if isinstance(thing.get("aliases"), list):
        yield from map(str, thing["aliases"])


def _listed(things: list[dict[str, Any]]) -> str:
    names = [next(iter(_names(thing)), "?") for thing in things]
    return ", ".join(names[:_LISTED]) + (" and others" if len(names) > _LISTED else "")
