"""Runs the application: lock, listen, tell the owner where, stop on a signal, and end even if a plugin hangs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import socket
from collections.abc import Callable

from aiohttp import web
from attrs import evolve

from imageserver.addresses import reachable_host, url
from imageserver.app import Given, create_app
from imageserver.errors import ImageServerError
from imageserver.running import Running
from imageserver.web import keys

_KEEPALIVE = 30.0  # seconds; a frame closes by itself, a browser comes back sooner
_SHUTDOWN = 3.0  # seconds for requests that are under way
_BACKLOG = 1024  # connections that may wait to be taken: a houseful of frames wakes at the same second
_CLEANUP = 9.0  # seconds for everything; containers are killed 10 s after they were asked to stop

_log = logging.getLogger(__name__)


class CannotListen(ImageServerError):
    """The port is taken or not allowed."""

    reason = "cannot_listen"


async def serve(given: Given, tell: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP reloads. Raises CannotListen, JournalRefused, OSError."""
    options = given.config.options
    data = given.config.data
    token = secrets.token_urlsafe(32)
    sock = _listen(options.host, options.port)
    port = sock.getsockname()[1]
    host = reachable_host(options.host)
    page = url(host, port) if host else ""
    app = create_app(evolve(given, owner_token=token, page=page))
    runner = web.AppRunner(
        app, access_log=None, keepalive_timeout=_KEEPALIVE, shutdown_timeout=_SHUTDOWN, handler_cancellation=False
    )
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    in_terminal = _has_terminal()

    def hung_up() -> None:
        if in_terminal and not _has_terminal():
            stopped.set()  # its window was closed
        elif keys.RELOADER in app:
            app[keys.RELOADER].wake()

    loop.add_signal_handler(signal.SIGHUP, hung_up)
    try:
        await runner.setup()
        await web.SockSite(runner, sock, backlog=_BACKLOG).start()
        local = host if options.host not in ("", "0.0.0.0", "::") and host else "127.0.0.1"  # noqa: S104
        Running(url=url(local, port), token=token).write(data)
        _tell_where(tell, host, port, str(given.config.options_file))
        _log.info("time zone %s, data in %s, pictures in %s", given.clock.zone, data, options.image_path)
        await stopped.wait()
        _log.info("stopping")
    finally:
        Running.remove(data)
        try:
            async with asyncio.timeout(_CLEANUP):
                await runner.cleanup()
        except TimeoutError:  # what matters is on the disk already; the owner's machine wants to shut down
            _log.error("stopping took longer than %.0f s and is cut short", _CLEANUP)
        with contextlib.suppress(OSError):
            sock.close()
        _log.info("stopped")


def _has_terminal() -> bool:
    """Whether the server was started in a terminal that is still there."""
    return os.isatty(0)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        raise CannotListen(
            f"{host or '*'} port {port} cannot be used: {error.strerror}. Is another server running? "
            "Choose another port with --port or `port:` in options.yml"
        ) from None
    sock.setblocking(False)  # noqa: FBT003 - the standard library's own signature
    return sock


def _tell_where(tell: Callable[[str], None], host: str | None, port: int, options_file: str) -> None:
    tell(f"Frame:   enter host {host or '(the address of this computer)'} and port {port} in the frame")
    tell(f"Page:    {url(host, port) if host else f'http://(the address of this computer):{port}'}")
    tell(f"Options: {options_file}")
