"""A fake ComfyUI, as strict as the real one is known to be: it checks every node, and paints a graph only once.

What is charged here is time on a graphics card: a charge is noted when an order is taken. An order waits for `polls`
questions about its history, then it is finished.
"""

from __future__ import annotations

import asyncio
import io
import json
import uuid
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from attrs import define, field
from PIL import Image

from imageserver.testing import Answer, FakeService, Ledger, Means, Wish

MODEL = "sd_xl_base_1.0.safetensors"
# Class → input → its type, or the names it may have. A link is ["node", slot] wherever none of these stands.
NODES: dict[str, dict[str, Any]] = {
    "CheckpointLoaderSimple": {"ckpt_name": [MODEL, "v1-5-pruned.safetensors"]},
    "CLIPTextEncode": {"text": str, "clip": None},
    "EmptyLatentImage": {"width": int, "height": int, "batch_size": int},
    "KSampler": {
        **{"model": None, "positive": None, "negative": None, "latent_image": None},
        **{"seed": int, "steps": int, "cfg": float, "denoise": float},
        **{"sampler_name": ["euler", "dpmpp_2m"], "scheduler": ["normal", "karras"]},
    },
    "VAEDecode": {"samples": None, "vae": None},
    "SaveImage": {"images": None, "filename_prefix": str},
    "PreviewImage": {"images": None},
}
_OUTPUTS = ("SaveImage", "PreviewImage")
_STATS = {"system": {"os": "nt", "comfyui_version": "0.3.75"}, "devices": []}
_MEMORY = "Allocation on device 0 would exceed allowed memory. (out of memory)"
_MODES = {
    "queued": "somebody else's picture runs, and ours waits",
    "running": "ours runs and does not end",
    "evicted": "an order is neither in the queue nor in the history",
    "interrupted": "somebody stops it",
    "failed": "a node raises",
    "out_of_memory": "the sampler raises",
    "no_reason": "an error that has no messages",
    "cached": "success, and nothing new was painted",
    "video": "the outputs are moving pictures",
    "preview_too": "a preview comes before what was saved",
    "preview_only": "nothing was saved",
    "file_gone": "the picture's file is not there",
    "no_prompt": "the order is refused in the odd shape",
    "node_errors": "nodes are refused that were fine",
    "partly": "taken, but with errors at some nodes",
    "no_prompt_id": "taken, and no id is given",
    "deaf": "an order is taken and never answered, and waits behind another one",
    "large": "a picture of many bytes",
    "stranger": "something else listens at the port",
}


class _Refused(Exception):
    """A 400 of /prompt."""

    def __init__(self, body: dict[str, Any]) -> None:
        super().__init__(str(body))
        self.body = body


@define
class Order:
    """One graph in the queue, running or done."""

    id: str
    graph: dict[str, Any]
    extra: dict[str, Any]
    questions: int
    is_cached: bool
    mode: str
    picture: bytes = field(repr=False)

    def listed(self) -> list[object]:
        return [1, self.id, self.graph, self.extra, ["9"]]


class FakeComfyUi(FakeService):
    """ComfyUI with one graphics card."""

    own_modes = _MODES

    def __init__(self, ledger: Ledger | None = None, *, polls: int = 0, means: Means | None = None) -> None:
        super().__init__(ledger, means=means)
        self.polls = polls
        self.graphs: list[dict[str, Any]] = []  # that were taken
        self.deleted: list[str] = []
        self.interrupted: list[str | None] = []  # the ids that came with /interrupt
        self.viewed: list[dict[str, str]] = []
        self.orders: dict[str, Order] = {}
        self.taken = asyncio.Event()  # an order has come
        self.executing: list[str] = []  # ids, which may be of another client
        self.waiting: list[str] = []

    async def answer(self, request: web.Request, mode: str) -> web.StreamResponse:
        turned_away = self.refused(mode)
        if turned_away is not None:
            return turned_away
        if mode == "stranger":
            return await self.deliver(request, mode, _json({"hello": "world"}))
        try:
            answer = await self._route(request, mode)
            if mode == "deaf" and request.path == "/prompt":
                await asyncio.Event().wait()  # ends with the client
        except _Refused as refused:
            return web.json_response(refused.body, status=400)
        return (
            web.Response(status=404, text="404: Not Found")
            if answer is None
            else await self.deliver(request, mode, answer)
        )

    async def _route(self, request: web.Request, mode: str) -> Answer | None:
        place, _, rest = request.path.strip("/").partition("/")
        if request.method == "POST":
            body = await request.json() if request.can_read_body else {}
            changes = {"prompt": self._order, "queue": self._change_queue, "interrupt": self._interrupt}
            return changes[place](body, mode) if place in changes else None
        questions: dict[str, Any] = {
            "history": lambda: self._history(rest, mode),
            "queue": lambda: _json(
                {"queue_running": self._listed(self.executing), "queue_pending": self._listed(self.waiting)}
            ),
            "view": lambda: self._view(request, mode),
            "system_stats": lambda: _json(_STATS),
            "object_info": lambda: _json({rest: _described(NODES[rest])} if rest in NODES else {}),
        }
        return questions[place]() if place in questions else None

    def _order(self, body: dict[str, Any], mode: str) -> Answer:
        if "prompt" not in body or mode == "no_prompt":
            raise _Refused({"error": "no prompt", "node_errors": []})
        graph = body["prompt"]
        errors = _node_errors(graph)
        if mode in ("node_errors", "partly"):
            errors = {"4": _wrong("CheckpointLoaderSimple", f"ckpt_name: '{MODEL}' not in []", "value_not_in_list")}
        if errors and mode != "partly":
            error = {"type": "prompt_outputs_failed_validation", "message": "Prompt outputs failed validation"}
            raise _Refused({"error": {**error, "details": "", "extra_info": {}}, "node_errors": errors})
        self.wishes.append(_wish(graph))
        self.ledger.note("charge", prompt=self.wishes[-1].prompt)
        extra = {**body.get("extra_data", {}), "client_id": body.get("client_id")}
        order = Order(
            id=str(uuid.uuid4()),
            graph=graph,
            extra=extra,
            questions=self.polls,
            is_cached=graph in self.graphs or mode == "cached",
            mode=mode,
            picture=self.paint(mode),
        )
        self.graphs.append(graph)
        self.orders[order.id] = order
        self.taken.set()
        (self.waiting if mode in ("queued", "deaf") else self.executing).append(order.id)
        return _json({"number": 1, "node_errors": errors} | ({} if mode == "no_prompt_id" else {"prompt_id": order.id}))

    def _history(self, ticket: str, mode: str) -> Answer:
        order = self.orders.get(ticket)
        if order is not None and mode == "evicted":
            self._end(ticket)
            order = None
        if order is None or mode in ("queued", "running"):
            return _json({})
        if order.questions > 0:
            order.questions -= 1
            return _json({})
        self._end(ticket)
        kind = mode if mode in _MODES else order.mode
        messages = _messages(kind)
        status = {"status_str": "error" if messages is not None else "success", "messages": messages or []}
        outputs = {} if messages is not None or order.is_cached else _outputs(kind)
        entry = {"prompt": order.listed(), "outputs": outputs, "status": {**status, "completed": messages is None}}
        return _json({ticket: entry})

    def _change_queue(self, body: dict[str, Any], _mode: str) -> Answer:
        for ticket in body.get("delete", []):
            if ticket in self.waiting:
                self.deleted.append(ticket)
                self._end(ticket)
        return Answer(body=b"")

    def _interrupt(self, body: dict[str, Any], _mode: str) -> Answer:
        self.interrupted.append(body.get("prompt_id"))
        self.executing.clear()
        return Answer(body=b"")

    def _view(self, request: web.Request, mode: str) -> Answer | None:
        asked = dict(request.query)
        self.viewed.append(asked)
        if mode == "file_gone" or not self.orders:
            return None
        picture = list(self.orders.values())[-1].picture
        if mode == "large" and "preview" not in asked:
            picture += bytes(33 * 1024 * 1024)
        if "preview" in asked:
            file = io.BytesIO()
            Image.open(io.BytesIO(picture)).save(file, asked["preview"].split(";")[0].upper())
            picture = file.getvalue()
        return Answer(body=picture, content_type="image/png")

    def _listed(self, tickets: list[str]) -> list[list[object]]:
        return [self.orders[one].listed() if one in self.orders else [0, one, {}, {}, []] for one in tickets]

    def _end(self, ticket: str) -> None:
        for tickets in (self.executing, self.waiting):
            if ticket in tickets:
                tickets.remove(ticket)


def _node_errors(graph: Any) -> dict[str, Any]:
    """What is wrong with the nodes, in ComfyUI's words."""
    for name, node in graph.items() if isinstance(graph, dict) else ():
        if not isinstance(node, dict) or "class_type" not in node:
            message = "Cannot execute because a node is missing the class_type property."
            raise _Refused({"error": {"type": "invalid_prompt", "message": message, "details": f"Node ID '#{name}'"}})
        if node["class_type"] not in NODES:
            message = f"Node '{node['class_type']}' not found. The custom node may not be installed."
            raise _Refused(
                {"error": {"type": "missing_node_type", "message": message, "details": ""}, "node_errors": {}}
            )
    if not any(node["class_type"] in _OUTPUTS for node in graph.values()):
        raise _Refused({"error": {"type": "prompt_no_outputs", "message": "Prompt has no outputs", "details": ""}})
    return {
        name: _wrong(node["class_type"], *wrong)
        for name, node in graph.items()
        for key, kind in NODES[node["class_type"]].items()
        if (wrong := _input_error(key, kind, node["inputs"].get(key), graph)) is not None
    }


def _input_error(key: str, kind: Any, value: Any, graph: dict[str, Any]) -> tuple[str, str] | None:
    if value is None:
        return key, "required_input_missing"
    if isinstance(kind, list):
        return None if value in kind else (f"{key}: '{value}' not in {kind}", "value_not_in_list")
    if kind in (int, float) and isinstance(value, str):
        return f"{key}, {value}, not a number", "invalid_input_type"
    if kind is None and not (isinstance(value, list) and str(value[0]) in graph):
        return key, "bad_linked_input"
    return None


def _wrong(node_class: str, details: str, kind: str) -> dict[str, Any]:
    messages = {"required_input_missing": "Required input is missing", "value_not_in_list": "Value not in list"}
    error = {"type": kind, "message": messages.get(kind, "Failed to convert an input value"), "details": details}
    return {"errors": [error], "dependent_outputs": ["9"], "class_type": node_class}


def _messages(kind: str) -> list[object] | None:
    """What a failure leaves in the history; None for a success."""
    facts: dict[str, object] = {"node_id": "3", "node_type": "KSampler", "traceback": ["…"]}
    known: Mapping[str, list[object]] = {
        "interrupted": [["execution_start", {}], ["execution_interrupted", facts]],
        "failed": [
            ["execution_start", {}],
            ["execution_error", {**facts, "exception_type": "RuntimeError", "exception_message": "shapes\ndiffer"}],
        ],
        "out_of_memory": [
            ["execution_error", {**facts, "exception_type": "torch.OutOfMemoryError", "exception_message": _MEMORY}]
        ],
        "no_reason": [],
    }
    return known.get(kind)


def _outputs(kind: str) -> dict[str, Any]:
    saved = {"images": [{"filename": "frame_00001_.png", "subfolder": "frames", "type": "output"}]}
    preview = {"images": [{"filename": "ComfyUI_temp_x_00001_.png", "subfolder": "", "type": "temp"}]}
    if kind == "video":
        clip = {"filename": "clip.mp4", "subfolder": "", "type": "output"}
        loop = {"filename": "loop.webp", "subfolder": "", "type": "output"}
        return {"8": {"gifs": [clip]}, "9": {"images": [loop], "animated": [True]}}
    if kind == "preview_only":
        return {"7": preview}
    return {"7": preview, "9": saved} if kind == "preview_too" else {"9": saved}


def _wish(graph: dict[str, Any]) -> Wish:
    """What the sampler and the nodes before it are told."""
    sampler = next(node["inputs"] for node in graph.values() if node["class_type"] == "KSampler")
    texts = [graph[str(sampler[side][0])]["inputs"]["text"] for side in ("positive", "negative")]
    latent = graph[str(sampler["latent_image"][0])]["inputs"]
    return Wish(
        prompt=texts[0], negative=texts[1], width=latent["width"], height=latent["height"], seed=sampler["seed"]
    )


def _described(inputs: dict[str, Any]) -> dict[str, Any]:
    names: dict[Any, str] = {str: "STRING", int: "INT", float: "FLOAT", None: "LINK"}
    required: dict[str, list[Any]] = {
        key: [kind if isinstance(kind, list) else names[kind], {}] for key, kind in inputs.items()
    }
    return {"input": {"required": required}, "output_node": False}


def _json(answer: object) -> Answer:
    return Answer(body=json.dumps(answer).encode())
