"""The whole conversation of a frame with its server, told line by line to a person."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from attrs import frozen

from imageserver.clock import Clock, SystemClock
from imageserver.frame_client.client import (
    POLL,
    PORT,
    FrameClient,
    ResultAnswer,
    failed_operation,
    start_payload,
    still_pending,
)
from imageserver.frame_client.failure import FrameWouldFail
from imageserver.frame_client.http import Exchange, Limits, seconds
from imageserver.frame_client.jpeg import WORKSPACE, JpegFacts
from imageserver.frame_client.panel import HEIGHT, WIDTH, Panel

FAST_POLL = 0.2  # seconds
Out = Callable[[str], None]


@frozen(kw_only=True)
class FrameOptions:
    """What the person asked for on the command line."""

    host: str
    port: int = PORT
    type: str = "auto"
    provider: str | None = None
    prompt: str | None = None
    negative: str | None = None
    save: Path | None = None  # the screen as PNG
    save_jpeg: Path | None = None  # the bytes as they came
    watch: bool = False
    every: float = 60.0  # seconds between two starts when watching
    fast: bool = False
    width: int = WIDTH
    height: int = HEIGHT
    timeout: float = 300.0  # seconds from start to picture
    limits: Limits = Limits()


async def run(options: FrameOptions, out: Out, *, clock: Clock | None = None) -> int:
    """Be a frame. 0: a picture was drawn; 1: a real frame would have failed, and `out` was told why.

    With `watch` it goes on until it is cancelled.
    """
    # In a thread: it reads files to learn the time zone.
    ticking: Clock = clock if clock is not None else await asyncio.to_thread(SystemClock)
    panel = Panel(options.width, options.height)
    while True:
        code = await _one_picture(options, panel, out, ticking)
        if not options.watch:
            return code
        out(f"waiting {seconds(options.every)}")
        await ticking.sleep(options.every)


async def _one_picture(options: FrameOptions, panel: Panel, out: Out, clock: Clock) -> int:
    try:
        answer = await _ask(options, out, clock)
        await _show(answer, options, panel, out)
    except FrameWouldFail as error:
        out(f"a real frame would fail: {error}")
        return 1
    except OSError as error:
        out(f"the picture could not be saved: {error}")
        return 1
    return 0


async def _ask(options: FrameOptions, out: Out, clock: Clock) -> ResultAnswer:
    client = FrameClient(options.host, options.port, limits=options.limits, clock=clock)
    wanted = {"prompt": options.prompt, "negative": options.negative, "provider": options.provider}
    sent = start_payload(options.type, **wanted).decode("utf-8")
    out(f"asking {options.host} port {options.port}: POST /operation/start {sent}")
    begun = clock.monotonic()
    started = await client.start(options.type, **wanted)
    out(f"  id {started.id}, status {started.status}; {_measured(started.exchange)}")
    poll = FAST_POLL if options.fast else POLL
    while True:
        await clock.sleep(poll)
        answer = await client.result(started.id)
        out(f"GET /operation/result/{started.id}: {answer.status}; {_measured(answer.exchange)}")
        if answer.jpeg is not None:
            return answer
        if answer.status == "error":
            raise FrameWouldFail(failed_operation(answer))
        if clock.monotonic() - begun >= options.timeout:
            raise FrameWouldFail(still_pending(options.timeout))


async def _show(answer: ResultAnswer, options: FrameOptions, panel: Panel, out: Out) -> None:
    jpeg = answer.jpeg or b""
    if options.save_jpeg is not None:
        # Before drawing: a picture that is refused is the one to look at.
        await asyncio.to_thread(options.save_jpeg.write_bytes, jpeg)
        out(f"saved {options.save_jpeg} as it came")
    facts = await asyncio.to_thread(panel.draw, jpeg)
    out(f"picture: {_described(facts)}")
    if misfit := panel.misfit(facts):
        out(f"  note: {misfit}")
    if options.save is not None:
        await asyncio.to_thread(panel.screen.save, options.save, "PNG")
        out(f"saved {options.save} as the panel shows it")


def _measured(exchange: Exchange) -> str:
    return (
        f"HTTP {exchange.status}, {exchange.size} bytes, first byte after {exchange.first_byte:.3f} s, "
        f"longest pause {exchange.longest_pause:.3f} s"
    )


def _described(facts: JpegFacts) -> str:
    restart = f", restart every {facts.restart_interval} MCUs" if facts.restart_interval else ""
    return (
        f"{facts.width}x{facts.height}, baseline {facts.sampling}, {facts.size} bytes, {facts.quantisers} quantiser "
        f"table(s){restart}, decoder workspace {facts.workspace} of {WORKSPACE} bytes"
    )
