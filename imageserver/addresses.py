"""Network addresses: what a text says, and how the server is reached from the local network."""

from __future__ import annotations

import contextlib
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

_IN_CONTAINER = ("/run/.containerenv", "/.dockerenv")


def reachable_host(listening_on: str) -> str | None:
    """The address under which other devices reach this machine; None where it cannot be known: in a container."""
    if listening_on not in ("", "0.0.0.0", "::"):  # noqa: S104 - compared, not listened on
        return listening_on
    if is_in_container():
        return None
    # Connecting a datagram socket sends nothing; it only asks the routing table which of our addresses would be used.
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])
    return "127.0.0.1"


def is_in_container() -> bool:
    """Whether this machine is somebody's container, whose address is of no use to others."""
    return any(Path(mark).exists() for mark in _IN_CONTAINER)


def url(host: str, port: int) -> str:
    """The address as a browser takes it."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def parsed_address(text: str) -> IPv4Address | IPv6Address | None:
    """An address; one of IPv4 that came through an IPv6 socket is one of IPv4. None for anything else."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def is_loopback(text: str) -> bool:
    """Whether this is an address of this very computer that no other can have."""
    address = parsed_address(text)
    return address is not None and address.is_loopback
