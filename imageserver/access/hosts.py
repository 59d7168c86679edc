"""The names under which pages may be asked for.

Who owns a name of the internet can let it point to an address in this house for a moment (DNS rebinding), and then a
page of theirs reads ours. So pages are given under names only that nobody else can own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from attrs import field, frozen

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
# Names that a home's own router gives away and that nobody can register: RFC 6762, RFC 8375, ICANN, and by custom.
_HOME = (".local", ".lan", ".home", ".internal", ".home.arpa")


def host_name(host: str) -> str | None:
    """The name or address in a `Host` header, small, without port, brackets and a dot at its end; None: it is none."""
    if not _HOST.fullmatch(host):
        return None
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return None
    return (name or "").removesuffix(".") or None


def is_of_this_house(name: str) -> bool:
    """An address, a name without a dot, or one that only a router in the house gives away."""
    return "." not in name or name.endswith(_HOME) or _is_address(name)  # IPv6 addresses have no dot either


def is_address_or_local(host: str) -> bool:
    """Whether a `Host` header is one that people in this house can open from any device: no name of this very one."""
    name = host_name(host)
    if name is None:
        return False
    return not ip_address(name).is_loopback if _is_address(name) else name.endswith(".local")


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _small(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.lower().removesuffix(".") for name in names)


@frozen(kw_only=True)
class Hosts:
    """The names of this server."""

    _names: frozenset[str] = field(converter=_small)  # those of the option `hosts`, and what the server listens on
    _machine: str  # what this computer is called

    def allows(self, host: str) -> bool:
        """Whether pages are given under this `Host` header."""
        name = host_name(host)
        if name is None:
            return False
        if _is_address(name) or name == "localhost" or name.endswith((".local", ".localhost")):
            return True
        return name in self._names or self._is_machine(name)

    def _is_machine(self, name: str) -> bool:
        """Its own name, whole or short, and what a router makes of it: `nas` and `nas.lan`."""
        machine = self._machine.lower()
        first, dot, rest = name.partition(".")
        return name == machine or (
            first == machine.partition(".")[0] and bool(first) and (not dot or f".{rest}".endswith(_HOME))
        )
