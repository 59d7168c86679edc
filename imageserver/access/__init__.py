"""Who may use what: the password, sessions, tokens, and what is known about whoever asks."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping

from imageserver.access.hosts import Hosts
from imageserver.access.proxies import Proxies
from imageserver.access.room import Access
from imageserver.clock import Clock
from imageserver.config.model import Options
from imageserver.config.outside import is_our_image
from imageserver.journal import Journal

__all__ = ["Access", "open_access"]


async def open_access(
    options: Options,
    journal: Journal,
    clock: Clock,
    token: Callable[[int], bytes],
    owner_token: str,
    environment: Mapping[str, str],
) -> Access:
    """The room, as the options say. `token` gives so many random bytes. Raises PasswordFileUnfit."""
    access = Access(
        journal=journal,
        clock=clock,
        token=token,
        owner_token=owner_token,
        hosts=Hosts(names=(*options.hosts, options.host), machine=socket.gethostname()),
        proxies=Proxies(options.trusted_proxies),
        is_container=is_our_image(environment),
        password_file=options.password_file,
    )
    await access.open()
    return access
