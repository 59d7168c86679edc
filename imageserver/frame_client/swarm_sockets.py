"""Where the connections of a swarm come from: an address for each frame where that can be, enough files and ports."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from imageserver.errors import ImageServerError
from imageserver.frame_client.http import Dial
from imageserver.frame_client.options import SwarmOptions

_FIRST: Final = ipaddress.IPv4Address("127.1.0.1")  # the next frames have the addresses behind it
_SPARE: Final = 64  # files that are open anyway
_WINDOW: Final = 4096  # bytes that a frame's stack takes at a time, about: lwIP as the ESP8266 has it
_PORTS: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
_RESTS: Final = 60.0  # seconds for which Linux keeps the port of a connection that was hung up
_OURS: Final = {errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.EADDRINUSE, errno.ENOBUFS, errno.ENOMEM}


class SwarmImpossible(ImageServerError):
    """This machine, or the way to the server, does not allow so many frames. No frame's failure."""

    reason = "swarm_impossible"


@frozen(kw_only=True)
class Sockets:
    """Makes connections for frames, which are numbered from 0."""

    address: tuple[Any, ...]  # as the socket module takes it
    family: socket.AddressFamily
    has_own: bool  # whether each frame has an address of its own

    @classmethod
    def found(cls, options: SwarmOptions) -> Sockets:
        """Looks up the host; blocks meanwhile. Raises SwarmImpossible."""
        try:
            known = socket.getaddrinfo(options.host, options.port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise SwarmImpossible(f"{options.host} has no address here ({error.strerror or error})") from error
        # IPv4 before all others: no frame speaks anything else.
        family, *_, address = min(known, key=lambda one: one[0] != socket.AF_INET)
        has_own = family == socket.AF_INET and ipaddress.ip_address(address[0]).is_loopback and _may_be(source(0))
        if not has_own:
            check_ports(options, _PORTS)
        return cls(address=address, family=family, has_own=has_own)

    def source(self, number: int) -> str | None:
        """The address that a frame asks from; None: this machine's."""
        return source(number) if self.has_own else None

    def dial(self, number: int, *, narrow: bool = False) -> Dial:
        """Connects a frame. `narrow`: the server cannot send it more than some KB before they are read."""

        async def connect() -> socket.socket:
            made = socket.socket(self.family, socket.SOCK_STREAM)
            try:
                made.setblocking(False)  # noqa: FBT003 - the standard library's own signature
                if narrow:
                    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _WINDOW)
                if self.has_own:
                    made.bind((source(number), 0))
                await asyncio.get_running_loop().sock_connect(made, self.address)
            except BaseException:
                made.close()
                raise
            return made

        return connect


def source(number: int) -> str:
    """The address of a frame of its own: 127.1.0.1 and so on."""
    return str(_FIRST + number)


def is_ours(error: BaseException | None) -> bool:
    """Whether it says that this machine has no more files, ports or memory for us."""
    return isinstance(error, OSError) and error.errno in _OURS


def check_ports(options: SwarmOptions, file: Path) -> None:
    """Whether one address has enough ports for all frames. `file` is Linux's, or not there. Raises SwarmImpossible."""
    try:
        low, high = map(int, file.read_text(encoding="ascii").split())
    except (OSError, ValueError):
        return  # another system: nobody says how many there are
    there, needed = high - low + 1, round(2 * options.frames * _RESTS / options.every)
    if needed > there:
        raise SwarmImpossible(
            f"{options.frames:,} frames need {needed:,} ports at a time, because all ask from one address, and this "
            f"machine has {there:,}. Take fewer frames or a longer --every, or widen net.ipv4.ip_local_port_range"
        )


def allow_files(frames: int) -> str | None:
    """Let this process open a file for each frame. A sentence where the system allows fewer."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return None
    wanted = frames + _SPARE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return None
    raised = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
    except (OSError, ValueError):  # macOS has one more limit, which nobody can ask for
        raised = soft
    if raised >= wanted:
        return None
    return (
        f"this process may open {raised:,} files; if all frames waited for the server at once, it would need "
        f"{wanted:,}: `ulimit -n {wanted}` before the start, or the limit of files in /etc/security/limits.conf"
    )


def _may_be(address: str) -> bool:
    with socket.socket() as tried:
        try:
            tried.bind((address, 0))
        except OSError:  # macOS has 127.0.0.1 alone
            return False
    return True
