"""The whole conversation of a frame with its server, told line by line to a person."""

from __future__ import annotations

import asyncio
from typing import Protocol

from imageserver.clock import Clock, SystemClock
from imageserver.frame_client.client import POLL, FrameClient, failed_operation, start_payload, still_pending
from imageserver.frame_client.failure import FrameWouldFail, OperationFailed
from imageserver.frame_client.half import HalfPanel
from imageserver.frame_client.options import FrameOptions
from imageserver.frame_client.panel import HEIGHT, WIDTH, Panel
from imageserver.frame_client.sheet import sheet
from imageserver.frame_client.stock_conversation import POLL as STOCK_POLL
from imageserver.frame_client.stock_conversation import StockConversation
from imageserver.frame_client.told import Out, described, measured
from imageserver.frame_client.wire import seconds

FAST_POLL = 0.2  # seconds


class Conversation(Protocol):
    """How a frame comes by its pictures."""

    async def picture(self) -> bytes:
        """One picture, as it came. Raises FrameWouldFail."""


async def run(options: FrameOptions, out: Out, *, clock: Clock | None = None) -> int:
    """Be a frame. 0: a picture was drawn; 1: a real frame would have failed, and `out` was told why.

    With `watch` it goes on until it is cancelled.
    """
    # In a thread: it reads files to learn the time zone.
    ticking: Clock = clock if clock is not None else await asyncio.to_thread(SystemClock)
    try:
        size = await _panel_size(options, ticking)
    except FrameWouldFail as error:
        out(f"the size of the panel: {error}")
        return 1
    panel = HalfPanel(*size) if options.stock else Panel(*size)
    conversation = _conversation(options, size, out, ticking)
    while True:
        code = await _one_picture(options, conversation, panel, out)
        if not options.watch:
            return code
        out(f"waiting {seconds(options.every)}")
        await ticking.sleep(options.every)


async def _panel_size(options: FrameOptions, clock: Clock) -> tuple[int, int]:
    if options.size is not None:
        return options.size
    if options.name is None:
        return WIDTH, HEIGHT
    return await _client(options, clock).panel_size(options.name)


def _client(options: FrameOptions, clock: Clock) -> FrameClient:
    return FrameClient(
        options.host, options.port, tls=options.tls, name=options.name, limits=options.limits, clock=clock
    )


def _conversation(options: FrameOptions, size: tuple[int, int], out: Out, clock: Clock) -> Conversation:
    if options.stock:
        return StockConversation(options, size, FAST_POLL if options.fast else STOCK_POLL, out, clock)
    return _OurConversation(options, out, clock)


async def _one_picture(options: FrameOptions, conversation: Conversation, panel: Panel, out: Out) -> int:
    try:
        await _show(await conversation.picture(), options, panel, out)
    except FrameWouldFail as error:
        out(f"a real frame would fail: {error}")
        return 1
    except OSError as error:
        out(f"the picture could not be saved: {error}")
        return 1
    return 0


class _OurConversation:
    """A frame with the firmware that was made for this server."""

    def __init__(self, options: FrameOptions, out: Out, clock: Clock) -> None:
        self._options = options
        self._out = out
        self._clock = clock
        self._client = _client(options, clock)

    async def picture(self) -> bytes:
        """One picture, as it came. Raises FrameWouldFail."""
        options, out = self._options, self._out
        wanted = {"prompt": options.prompt, "negative": options.negative, "provider": options.provider}
        sent = start_payload(options.type, **wanted).decode("utf-8")
        over = " over TLS" if options.tls else ""
        out(f"asking {options.host} port {options.port}{over}: POST /operation/start {sent}")
        begun = self._clock.monotonic()
        started = await self._client.start(options.type, **wanted)
        out(f"  id {started.id}, status {started.status}; {measured(started.exchange)}")
        while True:
            await self._clock.sleep(FAST_POLL if options.fast else POLL)
            answer = await self._client.result(started.id)
            out(f"GET /operation/result/{started.id}: {answer.status}; {measured(answer.exchange)}")
            if answer.jpeg is not None:
                return answer.jpeg
            if answer.status == "error":
                raise OperationFailed(failed_operation(answer))
            if self._clock.monotonic() - begun >= options.timeout:
                raise FrameWouldFail(still_pending(options.timeout))


async def _show(jpeg: bytes, options: FrameOptions, panel: Panel, out: Out) -> None:
    if options.save_jpeg is not None:
        # Before drawing: a picture that is refused is the one to look at.
        await asyncio.to_thread(options.save_jpeg.write_bytes, jpeg)
        out(f"saved {options.save_jpeg} as it came")
    facts = await asyncio.to_thread(panel.draw, jpeg)
    out(f"picture: {described(facts)}")
    if misfit := panel.misfit(facts):
        out(f"  note: {misfit}")
    if options.save is not None:
        await asyncio.to_thread(panel.screen.save, options.save, "PNG")
        out(f"saved {options.save} as the panel shows it")
    if options.sheet is not None:
        both = await asyncio.to_thread(sheet, jpeg, facts, panel.screen)
        await asyncio.to_thread(both.save, options.sheet, "PNG")
        out(f"saved {options.sheet}: what was sent and what the panel shows")
