"""Which addresses an answer may send us to: public ones only, checked after the name was resolved.

The checked address is the one that is connected to: a name that resolves to something else a moment later gains
nothing.
"""

from __future__ import annotations

import ipaddress
import socket

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class NotPublic(OSError):
    """A name stands for no address in the public internet."""


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet. False for what is no address."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        hidden = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo[1] if parsed.teredo else None)
        if parsed in _NAT64 or (int(parsed) >> 32) == 0:  # an IPv4 address in other clothes
            hidden = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
        if hidden is not None:
            return is_public(str(hidden))
    return parsed.is_global and not parsed.is_multicast and not parsed.is_reserved


class PublicResolver(AbstractResolver):
    """Resolves names to public addresses only. Raises NotPublic where there are none."""

    def __init__(self, names: AbstractResolver | None = None) -> None:
        self._names = names or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = [one for one in await self._names.resolve(host, port, family) if is_public(one["host"])]
        if not found:
            raise NotPublic(f"{host} is not in the public internet")
        return found

    async def close(self) -> None:
        await self._names.close()
