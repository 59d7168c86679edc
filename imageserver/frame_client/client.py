"""The frame's questions, one by one, for tests and for the command."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

from attrs import field, frozen

from imageserver.clock import Clock, SystemClock
from imageserver.frame_client import http
from imageserver.frame_client.answers import (
    PromptAnswer,
    StartAnswer,
    beginning,
    read_panel_size,
    read_prompt_added,
    read_start,
)
from imageserver.frame_client.failure import FrameWouldFail, OperationFailed, Refused
from imageserver.frame_client.http import Exchange, Place, host_header, request_bytes
from imageserver.frame_client.jpeg import inspect
from imageserver.frame_client.scan import ResultScan
from imageserver.frame_client.wire import Limits, seconds

PORT = 8099
POLL = 30.0  # seconds between two questions for a result
_PROMPT_LIMIT = 900  # bytes of UTF-8, about: the firmware builds its request in 1024
_DEFAULT_LIMITS = Limits()


@frozen(kw_only=True)
class ResultAnswer:
    """What a frame took from a result: `pending`, `done` with the picture, or `error`."""

    status: str
    jpeg: bytes | None = field(repr=False)
    exchange: Exchange
    beginning: str  # the answer's first words, for people; a frame keeps nothing


class FrameClient:
    """A frame without a screen. Every method raises FrameWouldFail where a real frame would fail."""

    def __init__(
        self,
        host: str,
        port: int = PORT,
        *,
        tls: bool = False,
        name: str | None = None,
        limits: Limits = _DEFAULT_LIMITS,
        clock: Clock | None = None,
        poll: float = POLL,
    ) -> None:
        """`name` is the frame's name in our server's options; no frame says it by itself."""
        self._place = Place(host=host, port=port, tls=tls)
        self._name = name
        self._limits = limits
        self._given_clock = clock
        self._poll = poll

    async def start(
        self,
        type: str = "auto",  # noqa: A002 - its name on the wire
        *,
        prompt: str | None = None,
        negative: str | None = None,
        provider: str | None = None,
    ) -> StartAnswer:
        """POST /operation/start. `negative` and `provider` are ours: no button of the frame sends them."""
        payload = start_payload(type, prompt=prompt, negative=negative, provider=provider)
        body = bytearray()
        measured = await self.ask("POST", "/operation/start", payload, take=body.extend)
        return read_start(measured, bytes(body))

    async def result(self, operation: str) -> ResultAnswer:
        """GET /operation/result/{id}, once, with the id that start() gave."""
        scan = ResultScan()
        measured = await self.ask("GET", f"/operation/result/{operation}", b"", take=scan.feed)
        return read_result(measured, scan)

    async def add_prompt(self, prompt: str, *, negative: str | None = None) -> PromptAnswer:
        """POST /prompt/add. `negative` is ours: the frame sends the prompt alone."""
        body = bytearray()
        payload = _json({"prompt": checked_prompt(prompt), "negative": negative})
        measured = await self.ask("POST", "/prompt/add", payload, take=body.extend)
        return read_prompt_added(measured, bytes(body))

    async def panel_size(self, name: str) -> tuple[int, int]:
        """GET /frames, which no frame asks: width and height that the server has for the frame of this name.

        Raises FrameWouldFail.
        """
        body = bytearray()
        measured = await self.ask("GET", "/frames", b"", take=body.extend)
        return read_panel_size(measured, bytes(body), name)

    async def picture(
        self,
        type: str = "auto",  # noqa: A002 - its name on the wire
        *,
        prompt: str | None = None,
        negative: str | None = None,
        provider: str | None = None,
        patience: float = 60.0,
    ) -> bytes:
        """Start, wait, fetch: the bytes of a JPEG that the frame's decoder takes.

        Gives up `patience` seconds after the start; a real frame would go on asking.
        """
        clock = await self._clock()
        begun = clock.monotonic()
        started = await self.start(type, prompt=prompt, negative=negative, provider=provider)
        while True:
            await clock.sleep(self._poll)
            answer = await self.result(started.id)
            if answer.jpeg is not None:
                inspect(answer.jpeg)
                return answer.jpeg
            if answer.status == "error":
                raise OperationFailed(failed_operation(answer))
            if clock.monotonic() - begun >= patience:
                raise FrameWouldFail(still_pending(patience))

    async def ask(self, method: str, path: str, payload: bytes, *, take: Callable[[bytes], None]) -> Exchange:
        """One request as the frame writes it; `take` gets the body in pieces. Any HTTP status is an answer here."""
        clock = await self._clock()
        request = written(self._place.host, method, path, payload, name=self._name)
        return await http.exchange(self._place, request, limits=self._limits, clock=clock, take=take)

    async def _clock(self) -> Clock:
        if self._given_clock is None:
            # In a thread: it reads files to learn the time zone, and tests build a client on the server's loop.
            self._given_clock = await asyncio.to_thread(SystemClock)
        return self._given_clock


def written(host: str, method: str, path: str, payload: bytes = b"", *, name: str | None = None) -> bytes:
    """A request as the firmware writes it, with the same headers for every question."""
    headers = [host_header(host), "Content-Type: application/json", "Accept: */*", *says_who(name)]
    if payload:
        headers.append(f"Content-Length: {len(payload)}")
    return request_bytes(method, path, headers, payload)


def read_result(measured: Exchange, scan: ResultScan) -> ResultAnswer:
    """What a frame makes of a result that has arrived. Raises FrameWouldFail."""
    words = beginning(bytes(scan.beginning))
    if not 200 <= measured.status <= 299:
        raise Refused(f"the result is HTTP {measured.status} ({words}); a frame asks for this id every 30 s for ever")
    scanned = scan.outcome()
    return ResultAnswer(status=scanned.status, jpeg=scanned.picture, exchange=measured, beginning=words)


def says_who(name: str | None) -> list[str]:
    """The header line by which our server knows a frame."""
    return [] if name is None else [f"X-Frame: {name}"]


def start_payload(
    type: str,  # noqa: A002 - its name on the wire
    *,
    prompt: str | None,
    negative: str | None,
    provider: str | None,
) -> bytes:
    """The body of a start request, as the frame writes it: compact JSON in raw UTF-8."""
    checked = None if prompt is None else checked_prompt(prompt)
    return _json({"type": type, "provider": provider, "prompt": checked, "negative": negative})


def checked_prompt(prompt: str) -> str:
    """The prompt, if a frame could send it. Raises FrameWouldFail."""
    size = len(prompt.encode("utf-8"))
    if size > _PROMPT_LIMIT:
        raise FrameWouldFail(f"the prompt has {size} bytes; a frame can send about {_PROMPT_LIMIT}")
    return prompt


def failed_operation(answer: ResultAnswer) -> str:
    """The sentence for a result with the status error."""
    return f'the result has the status "error" ({answer.beginning}); a frame stops asking and shows nothing new'


def still_pending(patience: float) -> str:
    """The sentence for a result that stayed pending."""
    return f"the result is still pending after {seconds(patience)}; a frame goes on asking, we do not"


def _json(members: dict[str, str | None]) -> bytes:
    given = {key: value for key, value in members.items() if value is not None}
    return json.dumps(given, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
