"""A fake service: an HTTP server on a free port, a second port to steer it by, and a ledger."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web
from attrs import evolve, frozen

from imageserver.testing.ledger import Ledger
from imageserver.testing.paint import BadPicture, bad, good
from imageserver.testing.wire import Answer, BadWire, Means, Refusing, plain, spoiled, too_many

GOOD = "good"
NEVER_ACCEPTS = "never_accepts"  # the port is there and every connection hangs before it stands
_SHARED: dict[str, BadWire | BadPicture | Refusing] = {
    mode.value: mode for kind in (BadWire, BadPicture, Refusing) for mode in kind
}

Self = TypeVar("Self", bound="FakeService")


@frozen(kw_only=True)
class Wish:
    """A picture that the service was asked for, in its caller's words. None where the service takes no such thing."""

    prompt: str | None = None
    negative: str | None = None
    width: int | None = None  # pixels, or parts of a ratio
    height: int | None = None
    seed: int | None = None


class FakeService:
    """What all fakes have in common. A subclass overrides `answer`, and `own_modes` where it has some.

    `answer` appends what it was asked for to `wishes`, and writes a "charge" into the ledger before it answers with
    what costs money. The modes in `own_modes` are its own to play; those of the wire are played by `deliver`.
    """

    own_modes: Mapping[str, str] = {}

    def __init__(self, ledger: Ledger | None = None, *, means: Means | None = None) -> None:
        self.ledger = ledger or Ledger()
        self.wishes: list[Wish] = []  # that were understood, in their order
        self.mistakes: list[Exception] = []  # that `answer` raised: the fake's own, not the provider's
        self.mode = GOOD
        self.port = 0
        self.control_port = 0
        self._means = means or Means()
        self._times: int | None = None  # how many requests the mode still lasts
        self._painted = 0
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._deaf: contextlib.ExitStack | None = None
        self._crowd: asyncio.Barrier | None = None

    @property
    def url(self) -> str:
        """Where it is, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def modes(self) -> list[str]:
        """Every mode it knows."""
        return [GOOD, NEVER_ACCEPTS, *_SHARED, *self.own_modes]

    async def answer(self, request: web.Request, mode: str) -> web.StreamResponse:
        """Answer one request in this mode."""
        raise NotImplementedError

    async def become(self, mode: str, times: int | None = None) -> None:
        """Behave like this from now on, or for so many requests. KeyError for a mode that it does not know."""
        if mode not in self.modes:
            raise KeyError(mode)
        self.mode, self._times = mode, times
        if mode == NEVER_ACCEPTS and self._deaf is None and self._site is not None:
            await self._site.stop()
            self._deaf = _deaf_listener(self.port)
        elif mode != NEVER_ACCEPTS and self._deaf is not None:
            self._deaf.close()
            self._deaf = None
            await self._listen()

    def equip(self, **means: Any) -> None:
        """Change some of the `Means` that it was built with: `equip(pace=0.01)`."""
        self._means = evolve(self._means, **means)

    def hold_until(self, number: int) -> None:
        """Hold the next requests back until so many of them are there at the same time."""
        self._crowd = asyncio.Barrier(number)

    @asynccontextmanager
    async def running(self: Self, port: int = 0) -> AsyncIterator[Self]:
        """Serve while the context lasts."""
        self.port = port
        app = web.Application(client_max_size=4 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._take)
        # The silent modes end when their client is gone, and at the latest with the fake.
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        control = web.Application()
        control.add_routes([web.post("/mode", self._set_mode), web.get("/ledger", self._show_ledger)])
        control_runner = web.AppRunner(control)
        await self._runner.setup()
        await control_runner.setup()
        try:
            await self._listen()
            await web.TCPSite(control_runner, "127.0.0.1", 0).start()
            self.control_port = control_runner.addresses[0][1]
            yield self
        finally:
            if self._deaf is not None:
                self._deaf.close()
                self._deaf = None
            await self._runner.cleanup()
            await control_runner.cleanup()

    async def deliver(self, request: web.Request, mode: str, answer: Answer) -> web.StreamResponse:
        """Send an answer over the wire that the mode asks for."""
        wire = _SHARED.get(mode)
        if isinstance(wire, BadWire):
            return await spoiled(wire, request, answer, self._means)
        return plain(answer)

    def refused(self, mode: str) -> web.Response | None:
        """The answer of a mode that turns everybody away, or None."""
        refusing = _SHARED.get(mode)
        return too_many(refusing) if isinstance(refusing, Refusing) else None

    def paint(self, mode: str, size: tuple[int, int] = (256, 384)) -> bytes:
        """A picture, a bad one if the mode says so; never the same one twice while it is good."""
        self._painted += 1
        picture = _SHARED.get(mode)
        return bad(picture, self._painted) if isinstance(picture, BadPicture) else good(self._painted, size)

    async def _listen(self) -> None:
        assert self._runner is not None
        self._site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await self._site.start()
        self.port = self._runner.addresses[0][1]

    async def _take(self, request: web.Request) -> web.StreamResponse:
        mode = self.mode
        if mode == NEVER_ACCEPTS:
            await asyncio.Event().wait()  # over a connection from before
        if self._times is not None:
            self._times -= 1
            if self._times <= 0:
                self.mode, self._times = GOOD, None
        self.ledger.note("request", method=request.method, path=request.path, mode=mode)
        if self._crowd is not None:
            await self._crowd.wait()
            self._crowd = None  # what they ask next is answered at once
        try:
            return await self.answer(request, mode)
        except (web.HTTPException, OSError):  # an answer; or the client has gone
            raise
        except Exception as error:
            self.mistakes.append(error)
            raise

    async def _set_mode(self, request: web.Request) -> web.Response:
        asked = await request.json()
        try:
            await self.become(asked["mode"], asked.get("times"))
        except KeyError:
            return web.json_response({"modes": self.modes}, status=400)
        return web.json_response({"mode": self.mode})

    async def _show_ledger(self, _request: web.Request) -> web.Response:
        return web.json_response({"requests": self.ledger.requests, "charges": self.ledger.charges})


def _deaf_listener(port: int) -> contextlib.ExitStack:
    """A port whose queue of connections is full: the system drops every further one without a word."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0)
            with contextlib.suppress(BlockingIOError):
                waiting.connect(("127.0.0.1", port))
        return stack.pop_all()
    raise AssertionError("unreachable")


def arguments(description: str | None) -> argparse.ArgumentParser:
    """The options that every fake takes as a program."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--ledger", type=Path, required=True, help="file to append charges and requests to")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--mode", default=GOOD)
    parser.add_argument("--pace", type=float, default=1.0, help="seconds between two bytes that drip")
    return parser


async def run_until_told(service: FakeService, port: int, mode: str) -> None:
    """Serve until SIGTERM. Prints two lines: the port, and the port to steer by."""
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    async with service.running(port):
        await service.become(mode)
        print(service.port, service.control_port, sep="\n", flush=True)  # noqa: T201 - whoever started it reads this
        await told.wait()
