"""Whether ComfyUI has the nodes and the models that the workflow names."""

from __future__ import annotations

from typing import Any

from imageserver.default_plugins.comfyui.service import Service
from imageserver.default_plugins.comfyui.workflow import Graph

_LISTED = 5  # names in a message


async def missing_thing(service: Service, graph: Graph) -> str | None:
    """One sentence about the first thing that ComfyUI lacks, or None. Raises ProviderErrors."""
    known: dict[str, dict[str, Any] | None] = {}
    for name, node in graph.items():
        kind = node["class_type"]
        if kind not in known:
            known[kind] = await service.inputs_of(kind)
        inputs = known[kind]
        if inputs is None:
            return f"ComfyUI has no node {kind}, which the workflow uses as node {name}: install it there"
        for field, value in node["inputs"].items():
            choices = _choices(inputs.get(field))
            if isinstance(value, str) and choices and value not in choices:
                listed = ", ".join(choices[:_LISTED]) + (" and others" if len(choices) > _LISTED else "")
                return f'ComfyUI has no {field} "{value:.80}" for node {name} ({kind}); it has {listed}'
    return None


def _choices(description: object) -> list[str]:
    """The names that an input may have; empty for one that is no choice."""
    if not isinstance(description, list) or not description or not isinstance(description[0], list):
        return []
    return [choice for choice in description[0] if isinstance(choice, str)]
