"""The stock AiFrame's questions, one by one, for tests and for the command."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

from attrs import field, frozen

from imageserver.clock import Clock
from imageserver.frame_client import http
from imageserver.frame_client.answers import beginning
from imageserver.frame_client.client import says_who
from imageserver.frame_client.failure import FrameWouldFail
from imageserver.frame_client.http import Exchange, Place, host_header, request_bytes
from imageserver.frame_client.stock_answers import read_model, read_run, read_styles
from imageserver.frame_client.stock_scan import StockScan, StockScanned
from imageserver.frame_client.wire import Limits

PORT = 443
SCALE: Final = 2  # asked for twice the panel's size, and halved while it is decoded
_API = "api-key.fusionbrain.ai"
_STYLES = "cdn.fusionbrain.ai"
_BOUNDARY = "----GyverHttpBoundary123454321"


class NoResponse(FrameWouldFail):
    """Nothing that counts as an answer: the firmware asks again."""

    reason = "no_response"


@frozen(kw_only=True)
class StockStatus:
    """What a frame took from a status."""

    scanned: StockScanned = field(repr=False)
    exchange: Exchange
    beginning: str  # the answer's first words, for people


@frozen(kw_only=True)
class StockWish:
    """What a frame sends with a run."""

    prompt: str
    style: str
    negative: str
    width: int  # pixels of the picture, not of the panel
    height: int


class StockClient:
    """A stock frame without a screen. Every method raises FrameWouldFail where a real frame would get nothing.

    It asks for the names of the service that it was made for, whatever the server is called.
    """

    def __init__(self, place: Place, *, key: str, secret: str, name: str | None, limits: Limits, clock: Clock) -> None:
        self._place = place
        self._who = [f"X-Key: Key {key}", f"X-Secret: Secret {secret}", *says_who(name)]
        self._limits = limits
        self._clock = clock

    async def styles(self) -> tuple[list[str], Exchange]:
        """GET /static/styles/key, of the other host."""
        measured, body = await self._get(_STYLES, "/static/styles/key")
        return read_styles(measured, body), measured

    async def model(self) -> tuple[int, Exchange]:
        """GET /key/api/v1/models."""
        measured, body = await self._get(_API, "/key/api/v1/models")
        return read_model(measured, body), measured

    async def run(self, model: int, wish: StockWish) -> tuple[str, Exchange]:
        """POST /key/api/v1/text2image/run: the uuid."""
        payload = run_payload(model, wish)
        headers = [
            host_header(_API),
            *self._who,
            f"Content-Type: multipart/form-data; boundary={_BOUNDARY}",
            f"Content-Length: {len(payload)}",
        ]
        body = bytearray()
        request = request_bytes("POST", "/key/api/v1/text2image/run", headers, payload)
        measured = await self._ask(request, body.extend)
        return read_run(measured, bytes(body)), measured

    async def status(self, uuid: str) -> StockStatus:
        """GET /key/api/v1/text2image/status/{uuid}, once. Raises NoResponse where a frame asks again all the same."""
        scan = StockScan()
        request = request_bytes("GET", f"/key/api/v1/text2image/status/{uuid}", [host_header(_API), *self._who])
        try:
            measured = await self._ask(request, scan.feed)
        except FrameWouldFail as error:
            if scan.status == "DONE":  # it has stopped asking already
                raise
            raise NoResponse(str(error)) from error
        words = beginning(bytes(scan.beginning))
        if not 200 <= measured.status <= 299:
            raise NoResponse(f"the status is HTTP {measured.status} ({words}); a frame asks again every 6 s for ever")
        return StockStatus(scanned=scan.outcome(), exchange=measured, beginning=words)

    async def _get(self, host: str, path: str) -> tuple[Exchange, bytes]:
        body = bytearray()
        request = request_bytes("GET", path, [host_header(host), *self._who])
        measured = await self._ask(request, body.extend)
        return measured, bytes(body)

    async def _ask(self, request: bytes, take: Callable[[bytes], None]) -> Exchange:
        return await http.exchange(self._place, request, limits=self._limits, clock=self._clock, take=take)


def run_payload(model: int, wish: StockWish) -> bytes:
    """The form of a run, as the firmware writes it: no line end behind the closing boundary."""
    params = {
        "type": "GENERATE",
        "style": wish.style,
        "negativePromptUnclip": wish.negative,
        "width": wish.width,
        "height": wish.height,
        "num_images": 1,
        "generateParams": {"query": wish.prompt},
    }
    lines = [
        f"--{_BOUNDARY}",
        'Content-Disposition: form-data; name="model_id"',
        "",
        str(model),
        f"--{_BOUNDARY}",
        'Content-Disposition: form-data; name="params"; filename="blob"',
        "Content-Type: application/json",
        "",
        json.dumps(params, ensure_ascii=False, separators=(",", ":")),
        f"--{_BOUNDARY}--",
    ]
    return "\r\n".join(lines).encode("utf-8")
