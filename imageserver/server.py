"""Runs the application: lock, listen, tell the owner where, stop on a signal, and end even if a plugin hangs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import signal
from collections.abc import Callable, Mapping

from aiohttp import web
from attrs import evolve

from imageserver.access import Access
from imageserver.addresses import reachable_host, url
from imageserver.announcing import announced
from imageserver.app import Given, create_app
from imageserver.certificates import CertificateBroken, Certificates
from imageserver.config.model import Config
from imageserver.listening import Door, DoorSite, open_doors
from imageserver.memory import settle
from imageserver.running import Running
from imageserver.stragglers import Stragglers
from imageserver.systemd import Systemd
from imageserver.web import keys

_KEEPALIVE = 30.0  # seconds; a frame closes by itself, a browser comes back sooner
_LINGER = 2.0  # seconds in which a refused body is still read, so that its sender hears the refusal
_SHUTDOWN = 3.0  # seconds for requests that are under way
_CLEANUP = 9.0  # seconds for everything; containers are killed 10 s after they were asked to stop

_ANY = ("", "0.0.0.0", "::")  # noqa: S104 - compared, not listened on

_log = logging.getLogger(__name__)


async def serve(given: Given, tell: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP reloads.

    Raises CannotListen, CertificateBroken, JournalRefused, OSError.
    """
    options, data = given.config.options, given.config.data
    token = secrets.token_urlsafe(32)
    systemd = Systemd.of(given.environment)
    certificates = _certificates(given)
    doors = doors_of(given.config)
    sockets = open_doors(doors)
    port = sockets[0].getsockname()[1]
    host = reachable_host(options.host)
    # Without a network yet there is no address to show to people: frames will say how they have found this server.
    page = "" if host is None or (host == "127.0.0.1" and options.host in _ANY) else url(host, port)
    app = create_app(evolve(given, owner_token=token, page=page))
    runner = web.AppRunner(
        app,
        access_log=None,
        keepalive_timeout=_KEEPALIVE,
        lingering_time=_LINGER,
        shutdown_timeout=_SHUTDOWN,
        handler_cancellation=False,
    )
    stragglers = Stragglers(clock=given.clock, server=lambda: runner.server)
    stopped = _heed_signals(app)
    beside = [
        asyncio.create_task(certificates.stay_fresh(), name="certificates"),
        asyncio.create_task(stragglers.run(), name="stragglers"),
    ]
    starting = asyncio.create_task(systemd.ask_for_time(given.clock), name="systemd, at the start")
    sites: list[DoorSite] = []
    try:
        await runner.setup()
        sites += [
            DoorSite(runner, door, sock, context=certificates.context, stragglers=stragglers)
            for door, sock in zip(doors, sockets, strict=True)
        ]
        for site in sites:
            await site.start()
        local = host if options.host not in _ANY and host else "127.0.0.1"
        Running(url=url(local, port), token=token).write(data)
        ports = {site.door.option: site.port for site in sites}
        _tell_where(tell, host, given.config, ports, has_tls=certificates.context() is not None)
        _tell_code(tell, app[keys.ACCESS], ports["port"])
        _log.info("data in %s, pictures in %s", data, options.image_path)
        settle()
        starting.cancel()
        systemd.tell("READY=1", f"STATUS=serving on port {ports['port']}")
        vigil = systemd.keep_telling(app[keys.OVERVIEW].not_running, given.clock)
        beside.append(asyncio.create_task(vigil, name="systemd"))
        async with announced(options, port, given.clock, given.environment):
            await stopped.wait()
            _log.info("stopping")
    finally:
        systemd.tell("STOPPING=1", "STATUS=stopping")
        Running.remove(data)
        for task in (starting, *beside):
            task.cancel()
        try:
            async with asyncio.timeout(_CLEANUP):
                await runner.cleanup()
        except TimeoutError:  # what matters is on the disk already; the owner's machine wants to shut down
            _log.error("stopping took longer than %.0f s and is cut short", _CLEANUP)
        for site in sites:
            await site.cut_off()
        for sock in sockets:
            with contextlib.suppress(OSError):
                sock.close()
        _log.info("stopped")


def _heed_signals(app: web.Application) -> asyncio.Event:
    """Set when the server is to stop; SIGHUP makes it reload, or stop with the terminal that it was started in."""
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
    return stopped


def _has_terminal() -> bool:
    """Whether the server was started in a terminal that is still there."""
    return os.isatty(0)


def _certificates(given: Given) -> Certificates:
    """Those that are there, checked. Raises CertificateBroken."""
    options = given.config.options
    certificates = Certificates(options.cert_path, given.clock)
    certificates.load()
    if options.https_port is not None and certificates.context() is None:
        raise CertificateBroken(
            f"https_port needs certificates, and there are none in {options.cert_path}: make them with "
            "`imageserver cert`, or take https_port out of options.yml"
        )
    return certificates


def doors_of(config: Config) -> list[Door]:
    """Where it listens: the server's own port first, then those that options ask for beside it."""
    options = config.options
    doors = [Door(option="port", host=options.host, port=options.port)]
    if options.https_port is not None:
        doors.append(Door(option="https_port", host=options.host, port=options.https_port, tls_only=True))
    doors += [
        Door(option=f"frames.{name}.port", host=options.host, port=frame.port)
        for name, frame in config.frames.items()
        if frame.port is not None
    ]
    return doors


def _tell_where(
    tell: Callable[[str], None], host: str | None, config: Config, ports: Mapping[str, int], *, has_tls: bool
) -> None:
    here = host or "(the address of this computer)"
    tell(f"Frame:   enter host {here} and port {ports['port']} in the frame")
    tell(f"Page:    {url(here, ports['port'])}")
    tell(f"Options: {config.options_file}")
    encrypted = [name for name in ("port", "https_port") if name in ports] if has_tls else []
    for name in encrypted:
        tell(f"HTTPS:   https{url(here, ports[name]).removeprefix('http')}")
    for name, frame in config.frames.items():
        if frame.port is not None:
            tell(f"Frame:   enter host {here} and port {frame.port} in the frame {name}")


def _tell_code(tell: Callable[[str], None], access: Access, port: int) -> None:
    """The one secret that is ever written into the log: who can read that is the owner, and it is good once."""
    code = access.setup_code
    if not code:
        return
    here = f"; {url('localhost', port)} opens without one" if access.is_open_here else ""
    tell(f"Code:    {code} sets the password when another device opens the page{here}")
    _log.warning("no password is set yet: the page asks for one and for this code: %s", code)
