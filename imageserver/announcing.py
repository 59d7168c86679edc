"""Tells the local network by mDNS where the page is. The one module that uses zeroconf, and imports it only then.

Never in a frame's way: without the package, without a network, or where multicast is forbidden, the server runs on.
"""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import TYPE_CHECKING

from imageserver.addresses import is_in_container, is_loopback, reachable_host
from imageserver.clock import Clock
from imageserver.config.model import Options
from imageserver.config.outside import is_our_image
from imageserver.version import __version__

if TYPE_CHECKING:
    from zeroconf import ServiceInfo
    from zeroconf.asyncio import AsyncZeroconf

NAME, TYPE = "ImageServer", "_http._tcp.local."
_LOOK = 60.0  # seconds between two looks at which address this machine has: a router may give it another
_GOODBYE = 5.0  # seconds for the last words at a stop, which take half a one

_log = logging.getLogger(__name__)


def wants_to_announce(options: Options, environment: Mapping[str, str]) -> bool:
    """What the option `mdns` comes to here.

    A container's own network hears no multicast, and its address is none that the house could open: so `auto` is silent
    there, and where the server listens for this computer only.
    """
    if options.mdns != "auto":
        return options.mdns == "always"
    if is_our_image(environment) or is_in_container():
        return False
    return not _is_here(options.host) and importlib.util.find_spec("zeroconf") is not None


@asynccontextmanager
async def announced(
    options: Options,
    port: int,
    clock: Clock,
    environment: Mapping[str, str],
    address: Callable[[str], str | None] = reachable_host,
) -> AsyncIterator[None]:
    """While the block runs, the network is told; at its end it is told that the page is gone."""
    if not wants_to_announce(options, environment):
        yield
        return
    if importlib.util.find_spec("zeroconf") is None:
        _log.error("mdns is always, but the package zeroconf is missing: pip install 'imageserver[mdns]'")
        yield
        return
    telling = asyncio.create_task(_Announcement(options, port, clock, address).run(), name="mDNS")
    try:
        yield
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)


class _Announcement:
    def __init__(self, options: Options, port: int, clock: Clock, address: Callable[[str], str | None]) -> None:
        self._options, self._port, self._clock, self._address = options, port, clock, address
        self._complained = ""

    async def run(self) -> None:
        """Announce the address that this machine has, and anew when it has another one."""
        while True:
            found = await asyncio.get_running_loop().run_in_executor(None, self._address, self._options.host)
            if found is None or (_is_here(found) and not _is_here(self._options.host)):
                await self._clock.sleep(_LOOK)  # no network yet: a Pi is up sooner than its router
                continue
            try:
                await self._tell(found)
            except Exception as error:  # whatever a network may do to a socket
                self._complain(error)
                await self._clock.sleep(_LOOK)

    async def _tell(self, found: str) -> None:
        """Announce this address until it changes. Raises what the network does."""
        from zeroconf import InterfaceChoice, IPVersion
        from zeroconf.asyncio import AsyncZeroconf

        is_any = self._options.host in ("", "0.0.0.0", "::")  # noqa: S104 - compared, not listened on
        version = IPVersion.V6Only if ":" in found else IPVersion.V4Only
        zeroconf = AsyncZeroconf(interfaces=InterfaceChoice.Default if is_any else [found], ip_version=version)
        try:
            info = self._service(found)
            await (await zeroconf.async_register_service(info, allow_name_change=True))
            _log.info("announced by mDNS as %s at %s:%d", info.name.removesuffix(f".{TYPE}"), found, self._port)
            self._complained = ""
            loop = asyncio.get_running_loop()
            while await loop.run_in_executor(None, self._address, self._options.host) == found:
                await self._clock.sleep(_LOOK)
        finally:
            await _end(zeroconf)

    def _service(self, found: str) -> ServiceInfo:
        from zeroconf import ServiceInfo

        machine = "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in socket.gethostname())
        return ServiceInfo(
            TYPE,
            f"{NAME}.{TYPE}",
            port=self._port,
            addresses=[ip_address(found).packed],
            properties={"path": "/", "version": __version__},
            # a name of its own: that of the machine itself belongs to whoever announces the machine
            server=f"imageserver-{machine[:40].strip('-') or 'here'}.local.",
        )

    def _complain(self, error: Exception) -> None:
        said = f"{type(error).__name__}: {error}"
        if said != self._complained:
            self._complained = said
            _log.warning("mDNS does not work here, and is tried again: %s", said)


async def _end(zeroconf: AsyncZeroconf) -> None:
    """Say goodbye and close, also when the server stops in the middle of it: half closed it would keep its sockets."""
    closing = asyncio.ensure_future(zeroconf.async_close())
    try:
        await asyncio.wait({closing}, timeout=_GOODBYE)
    except asyncio.CancelledError:
        await asyncio.wait({closing}, timeout=_GOODBYE)
        raise
    finally:
        closing.cancel()
        await asyncio.gather(closing, return_exceptions=True)  # a network that is gone hears no goodbye


def _is_here(host: str) -> bool:
    return host == "localhost" or is_loopback(host)
