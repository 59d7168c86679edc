"""How the server is reached from the local network."""

from __future__ import annotations

import contextlib
import socket
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
