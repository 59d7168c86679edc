"""A fake of OpenAI's Images API, as strict as the real one is known to be, with the habits of its look-alikes as modes.

A wrong request is refused in the service's own words and charged to nobody; every other mode charges before it answers,
also when the answer then never arrives. As LocalAI it takes `response_format` and answers with addresses otherwise.
"""

from __future__ import annotations

import base64
import io
import json
from typing import Any

from aiohttp import web
from PIL import Image

from imageserver.testing import Answer, FakeService, Ledger, Means, Wish

KEY = "sk-proj-fake-0123456789abcdefghijklmnopqrstuvwxyz"
MODEL = "gpt-image-2"
SHUTDOWN = "2026-12-01"

_MODELS = {MODEL: None, "gpt-image-1-mini": SHUTDOWN, "gpt-5": None}
_SIZES = {"1024x1024", "1024x1536", "1536x1024", "auto"}
_QUALITIES = {"low", "medium", "high", "auto"}
_FIELDS = {"prompt", "model", "n", "size", "quality", "output_format", "output_compression", "background", "moderation"}
_PICTURES = "/generated-images/"


class Refused(Exception):
    """An error answer, without a charge."""

    def __init__(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        super().__init__(str(body))
        self.status, self.body, self.headers = status, body, headers or {}


def refusal(
    status: int, message: str, code: object = None, kind: str = "invalid_request_error", param: str | None = None
) -> Refused:
    """An error as OpenAI writes it."""
    return Refused(status, {"error": {"message": message, "type": kind, "param": param, "code": code}})


_UNSAFE = "Your request was rejected by the safety system."
_REFUSALS: dict[str, Refused] = {
    "wrong_key": refusal(401, "Incorrect API key provided.", "invalid_api_key"),
    "wrong_key_400": Refused(400, {"error": {"message": "Invalid key", "code": "invalid_api_key"}}),
    "unverified": refusal(403, "Your organization must be verified to use the model `gpt-image-2`."),
    "region": refusal(403, "Country, region, or territory not supported", "unsupported_country_region_territory"),
    "quota": refusal(429, "You exceeded your current quota.", "insufficient_quota", "insufficient_quota"),
    "quota_by_type": refusal(429, "You exceeded your current quota.", None, "insufficient_quota"),
    "hard_limit": refusal(400, "Billing hard limit has been reached.", "billing_hard_limit_reached"),
    "no_money": Refused(402, {"error": {"message": "Insufficient credits", "code": 402}}),
    "rate": Refused(
        429, {"error": {"message": "Rate limit reached", "code": "rate_limit_exceeded"}}, {"Retry-After": "9"}
    ),
    "rate_ms": Refused(
        429,
        {"error": {"message": "Rate limit reached", "code": "rate_limit_exceeded"}},
        {"Retry-After": "9", "retry-after-ms": "8200"},
    ),
    "moderation": refusal(400, _UNSAFE, "moderation_blocked", "image_generation_user_error"),
    "moderation_dalle": refusal(400, "Rejected.", "content_policy_violation"),
    "moderation_words": Refused(400, {"error": _UNSAFE}),
    "model_gone": refusal(404, "Gone.", "model_not_found"),
    "model_words": refusal(400, "The model `gpt-image-2` does not exist or you do not have access to it."),
    "model_param": refusal(400, "Invalid value: 'gpt-image-2'.", "invalid_value", param="model"),
    "bad_size": refusal(400, "Invalid size.", "invalid_size", param="size"),
    "xai_size": Refused(400, {"code": "400", "error": "Argument not supported: size"}),
    "xai_key": Refused(400, {"code": "invalid_api_key", "error": "Incorrect API key provided"}),
    "bad_quality": refusal(400, "Invalid value.", "invalid_value", param="quality"),
    "other_400": refusal(400, "Prompt is too long.", "string_above_max_length", param="prompt"),
    "no_route": Refused(404, {"detail": "Not Found"}),
    "unprocessable": Refused(422, {"detail": [{"loc": ["body"], "msg": "Field required"}]}),
    "int_code": Refused(500, {"error": {"code": 500, "message": "could not load model", "type": ""}}),
}
_ANSWERS = {
    "by_url": "the picture lies at an address of its own",
    "by_path": "and only the path of it is told",
    "by_foreign_url": "and it is on another port of this machine",
    "by_no_url": "and the address is none",
    "url_expired": "403 at the picture's address",
    "url_gone": "404 at the picture's address",
    "url_page": "a page at the picture's address",
    "url_data": "a data URL where an address is usual",
    "data_url": "a data URL where base64 is usual",
    "png": "a PNG",
    "webp": "a WEBP",
    "revised": "the prompt was rewritten, with the key in it",
    "empty_data": "200 with an empty list",
    "null_picture": "200 with null for a picture",
    "no_data": "200 with an object that holds nothing",
    "a_list": "200 with a list",
    "bad_base64": "200 with a picture that is none",
    "error_in_200": "200 with an error",
    "key_echo": "401, and the answer repeats the key and its beginning",
    "models_missing": "there is no list of models",
    "models_short": "the list of models has others only",
    "models_empty": "the list of models is empty",
    "models_end": "the model's end is told as a date",
    "models_end_seconds": "the model's end is told in seconds",
}
_MODES = {**dict.fromkeys(_REFUSALS, "an error instead of a picture"), **_ANSWERS}


class FakeOpenAi(FakeService):
    """The service, with one customer."""

    own_modes = _MODES

    def __init__(self, ledger: Ledger | None = None, *, means: Means | None = None, is_localai: bool = False) -> None:
        super().__init__(ledger, means=means)
        self.is_localai = is_localai  # nobody needs a key, and response_format is known
        self.bodies: list[dict[str, Any]] = []  # of the requests that were accepted
        self.headers: list[dict[str, str]] = []  # of every request, names in lower case
        self._pictures: dict[str, bytes] = {}

    async def answer(self, request: web.Request, mode: str) -> web.StreamResponse:
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        turned_away = self.refused(mode)
        if turned_away is not None:
            return turned_away
        try:
            if request.method == "GET" and request.path.startswith(_PICTURES):
                return self._stored(request, mode)
            self._check_caller(request, mode)
            if mode in _REFUSALS:
                raise _REFUSALS[mode]
            if (request.method, request.path) == ("POST", "/v1/images/generations"):
                return await self._draw(request, mode)
            if (request.method, request.path) == ("GET", "/v1/models") and mode != "models_missing":
                return await self.deliver(request, mode, _json(_models(mode)))
            raise refusal(404, f"Invalid URL ({request.method} {request.path})")
        except Refused as refused:
            return web.json_response(refused.body, status=refused.status, headers=refused.headers)

    async def _draw(self, request: web.Request, mode: str) -> web.StreamResponse:
        if request.content_type != "application/json":
            raise refusal(400, "Unsupported content type")
        body: dict[str, Any] = await request.json()
        self._check_body(body)
        self.bodies.append(body)
        sides = body.get("size", "auto")
        width, height = map(int, sides.split("x")) if "x" in sides else (1024, 1024)
        self.wishes.append(Wish(prompt=body["prompt"], width=width, height=height))
        self.ledger.note("charge", prompt=body["prompt"])
        # smaller than asked, and so quick to paint
        picture = _converted(self.paint(mode, (width // 4, height // 4)), mode)
        by_url = mode.startswith(("by_", "url_")) or (self.is_localai and body.get("response_format") != "b64_json")
        first = self._by_url(picture, mode) if by_url else {"b64_json": base64.b64encode(picture).decode()}
        return await self.deliver(request, mode, _json(_spoilt(first, mode)))

    def _by_url(self, picture: bytes, mode: str) -> dict[str, Any]:
        path = f"{_PICTURES}b64{len(self._pictures)}.png"
        self._pictures[path] = picture
        urls = {
            "by_path": path,
            "by_foreign_url": f"http://127.0.0.1:{self.control_port}{path}",
            "by_no_url": "http://[what",
            "url_data": f"data:image/jpeg;base64,{base64.b64encode(picture).decode()}",
        }
        return {"url": urls.get(mode, self.url + path), "b64_json": None}

    def _stored(self, request: web.Request, mode: str) -> web.Response:
        statuses = {"url_expired": 403, "url_gone": 404}
        if mode in statuses:
            return web.Response(status=statuses[mode], text="<Error/>", content_type="application/xml")
        if mode == "url_page":
            return web.Response(text="<html>log in</html>", content_type="text/html")
        return web.Response(body=self._pictures[request.path], content_type="image/png")

    def _check_caller(self, request: web.Request, mode: str) -> None:
        given = request.headers.get("Authorization", "")
        if mode == "key_echo":
            key = given.removeprefix("Bearer ")
            raise refusal(401, f"Incorrect API key provided: {key} ({key[:14]}…)", "invalid_api_key")
        if not given and not self.is_localai:
            raise refusal(401, "You didn't provide an API key.")
        if given and given != f"Bearer {KEY}":
            raise _REFUSALS["wrong_key"]

    def _check_body(self, body: dict[str, Any]) -> None:
        known = _FIELDS | ({"response_format", "step", "mode"} if self.is_localai else set())
        for name in body:
            if name not in known:
                raise refusal(400, f"Unknown parameter: '{name}'.", "unknown_parameter", param=name)
        if body.get("model") not in _MODELS:
            raise refusal(404, f"The model `{body.get('model')}` does not exist.", "model_not_found")
        if not isinstance(body.get("prompt"), str) or not body["prompt"].strip():
            raise refusal(400, "Missing required parameter: 'prompt'.", "missing_required_parameter", param="prompt")
        for name, allowed in {"size": _SIZES, "quality": _QUALITIES}.items():
            if name in body and body[name] not in allowed and not self.is_localai:
                raise refusal(400, f"Invalid value: '{body[name]}'.", "invalid_value", param=name)


def _spoilt(first: dict[str, Any], mode: str) -> dict[str, Any] | list[Any]:
    encoded = first.get("b64_json")
    firsts = {
        "data_url": {"b64_json": f"data:image/jpeg;base64,{encoded}"},
        "null_picture": {"b64_json": None},
        "bad_base64": {"b64_json": f"%{encoded}"},
        "revised": {**first, "revised_prompt": f"A grey heron\nstands in reeds, {KEY}"},
    }
    answer: dict[str, Any] = {"created": 1_800_000_000, "data": [firsts.get(mode, first)]}
    others: dict[str, dict[str, Any] | list[Any]] = {
        "empty_data": {**answer, "data": []},
        "no_data": {},
        "a_list": [answer],
        "error_in_200": {"error": {"message": "upstream timed out", "code": 504}},
    }
    return others.get(mode, answer)


def _models(mode: str) -> dict[str, Any]:
    ends: dict[str, object] = dict(_MODELS)
    if mode == "models_short":
        del ends[MODEL]
    elif mode == "models_end":
        ends[MODEL] = SHUTDOWN
    elif mode == "models_end_seconds":
        ends[MODEL] = 1_796_083_200  # the same day
    data = [{"id": name, "object": "model", "owned_by": "system", "shutdown_date": end} for name, end in ends.items()]
    return {"object": "list", "data": [] if mode == "models_empty" else data}


def _converted(picture: bytes, mode: str) -> bytes:
    if mode not in ("png", "webp"):
        return picture
    file = io.BytesIO()
    with Image.open(io.BytesIO(picture)) as opened:
        opened.save(file, mode)
    return file.getvalue()


def _json(answer: object) -> Answer:
    return Answer(body=json.dumps(answer).encode())
