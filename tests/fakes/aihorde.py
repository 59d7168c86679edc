"""A fake AI Horde: orders, their progress, and pictures behind links. It refuses what the real one refuses."""

from __future__ import annotations

import base64
import io
import json
import uuid
from typing import Any

from aiohttp import web
from attrs import define
from PIL import Image

from imageserver.testing import Answer, BadPicture, FakeService, Wish

KEYS = {"0000000000", "key-for-tests"}
API = "/api/v2"
_TOO_FEW_KUDOS = "Due to heavy demand, for requests over 576x576 or over 40 steps, the client needs the required kudos."

# Answers without a picture: mode → status, rc, words.
_REFUSALS: dict[str, tuple[int, str, str]] = {
    "wrong_key": (401, "InvalidAPIKey", "No user matching sent API Key. Have you remembered to register?"),
    "kudos": (403, "KudosUpfront", _TOO_FEW_KUDOS),
    "ip_timeout": (403, "TimeoutIP", "Due to abuse prevention, your IP address is in timeout for 43 more seconds."),
    "client_agent": (400, "BadClientAgent", "This client agent is banned."),
    "corrupt_prompt": (400, "CorruptPrompt", "This prompt appears to violate our terms of service."),
    "size_refused": (400, "InvalidSize", "Invalid size. The image dimensions have to be multiples of 64."),
    "unheard_of": (400, "FlowShiftOutOfRange", "Flow shift is outside the range."),
    "too_many": (429, "TooManyPrompts", "Parallel requests exceeded user limit (30). Please try again later."),
    "maintenance": (503, "MaintenanceMode", "The server has entered maintenance mode. Please try again later."),
}
# How an order may end, or not; and other ways of saying the same.
_ENDS = (
    "never_done",
    "impossible",
    "faulted",
    "faulted_not_cancelled",
    "censored",
    "censored_told_by_metadata",
    "expired",
    "done_without_picture",
    "bad_base64",
    "as_base64",
    "link_expired",
    "link_elsewhere",
    "no_worker_yet",
    "ticket_missing",
    "key_echo",
)


class Refused(Exception):
    """An error answer."""

    def __init__(self, status: int, code: str, words: str) -> None:
        super().__init__(words)
        self.status, self.body = status, {"message": words, "rc": code}


@define
class _Order:
    seed: str
    questions: int  # that are still answered with "not done"


class FakeAIHorde(FakeService):
    """The service. `polls` is how often an order is asked about before its picture is there."""

    own_modes = dict.fromkeys((*_REFUSALS, *_ENDS), "")

    def __init__(self, polls: int = 1) -> None:
        super().__init__()
        self.polls = polls
        self.bodies: list[dict[str, Any]] = []  # of the orders that were taken
        self.agents: list[str] = []  # the Client-Agent of every request
        self.cancelled: list[str] = []
        self._orders: dict[str, _Order] = {}

    async def answer(self, request: web.Request, mode: str) -> web.StreamResponse:
        if request.path.startswith("/r2/"):
            return await self._picture(request, mode)
        turned_away = self.refused(mode)
        if turned_away is not None:
            return turned_away
        try:
            return await self._interface(request, mode)
        except Refused as refused:
            return web.json_response(refused.body, status=refused.status)

    async def _interface(self, request: web.Request, mode: str) -> web.StreamResponse:
        agent = request.headers.get("Client-Agent", "")
        if len(agent.split(":")) < 3:
            raise Refused(400, "BadClientAgent", "Client-Agent must be name:version:contact")
        self.agents.append(agent)
        path = request.path.removeprefix(f"{API}/generate/")
        kind, _, ticket = path.partition("/")
        if request.method == "DELETE" and kind == "status":
            return web.Response(status=500) if mode == "faulted_not_cancelled" else self._cancel(ticket)
        if mode in _REFUSALS:
            raise Refused(*_REFUSALS[mode])
        if mode == "key_echo":
            raise Refused(401, "InvalidAPIKey", f"No user matching {request.headers['apikey']}")
        if request.method == "POST" and path == "async":
            return await self._take_order(request, mode)
        if request.method == "GET" and kind in ("check", "status"):
            return await self._progress(request, mode, kind, ticket)
        raise Refused(404, "ThingNotFound", "No such address")

    async def _take_order(self, request: web.Request, mode: str) -> web.StreamResponse:
        if request.headers.get("apikey") not in KEYS:
            raise Refused(*_REFUSALS["wrong_key"])
        body = await request.json()
        _check_order(body)
        if body.get("dry_run"):
            return await self.deliver(request, mode, _json({"kudos": 9.5}))
        params = body["params"]
        ticket = str(uuid.uuid4())
        self.bodies.append(body)
        prompt, _, negative = body["prompt"].partition(" ### ")
        self.wishes.append(
            Wish(
                prompt=prompt,
                negative=negative or None,
                width=params["width"],
                height=params["height"],
                seed=int(params["seed"]),
            )
        )
        self._orders[ticket] = _Order(seed=params["seed"], questions=self.polls)
        self.ledger.note("charge", prompt=prompt, ticket=ticket)
        answer: dict[str, Any] = {"id": ticket, "kudos": 9.5}
        if mode == "no_worker_yet":
            answer["warnings"] = [{"code": "NoAvailableWorker", "message": "There are no workers for this request."}]
        if mode == "ticket_missing":
            del answer["id"]
        return await self.deliver(request, mode, _json(answer, status=202))

    async def _progress(self, request: web.Request, mode: str, kind: str, ticket: str) -> web.StreamResponse:
        order = self._orders.get(ticket)
        if order is None or mode == "expired":
            raise Refused(404, "RequestNotFound", f"Request with ID '{ticket}' not found.")
        done = order.questions <= 0 and mode != "never_done"
        order.questions -= 1 if kind == "check" and mode != "never_done" else 0
        answer: dict[str, Any] = {
            "finished": int(done),
            "processing": 0,
            "restarted": 0,
            "waiting": int(not done),
            "done": done and mode != "impossible",
            "faulted": mode.startswith("faulted"),
            "wait_time": 0 if done else 95,
            "queue_position": 0 if done else 7,
            "kudos": 9.5,
            "is_possible": mode != "impossible",
        }
        if kind == "status":
            answer["generations"] = [self._generation(mode, ticket, order)] if done else []
            answer["shared"] = True
            if mode == "done_without_picture":
                answer["generations"] = []
        return await self.deliver(request, mode, _json(answer))

    def _generation(self, mode: str, ticket: str, order: _Order) -> dict[str, Any]:
        link = f"{self.url}/r2/{ticket}.webp?X-Amz-Expires=1800"
        if mode == "as_base64":
            link = base64.b64encode(self._webp(mode)).decode()
        elif mode == "bad_base64":
            link = "%%% no base64"
        elif mode == "link_elsewhere":
            link = "http://127.0.0.1:9/r2/picture.webp"
        told = {"type": "censorship", "value": "nsfw"}
        return {
            "img": link,
            "seed": order.seed,
            "id": str(uuid.uuid4()),
            "censored": mode == "censored",
            "gen_metadata": [told] if mode == "censored_told_by_metadata" else [],
            "model": "Deliberate",
            "state": "ok",
            "worker_id": str(uuid.uuid4()),
            "worker_name": "a volunteer",
        }

    async def _picture(self, request: web.Request, mode: str) -> web.StreamResponse:
        if "apikey" in request.headers:
            return web.Response(status=400, text="the key was sent where no key belongs")
        if mode == "link_expired":
            return web.Response(status=403, text="<Error><Code>AccessDenied</Code></Error>", content_type="text/xml")
        return await self.deliver(request, mode, Answer(body=self._webp(mode), content_type="image/webp"))

    def _webp(self, mode: str) -> bytes:
        picture = self.paint(mode)
        if mode in set(BadPicture):
            return picture
        file = io.BytesIO()
        Image.open(io.BytesIO(picture)).save(file, "WEBP", lossless=True, method=0)
        return file.getvalue()

    def _cancel(self, ticket: str) -> web.Response:
        if self._orders.pop(ticket, None) is None:
            raise Refused(404, "RequestNotFound", f"Request with ID '{ticket}' not found.")
        self.cancelled.append(ticket)
        return web.json_response({"done": False, "generations": []})


def _check_order(body: dict[str, Any]) -> None:
    params = body.get("params", {})
    unknown = body.keys() - {
        "prompt", "params", "nsfw", "censor_nsfw", "trusted_workers", "slow_workers", "allow_downgrade", "r2", "models",
        "dry_run",
    }  # fmt: skip
    unknown |= params.keys() - {"width", "height", "steps", "n", "sampler_name", "cfg_scale", "seed"}
    if unknown:
        raise Refused(400, "BadRequest", f"Input payload validation failed: {sorted(unknown)}")
    if not isinstance(body.get("prompt"), str) or not body["prompt"].strip():
        raise Refused(400, "MissingPrompt", "You cannot specify an empty prompt.")
    if any(type(params.get(side)) is not int or params[side] % 64 or params[side] < 64 for side in ("width", "height")):
        raise Refused(*_REFUSALS["size_refused"])
    if not isinstance(params.get("seed"), str):
        raise Refused(400, "BadRequest", "Input payload validation failed: seed is not of type 'string'")
    if round(params.get("cfg_scale", 7.5), 2) != params.get("cfg_scale", 7.5):
        raise Refused(400, "BadCFGDecimals", "cfg_scale must be rounded to 2 decimal places")
    if not 1 <= params.get("steps", 30) <= 500:
        raise Refused(400, "TooManySteps", "Too many sampling steps.")


def _json(answer: dict[str, Any], status: int = 200) -> Answer:
    return Answer(body=json.dumps(answer).encode(), status=status)
