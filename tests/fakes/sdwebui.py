"""A fake of AUTOMATIC1111's web UI and of Forge, as strict as the real ones are known to be.

What is charged here is time on a graphics card: a charge is noted when it begins to paint. Like the real one it paints
on when its caller has gone, and only `/interrupt` ends that.
"""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

from aiohttp import web

from imageserver.testing import Answer, BadPicture, FakeService, Ledger, Means, Wish

SAMPLERS = {"Euler": ["k_euler"], "Euler a": ["k_euler_a"], "DPM++ 2M": ["k_dpmpp_2m"]}
SCHEDULERS = {"automatic": "Automatic", "karras": "Karras"}
MODEL = "dreamshaper_8"
LOGIN = ("frames", "pass-word-of-the-pc")

_NUMBERS = {"seed", "width", "height", "steps", "batch_size", "n_iter"}
_TEXTS = {"prompt", "negative_prompt", "sampler_name", "scheduler"}
_SWITCHES = {"send_images", "save_images"}
_IDLE = {"skipped": False, "interrupted": False, "stopping_generation": False, "job": "", "job_count": 0}

_LISTS: dict[str, list[dict[str, object]]] = {
    "/samplers": [{"name": name, "aliases": aliases, "options": {}} for name, aliases in SAMPLERS.items()],
    "/schedulers": [{"name": name, "label": label} for name, label in SCHEDULERS.items()],
    "/sd-models": [
        {
            "title": f"{MODEL}.safetensors [879db523c3]",
            "model_name": MODEL,
            "hash": "879db523c3",
            "sha256": None,
            "filename": rf"C:\sd\models\Stable-diffusion\{MODEL}.safetensors",
        }
    ],
}

# Answers instead of a picture: status, and what AUTOMATIC1111 says, or a plain text as Forge has it.
_REFUSALS: dict[str, tuple[int, dict[str, object] | str]] = {
    "no_sampler": (400, {"error": "HTTPException", "detail": "Sampler not found", "body": "", "errors": ""}),
    "no_sampler_old": (404, {"detail": "Sampler not found"}),
    "no_model": (404, {"error": "HTTPException", "detail": "Model not found", "body": "", "errors": ""}),
    "no_script": (422, {"detail": "Script 'x' not found"}),
    "out_of_memory": (
        500,
        {
            "error": "OutOfMemoryError",
            "detail": "",
            "body": "",
            "errors": "CUDA out of memory. Tried to allocate 9 GiB",
        },
    ),
    "out_of_memory_forge": (500, "Internal Server Error"),
    "black": (
        500,
        {"error": "NansException", "detail": "", "body": "", "errors": "A tensor with all NaNs was produced"},
    ),
}

_MODES = {
    **dict.fromkeys(_REFUSALS, "an error instead of a picture"),
    "wrong_password": "nobody's password is right",
    "password_echo": "and the answer repeats it",
    "api_off": "started without --api",
    "loading": "takes questions and does not answer them",
    "endless": "paints until it is interrupted",
    "no_images": "200 with an empty list",
    "null_image": "200 with null in the list",
    "bad_base64": "200 with a picture that is none",
    "data_url": "the picture has the head of a data URL",
    "interrupted": "somebody stops the picture at the PC, and the half of it is given",
    "skipped": "the same with the other button",
    "no_info": "nothing is said about the picture",
    "old_grid": "a batch begins with a grid, and nothing says so",
}


class FakeSdWebUi(FakeService):
    """The web UI, with a login where it was started with `--api-auth`."""

    own_modes = _MODES

    def __init__(
        self, ledger: Ledger | None = None, *, login: tuple[str, str] | None = None, means: Means | None = None
    ) -> None:
        super().__init__(ledger, means=means)
        self.login = login
        self.bodies: list[dict[str, Any]] = []  # of txt2img
        self.painting = asyncio.Event()  # it has begun to paint
        self.interrupts = 0
        self.state: dict[str, object] = dict(_IDLE)

    async def answer(self, request: web.Request, mode: str) -> web.StreamResponse:
        turned_away = self.refused(mode) or self._closed(request, mode)
        if turned_away is not None:
            return turned_away
        if mode == "loading":
            await asyncio.Event().wait()  # ends with the client
        route = (request.method, request.path.removeprefix("/sdapi/v1"))
        if route == ("POST", "/txt2img"):
            return await self._paint(request, mode)
        if route == ("POST", "/interrupt"):
            self.interrupts += 1
            self.state["interrupted"] = True
            return await self.deliver(request, mode, _json({}))
        if route == ("GET", "/progress"):
            progress = {"progress": 0.0, "eta_relative": 0.0, "state": self.state, "current_image": None}
            return await self.deliver(request, mode, _json(progress))
        if route[0] == "GET" and route[1] in _LISTS:
            return await self.deliver(request, mode, _json(_LISTS[route[1]]))
        return _refusal(404, "Not Found")

    def _closed(self, request: web.Request, mode: str) -> web.Response | None:
        if mode == "api_off":
            return _refusal(404, "Not Found")
        if mode not in ("wrong_password", "password_echo") and self._knows(request):
            return None
        detail = "Incorrect username or password"
        if mode == "password_echo":
            detail += f" ({request.headers['Authorization']}, {LOGIN[1]})"
        return _refusal(401, detail, {"WWW-Authenticate": "Basic"})

    async def _paint(self, request: web.Request, mode: str) -> web.StreamResponse:
        body = await request.json()
        problems = _problems(body)
        if problems:
            return _answer(422, {"detail": problems})
        if body.get("sampler_name", "Euler") not in SAMPLERS:
            return _answer(*_REFUSALS["no_sampler"])
        self.bodies.append(body)
        self.wishes.append(
            Wish(
                prompt=body["prompt"],
                negative=body.get("negative_prompt"),
                width=body["width"],
                height=body["height"],
                seed=body["seed"],
            )
        )
        self.ledger.note("charge", prompt=body["prompt"])
        self.state = {**_IDLE, "job": "scripts_txt2img", "job_count": 1}
        self.painting.set()
        if mode == "endless":
            await asyncio.Event().wait()  # until the caller goes; the state stays as it is
        self.state = {**_IDLE, "interrupted": mode == "interrupted", "skipped": mode == "skipped"}
        if mode in _REFUSALS:
            return _answer(*_REFUSALS[mode])
        return await self.deliver(request, mode, _json(self._result(body, mode)))

    def _result(self, body: dict[str, Any], mode: str) -> dict[str, object]:
        count = body.get("batch_size", 1) * body.get("n_iter", 1)
        size = (body["width"] // 2, body["height"] // 2)  # quick to paint
        images: list[str | None] = [base64.b64encode(self.paint(mode, size)).decode() for _ in range(count)]
        info = {"seed": body["seed"], "sd_model_name": MODEL, "index_of_first_image": int(count > 1)}
        if count > 1:  # a grid of all stands first
            images.insert(0, base64.b64encode(self.paint(BadPicture.FLAT)).decode())
        if mode in ("no_info", "old_grid"):
            info = {}
        if mode == "no_images":
            images = []
        elif mode == "null_image":
            images = [None]
        elif mode == "bad_base64":
            images = [f"%{images[0]}"]
        elif mode == "data_url":
            images = [f"data:image/png;base64,{images[0]}"]
        return {"images": images, "parameters": {}, "info": json.dumps(info)}

    def _knows(self, request: web.Request) -> bool:
        if self.login is None:
            return True
        login = base64.b64encode(":".join(self.login).encode()).decode()
        return request.headers.get("Authorization") == f"Basic {login}"


def _problems(body: dict[str, Any]) -> list[dict[str, object]]:
    """What the types of the fields say. Fields that it does not know are passed over, as the real one does."""
    wrong = [name for name in sorted(_NUMBERS & body.keys()) if type(body[name]) is not int]
    wrong += [name for name in sorted(_TEXTS & body.keys()) if not isinstance(body[name], str)]
    wrong += [name for name in sorted(_SWITCHES & body.keys()) if not isinstance(body[name], bool)]
    if not isinstance(body.get("cfg_scale", 7.0), int | float):
        wrong.append("cfg_scale")
    if not isinstance(body.get("styles", []), list):
        wrong.append("styles")
    if not isinstance(body.get("override_settings", {}), dict):
        wrong.append("override_settings")
    wrong += [side for side in ("width", "height") if side not in wrong and body.get(side, 512) % 8]
    return [{"loc": ["body", name], "msg": "value is not valid", "type": "type_error"} for name in wrong]


def _refusal(status: int, detail: str, headers: dict[str, str] | None = None) -> web.Response:
    body = {"error": "HTTPException", "detail": detail, "body": "", "errors": ""}
    return web.json_response(body, status=status, headers=headers)


def _answer(status: int, body: dict[str, object] | str) -> web.Response:
    if isinstance(body, str):
        return web.Response(status=status, text=body)
    return web.json_response(body, status=status)


def _json(answer: object) -> Answer:
    return Answer(body=json.dumps(answer).encode())
