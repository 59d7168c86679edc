"""What ComfyUI's history says about a picture that is finished, one way or the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from imageserver import BadResult, Mask

SEED_KEY = "imageserver_seed"  # in the extra_data of an order, which the history gives back

_PICTURES = (".png", ".jpg", ".jpeg", ".webp")
_FOLDERS = ("output", "temp")  # what SaveImage keeps, then what PreviewImage shows; never an input
_MODEL_INPUTS = ("ckpt_name", "unet_name", "model_name")
SHOWN = 200  # characters of a node's own words


@frozen(kw_only=True)
class Painted:
    """Where a finished picture is, in the words of /view, and how it was made."""

    filename: str
    subfolder: str
    folder: str  # `type` there: output or temp
    model: str
    seed: int | None


def read_entry(entry: Mapping[str, Any], mask: Mask) -> Painted:
    """The picture of a finished order. Raises BadResult: an order that failed stays failed."""
    status = _mapping(entry.get("status"))
    if status.get("status_str") == "error":
        raise BadResult(_failure(status.get("messages"), mask))
    files = list(_files(_mapping(entry.get("outputs"))))
    pictures = [file for file in files if file["filename"].lower().endswith(_PICTURES)]
    for folder in _FOLDERS:
        for file in pictures:
            if file.get("type", "output") == folder:
                return Painted(
                    filename=file["filename"],
                    subfolder=str(file.get("subfolder") or ""),
                    folder=folder,
                    **_origin(entry.get("prompt")),
                )
    if files:
        raise BadResult("the workflow made something that is no PNG, JPEG or WEBP: end it with the node SaveImage")
    raise BadResult(
        "ComfyUI finished without a new picture: end the workflow with the node SaveImage, and write {seed} where the "
        "sampler's seed stands, because the same graph is not painted twice"
    )


def _failure(messages: object, mask: Mask) -> str:
    """What went wrong, and at which node."""
    for message in _list(messages):
        event, facts = message if isinstance(message, list) and len(message) == 2 else ("", {})
        facts = _mapping(facts)
        if event == "execution_interrupted":
            return "somebody interrupted the picture in ComfyUI"
        if event == "execution_error":
            kind, said = str(facts.get("exception_type", "")), str(facts.get("exception_message", ""))
            node = f"node {facts.get('node_id')} ({facts.get('node_type')})"
            is_memory = "OutOfMemory" in kind or "out of memory" in said.lower()
            remedy = ": the graphics card has too little memory, so lower pixels" if is_memory else ""
            return f'ComfyUI failed at {mask.line(node, SHOWN)}{remedy} (it said: "{mask.line(said or kind, SHOWN)}")'
    return "ComfyUI failed and does not say why: read what its window says"


def _files(outputs: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every still picture or other file of every node; moving pictures come as `animated`, `gifs` or `videos`."""
    for output in map(_mapping, outputs.values()):
        if True in _list(output.get("animated")):
            yield {"filename": "animation"}
            continue
        for kind in ("images", "gifs", "videos"):
            for file in _list(output.get(kind)):
                if isinstance(file, dict) and isinstance(file.get("filename"), str):
                    yield file


def _origin(order: object) -> dict[str, Any]:
    """Model and seed from the order as the history keeps it: [number, id, graph, extra_data, …]."""
    _number, _id, graph, extra = (order + [None] * 4)[:4] if isinstance(order, list) else [None] * 4
    inputs = [_mapping(_mapping(node).get("inputs")) for node in _mapping(graph).values()]
    models = [one[name] for one in inputs for name in _MODEL_INPUTS if isinstance(one.get(name), str)]
    seed = _mapping(extra).get(SEED_KEY)
    return {"model": models[0] if models else "", "seed": seed if isinstance(seed, int) else None}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
