"""The owner's workflow: a graph of nodes in ComfyUI's API format, with placeholders for what a frame wants."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from attrs import field, frozen

from imageserver import BadProviderRequest, GenerationRequest

Graph = dict[str, dict[str, Any]]  # id of the node → its class_type and its inputs

_PLACEHOLDER = re.compile(r"\{(prompt|negative|seed|width|height)\}")
_ORDER_INPUT = "imageserver_order"
_LONGEST_FILE = 4 * 1024 * 1024  # what is longer is no workflow, and cut off it is no JSON
_STEP = 8  # sides are multiples of it: a model's latent picture has an eighth of the pixels
_SHORTEST = 64


@frozen(kw_only=True)
class Workflow:
    """A workflow that can be used: it has a place for the prompt."""

    graph: Graph = field(repr=False)
    placeholders: frozenset[str]

    def filled(self, request: GenerationRequest, longer_side: int, order: str) -> Graph:
        """The graph for one picture. A value that is a number's placeholder and nothing else becomes a number.

        `order` is another text every time. It becomes an input of the last nodes, which they pass over and by which
        ComfyUI tells graphs apart: one that it has painted before would end without a picture.
        """
        width, height = request.scaled(longer_side, step=_STEP, least=_SHORTEST)
        values: dict[str, str | int] = {
            "prompt": request.prompt,
            "negative": request.negative or "",
            "seed": request.seed,
            "width": width,
            "height": height,
        }
        graph = {name: {**node, "inputs": _filled(node["inputs"], values)} for name, node in self.graph.items()}
        for name in graph.keys() - self._linked():
            graph[name]["inputs"][_ORDER_INPUT] = order
        return graph

    def _linked(self) -> set[str]:
        """The nodes whose output another one takes, through a link [id, slot]."""
        inputs = (value for node in self.graph.values() for value in node["inputs"].values())
        return {str(value[0]) for value in inputs if isinstance(value, list) and len(value) == 2}


def read_workflow(path: Path) -> Workflow:
    """The workflow in a file. Raises BadProviderRequest with a sentence that names the file."""
    try:
        with path.open("rb") as file:
            raw = file.read(_LONGEST_FILE)
        read = json.loads(raw.decode("utf-8-sig"))  # Windows editors put a mark before the text
        problem = _problem(read)
        placeholders = frozenset(_PLACEHOLDER.findall(json.dumps(read)))
    except FileNotFoundError:
        problem = "there is no such file: save the workflow there with Export (API)"
    except OSError as error:
        problem = f"it cannot be read: {error.strerror}"
    except (ValueError, RecursionError):
        problem = "it is no JSON: save the workflow again with Export (API)"
    else:
        if problem is None and "prompt" not in placeholders:
            problem = "it has no {prompt}: write {prompt} where the text of the picture stands"
        if problem is None:
            return Workflow(graph=read, placeholders=placeholders)
    raise BadProviderRequest(f"workflow {path}: {problem}")


def _problem(read: object) -> str | None:
    if not isinstance(read, dict) or not read:
        return "it is no workflow: save it again with Export (API)"
    if isinstance(read.get("nodes"), list) and "links" in read:
        return "it is in the format of the editor: save the workflow with Export (API), which is another menu entry"
    for name, node in read.items():
        if not isinstance(node, dict) or not isinstance(node.get("class_type"), str):
            return f'"{name:.40}" is no node with a class_type: save the workflow again with Export (API)'
        if not isinstance(node.get("inputs"), dict):
            return f'node "{name:.40}" has no inputs: save the workflow again with Export (API)'
    return None


def _filled(value: Any, values: dict[str, str | int]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(one, values) for name, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, values) for one in value]
    if not isinstance(value, str):
        return value
    whole = _PLACEHOLDER.fullmatch(value)
    # In one pass: a prompt that holds "{seed}" is a text and nothing else.
    return values[whole[1]] if whole else _PLACEHOLDER.sub(lambda found: str(values[found[1]]), value)
