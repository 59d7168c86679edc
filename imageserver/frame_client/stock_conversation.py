"""The whole conversation of a stock AiFrame: its boot, its runs and its polls, told line by line to a person."""

from __future__ import annotations

from imageserver.clock import Clock
from imageserver.frame_client.failure import FrameWouldFail
from imageserver.frame_client.options import FrameOptions
from imageserver.frame_client.stock_client import SCALE, NoResponse, StockClient, StockWish
from imageserver.frame_client.told import Out, measured
from imageserver.frame_client.wire import seconds

POLL = 6.0  # seconds before the first question for a status, and before each other
_PAUSE = 2.0  # seconds between two tries of a run
_TRIES = 5
_BUILT_IN = ["DEFAULT", "ANIME", "UHD", "KANDINSKY"]  # styles, until the server has said what it has
_PROMPT = "a lighthouse at dusk"  # the firmware sends nothing without one
_KEY = "test-frame"
_SECRET = "secret"  # noqa: S105 - any word: a server of ours does not look at it


class StockConversation:
    """A frame that was just switched on. It boots before its first picture."""

    def __init__(self, options: FrameOptions, size: tuple[int, int], poll: float, out: Out, clock: Clock) -> None:
        self._options = options
        self._size = size
        self._poll = poll
        self._out = out
        self._clock = clock
        self._client = StockClient(
            options.place,
            key=options.key or options.name or _KEY,
            secret=_SECRET,
            name=options.name,
            limits=options.limits,
            clock=clock,
        )
        self._styles = _BUILT_IN
        self._model: int | None = None

    async def picture(self) -> bytes:
        """One picture, as it came. Raises FrameWouldFail."""
        if self._model is None:
            self._model = await self._boot()
        begun = self._clock.monotonic()
        uuid = await self._run(self._model)
        while True:
            await self._clock.sleep(self._poll)
            left = self._options.timeout - (self._clock.monotonic() - begun)
            try:
                answer = await self._client.status(uuid)
            except NoResponse as error:
                if left <= 0:
                    raise
                self._out(f"  no answer, a frame asks again: {error}")
                continue
            self._out(f"GET …/status/{uuid[-8:]}: {answer.scanned.status}; {measured(answer.exchange)}")
            if answer.scanned.picture is not None:
                return answer.scanned.picture
            if answer.scanned.status == "fail":
                raise FrameWouldFail('the status is FAIL; a frame shows "gen fail" and nothing new')
            if left <= 0:
                waited = seconds(self._options.timeout)
                raise FrameWouldFail(f"there is no picture after {waited}; a frame goes on asking, we do not")

    async def _boot(self) -> int:
        place = self._options.place
        self._out(f"asking {place.host} port {place.port}{' over TLS' if place.tls else ''}: GET /static/styles/key")
        try:
            self._styles, exchange = await self._client.styles()
            self._out(f"  styles {';'.join(self._styles)}; {measured(exchange)}")
        except FrameWouldFail as error:
            self._out(f"  a frame keeps its built-in styles {';'.join(_BUILT_IN)}: {error}")
        model, exchange = await self._client.model()
        self._out(f"GET /key/api/v1/models: number {model}; {measured(exchange)}")
        return model

    async def _run(self, model: int) -> str:
        wish = StockWish(
            prompt=self._options.prompt or _PROMPT,
            style=self._options.style or self._styles[0],
            negative=self._options.negative or "",
            width=SCALE * self._size[0],
            height=SCALE * self._size[1],
        )
        if wish.style not in self._styles:
            self._out(f'  note: the owner of a frame cannot choose the style "{wish.style}": it is not in the list')
        self._out(f'POST …/run: "{wish.prompt}", style {wish.style}, {wish.width}x{wish.height}')
        for trial in range(1, _TRIES + 1):
            try:
                uuid, exchange = await self._client.run(model, wish)
            except FrameWouldFail as error:
                if trial == _TRIES:
                    raise
                self._out(f"  try {trial} of {_TRIES} failed: {error}")
                await self._clock.sleep(_PAUSE)
            else:
                self._out(f"  uuid {uuid}; {measured(exchange)}")
                return uuid
        raise AssertionError("the last try returns or raises")
