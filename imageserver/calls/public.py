"""Which addresses an answer may send us to: public ones only, checked after the name was resolved.

The address that is judged is the one that a socket is opened for. So it does not matter how a host was written, and a
name that resolves to something else a moment later gains nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable

from aiohttp import AddrInfoType, TCPConnector
from aiohttp.abc import AbstractResolver
from aiohttp.resolver import ThreadedResolver

# One sentence for all: of the errors of a name's addresses asyncio's helper gives one back only if they are equal.
_REFUSED = "not in the public internet"
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class NotPublic(OSError):
    """A connection was wanted to an address outside the public internet."""


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet. False for what is no address."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        # An IPv4 address in other clothes
        hidden = parsed.ipv4_mapped or parsed.sixtofour
        if parsed in _NAT64:
            hidden = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
        if hidden is not None:
            return is_public(str(hidden))
        if parsed.is_site_local:  # an older kind of private address, which Python takes for a global one
            return False
    return parsed.is_global and not parsed.is_multicast and not parsed.is_reserved


def connector(names: AbstractResolver | None, is_allowed: Callable[[str], bool]) -> TCPConnector:
    """Connections to allowed addresses only; of a name's addresses the others are passed over.

    Where none is left aiohttp's error has a NotPublic inside.
    """

    def open_socket(info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _name, address = info
        if not is_allowed(str(address[0])):
            raise NotPublic(_REFUSED)
        return socket.socket(family, kind, protocol)

    resolver = names or ThreadedResolver()
    return TCPConnector(resolver=resolver, socket_factory=open_socket, force_close=True, use_dns_cache=False)
