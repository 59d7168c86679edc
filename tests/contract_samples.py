"""Providers that keep the contract, and their services: what tests/test_contract.py measures the checks with."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from aiohttp import web
from attrs import field, frozen

from imageserver import (
    AuthError,
    BadResult,
    GeneratedImage,
    GenerationRequest,
    ImageProvider,
    LibraryProvider,
    ModerationRefused,
    PaymentRequired,
    PollingImageProvider,
    ProviderError,
    Reply,
    TransientError,
    from_base64,
)
from imageserver.testing import Answer, FakeService, ProviderContract, Wish

KEY = "key-for-tests-0123456789"
_READINESS = 1.0  # seconds for the question whether all is well


class FakeHello(FakeService):
    """Pictures at once from /pictures, by a ticket from /jobs."""

    own_modes = dict.fromkeys(("wrong_key", "moderation", "no_money"), "")

    def __init__(self) -> None:
        super().__init__()
        self._questions: dict[str, int] = {}  # by ticket

    async def answer(self, request: web.Request, mode: str) -> web.StreamResponse:
        refused = self.refused(mode)
        if refused is not None:
            return refused
        statuses = {"wrong_key": 401, "moderation": 422, "no_money": 402}
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            mode = "wrong_key"
        if mode in statuses:
            return web.json_response({"error": {"message": mode}}, status=statuses[mode])
        if request.path == "/me":
            return await self.deliver(request, mode, _json({"name": "me"}))
        if request.method == "GET":
            return await self._job(request, mode)
        self._note(await request.json())
        if request.path == "/jobs":
            ticket = f"job-{len(self._questions)}"
            self._questions[ticket] = 0
            return await self.deliver(request, mode, _json({"id": ticket}))
        return await self.deliver(request, mode, _json({"picture": base64.b64encode(self.paint(mode)).decode()}))

    def _note(self, body: dict[str, Any]) -> None:
        self.ledger.note("charge", prompt=body["prompt"])
        self.wishes.append(Wish(**body))

    async def _job(self, request: web.Request, mode: str) -> web.StreamResponse:
        ticket = request.path.removeprefix("/jobs/")
        if ticket not in self._questions:
            return web.json_response({"error": {"message": "no such job"}}, status=404)
        self._questions[ticket] += 1
        if self._questions[ticket] == 1:
            return await self.deliver(request, mode, _json({"id": ticket}))
        picture = base64.b64encode(self.paint(mode)).decode()
        return await self.deliver(request, mode, _json({"id": ticket, "picture": picture}))


def _json(answer: dict[str, Any]) -> Answer:
    return Answer(body=json.dumps(answer).encode())


@frozen(kw_only=True)
class HelloSettings:
    """What stands under `providers: {hello: …}`."""

    base_url: str = field(metadata={"doc": "Where the service is."})
    api_key: str = field(repr=False, metadata={"doc": "The key that it gave you.", "secret": True})
    timeout: float = field(default=20.0, metadata={"doc": "Seconds for one call."})


class Calls(ImageProvider):
    """How both of them speak to the service. The methods are small, so that a test can spoil one of them."""

    settings_class = HelloSettings

    async def ask(self, method: str, path: str, **more: Any) -> Reply:
        """One call, whatever becomes of it."""
        settings: HelloSettings = self.context.settings
        headers = {"Authorization": f"Bearer {settings.api_key}"}
        url = settings.base_url + path
        return await self.context.http.call(method, url, headers=headers, **{"timeout": settings.timeout, **more})

    def body(self, request: GenerationRequest) -> dict[str, Any]:
        """What the service is told."""
        size = {"width": request.width, "height": request.height}
        negative = {"negative": request.negative} if request.negative else {}
        return {"prompt": request.prompt, **negative, **size, "seed": request.seed}

    def error(self, reply: Reply) -> ProviderError:
        """What a refusal means."""
        kind = ModerationRefused if reply.status == 422 else None
        return reply.error(kind, charged=True if reply.status // 100 == 3 else None)


class Hello(Calls):
    """Answers with the picture."""

    code = "hello"
    takes_negative = True
    paid = True
    slots = 2

    async def readiness(self) -> str | None:
        return await self.said()

    async def check(self) -> str | None:
        return await self.said()

    async def said(self) -> str | None:
        """What the service says about the key."""
        try:
            reply = await self.ask("GET", "/me", timeout=_READINESS)
        except ProviderError as error:
            return str(error)
        return None if reply.ok else str(self.error(reply))

    async def generate(self, request: GenerationRequest) -> GeneratedImage:
        reply = await self.ask("POST", "/pictures", json=self.body(request), keep_for=request.job)
        if not reply.ok:
            raise self.error(reply)
        return self.image(self.read(reply.body))

    async def recover(self, request: GenerationRequest, answer: bytes) -> GeneratedImage | None:
        return self.image(self.read(answer))

    def read(self, answer: bytes) -> bytes:
        """The picture in an answer."""
        try:
            read = json.loads(answer)
        except ValueError:
            raise BadResult("the answer is no JSON") from None
        return from_base64(read.get("picture") if isinstance(read, dict) else None)

    def image(self, picture: bytes) -> GeneratedImage:
        """The picture as the server wants it."""
        return GeneratedImage(data=picture, details={"by": "hello"})


class Ticketed(Calls, PollingImageProvider):
    """Gives a ticket first."""

    code = "ticketed"

    async def submit(self, request: GenerationRequest) -> str:
        reply = await self.ask("POST", "/jobs", json=self.body(request))
        if not reply.ok:
            raise self.error(reply)
        ticket = reply.json_object().get("id")
        if not isinstance(ticket, str) or not ticket:
            raise BadResult("the answer holds no ticket")
        return ticket

    async def poll(self, ticket: str) -> GeneratedImage | None:
        reply = await self.ask("GET", f"/jobs/{quote(ticket, safe='')}")
        if reply.status == 404:
            return self.unknown()
        if not reply.ok:
            raise TransientError(f"the ticket is kept: {self.error(reply)}")
        return self.found(reply)

    def unknown(self) -> GeneratedImage | None:
        """What becomes of a ticket that the service does not know."""
        raise BadResult("the service does not know the ticket any more")

    def found(self, reply: Reply) -> GeneratedImage | None:
        """The picture, or None."""
        try:
            job = reply.json_object()
        except BadResult as error:
            raise TransientError(f"{error}; the ticket is kept") from None
        return GeneratedImage(data=from_base64(job["picture"])) if "picture" in job else None


class Shelf(LibraryProvider):
    """Pictures in a folder of its own."""

    code = "shelf"

    def folders(self) -> list[Path]:
        return [self.context.data_folder]


class HelloContract(ProviderContract):
    """What all of Hello's tests declare."""

    fake = FakeHello
    settings = f"base_url: '{{url}}'\napi_key: {KEY}"
    failures = MappingProxyType({"wrong_key": AuthError, "moderation": ModerationRefused, "no_money": PaymentRequired})


class TestHello(HelloContract):
    provider_class = Hello


class TestTicketed(HelloContract):
    provider_class = Ticketed


class TestShelf(ProviderContract):
    provider_class = Shelf
