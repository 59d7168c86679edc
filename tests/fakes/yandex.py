"""A fake YandexART with both interfaces, as strict as the real one is known to be.

As a program: `python tests/fakes/yandex.py --ledger FILE`. In the ledger a charge has its prompt, and the ticket of
the asynchronous interface. A wrong request is refused in the service's own words and charged to nobody; every other
mode charges before it answers, also when the answer then never arrives. Kinder than the real one in one thing only:
operations of yandex-art-2.0 finish, which lately they were not seen to do.
"""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import sys
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # as a program its own folder is searched, not the one that holds the package
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from aiohttp import web
from attrs import define

from fakes.yandex_rules import (
    DENIED,
    Account,
    Refused,
    check_async,
    check_caller,
    check_images,
    flat,
    openai,
)
from imageserver.testing.ledger import Ledger
from imageserver.testing.service import FakeService, Wish, arguments, run_until_told
from imageserver.testing.wire import Answer, Means

IMAGES_PATH = "/v1/images/generations"
ASYNC_PATH = "/foundationModels/v1/imageGenerationAsync"

# Answers without a picture and without a charge.
_REFUSALS: dict[str, Refused] = {
    "moderation_old": flat(
        400, 3, "it is not possible to generate an image from this request because it may violate the terms of use"
    ),
    "moderation_new": openai(400, "Я не могу сгенерировать это изображение. Давайте попробуем другую тему."),
    "moderation_unheard_of": flat(400, 3, "Такое рисовать не буду."),
    "parameter": flat(400, 3, "aspect ratio is out of range"),
    "wrong_key": flat(401, 16, "Unknown api key"),
    "key_expired": flat(401, 16, "The apikey has expired"),
    "wrong_scope": flat(403, 7, "Permission denied"),
    "retired_model": flat(403, 7, DENIED),
    "no_money": openai(402, "Payment required: the billing account has no funds", "billing_error"),
    "wrong_folder": flat(
        400, 3, "Specified folder ID 'b1other' does not match with service account folder ID 'b1real'"
    ),
    "no_such_model": openai(404, "The model does not exist", "model_not_found"),
    "quota": flat(429, 8, "ai.imageGenerations.count rate quota limit exceed"),
    "status_500": flat(500, 13, "Internal error"),
    "status_503": openai(503, "Service unavailable", "server_error"),
}
# How an operation may end, or not.
_OPERATIONS = (
    "never_done",
    "done_without_image",
    "wrong_id",
    "operation_error",  # moderation, found out late
    "operation_internal",
    "operation_error_early",  # done is still false
    "operation_error_code_0",  # and a good picture
    "operation_gone",
)
_BODIES = ("bad_base64", "empty_data", "empty_picture", "id_missing", "key_echo")


@define
class _Operation:
    picture: bytes
    questions: int  # that are still answered with "not done"


class FakeYandex(FakeService):
    """The service. `polls` is how often a ticket is asked about before its picture is there."""

    own_modes = dict.fromkeys((*_REFUSALS, *_OPERATIONS, *_BODIES), "")

    def __init__(
        self,
        ledger: Ledger | None = None,
        *,
        account: Account | None = None,
        polls: int = 1,
        means: Means | None = None,
    ) -> None:
        super().__init__(ledger, means=means)
        self.account = account or Account()
        self.polls = polls
        self.bodies: list[dict[str, Any]] = []  # of the requests that were accepted
        self._operations: dict[str, _Operation] = {}

    async def answer(self, request: web.Request, mode: str) -> web.StreamResponse:
        turned_away = self.refused(mode)
        if turned_away is not None:
            return turned_away
        try:
            check_caller(self.account, request.headers)
            if mode in _REFUSALS:
                raise _REFUSALS[mode]
            if mode == "key_echo":
                key = request.headers["Authorization"].split()[-1]
                raise flat(401, 16, f"Unknown api key '{key}' ({key[:12]}…)")
            if request.method == "POST" and request.path == IMAGES_PATH:
                return await self._images(request, mode)
            if request.method == "POST" and request.path == ASYNC_PATH:
                return await self._start(request, mode)
            if request.method == "GET" and request.path.startswith("/operations/"):
                return await self._operation(request, mode)
            raise flat(404, 5, "Not Found")
        except Refused as refused:
            return web.json_response(
                refused.body, status=refused.status, headers={"x-request-id": secrets.token_hex(8)}
            )

    async def _images(self, request: web.Request, mode: str) -> web.StreamResponse:
        body = await _body(request)
        size = check_images(self.account, request.headers, body)
        self.bodies.append(body)
        width, height = size
        self.wishes.append(Wish(prompt=body["prompt"], width=width, height=height))
        self.ledger.note("charge", interface="images", prompt=body["prompt"])
        # smaller than asked, as the real one is, and quick to paint
        encoded = base64.b64encode(self.paint(mode, (width // 4, height // 4))).decode()
        data = {"bad_base64": [{"b64_json": f"%{encoded}"}], "empty_data": [], "empty_picture": [{"b64_json": ""}]}
        answer = {"created": 1_800_000_000, "data": data.get(mode, [{"b64_json": encoded}])}
        return await self.deliver(request, mode, _json(answer))

    async def _start(self, request: web.Request, mode: str) -> web.StreamResponse:
        body = await _body(request)
        check_async(self.account, request.headers, body)
        self.bodies.append(body)
        ratio = body["generationOptions"].get("aspectRatio", {})
        self.wishes.append(
            Wish(
                prompt=" ".join(message["text"] for message in body["messages"]),
                width=int(ratio.get("widthRatio", 1)),
                height=int(ratio.get("heightRatio", 1)),
                seed=int(body["generationOptions"].get("seed", 0)),
            )
        )
        ticket = f"fbv{secrets.token_hex(9)[:17]}"
        self._operations[ticket] = _Operation(picture=self.paint(mode), questions=self.polls)
        self.ledger.note("charge", interface="async", prompt=body["messages"][0]["text"], ticket=ticket)
        answer = _operation(ticket)
        if mode == "id_missing":
            del answer["id"]
        return await self.deliver(request, mode, _json(answer))

    async def _operation(self, request: web.Request, mode: str) -> web.StreamResponse:
        ticket = request.path.removeprefix("/operations/")
        operation = self._operations.get(ticket)
        if operation is None or mode == "operation_gone":
            raise flat(404, 5, f"Operation {ticket} not found")
        if operation.questions > 0 or mode == "never_done":
            operation.questions -= 1
            return await self.deliver(request, mode, _json(_operation(ticket)))
        image = base64.b64encode(operation.picture).decode()
        answer = _operation(ticket if mode != "wrong_id" else f"{ticket[:-1]}!")
        answer["done"] = mode != "operation_error_early"
        if mode in ("operation_error", "operation_error_early"):
            answer["error"] = {"code": 3, "message": "the image may violate the terms of use", "details": []}
        elif mode == "operation_internal":
            answer["error"] = {"code": 13, "message": "Internal error", "details": []}
        else:
            answer["response"] = {"image": f"%{image}" if mode == "bad_base64" else image, "modelVersion": ""}
            if mode in ("done_without_image", "empty_picture"):
                del answer["response"]["image"]
            if mode == "operation_error_code_0":
                answer["error"] = {"code": 0, "message": "", "details": []}
        return await self.deliver(request, mode, _json(answer))


async def _body(request: web.Request) -> dict[str, Any]:
    if request.content_type != "application/json":
        raise flat(415, 3, "content type must be application/json")
    try:
        body = json.loads(await request.read())
    except ValueError:
        raise flat(400, 3, "invalid JSON: syntax error") from None
    if not isinstance(body, dict):
        raise flat(400, 3, "invalid JSON: unmarshal")
    return body


def _operation(ticket: str) -> dict[str, Any]:
    # the fields and the nulls of a real answer
    empty = {"description": "", "createdAt": None, "createdBy": "", "modifiedAt": None, "metadata": None}
    return {"id": ticket, **empty, "done": False}


def _json(answer: dict[str, Any]) -> Answer:
    return Answer(body=json.dumps(answer).encode())


def main() -> None:
    """Run as a program."""
    parser = arguments(__doc__)
    parser.add_argument("--folder", default=Account().folder_id)
    parser.add_argument("--key", default=Account().api_key)
    parser.add_argument("--polls", type=int, default=1)
    given = parser.parse_args()
    account = Account(folder_id=given.folder, api_key=given.key)
    service = FakeYandex(Ledger(given.ledger), account=account, polls=given.polls, means=Means(pace=given.pace))
    asyncio.run(run_until_told(service, given.port, given.mode))


if __name__ == "__main__":
    main()
