"""Ports for what a test starts: as long as the test lasts the system gives them to nobody else."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager


@contextmanager
def kept_ports(number: int) -> Iterator[list[int]]:
    """So many ports of 127.0.0.1, all different, for whoever listens on them by their number.

    One that was merely found to be free is another program's a moment later, where many begin at once.
    """
    with ExitStack() as kept:
        ports = []
        for _ in range(number):
            sock = kept.enter_context(socket.socket())
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as who listens has it: then both may be bound
            sock.bind(("127.0.0.1", 0))
            ports.append(sock.getsockname()[1])
        yield ports
