"""What a proxy says of the client behind it: believed of those that the owner named, refused of everybody else.

A header that is merely ignored hides a mistake: everybody behind a forgotten proxy would be one address, and that one
perhaps this computer's own.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from ipaddress import IPv4Network, IPv6Network, ip_network

from attrs import field, frozen

from imageserver.access.hosts import host_name
from imageserver.addresses import parsed_address
from imageserver.errors import ImageServerError

Headers = Collection[tuple[str, str]]  # names in any case, as they came; one may stand there twice
_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)+/?")
_CLAIMS = ("forwarded", "x-real-ip")  # beside x-forwarded-…
_SIGNS = (*_CLAIMS, "via")


class ForwardingRefused(ImageServerError):
    """Somebody who is no trusted proxy says for whom they ask, or a trusted one says what cannot be understood."""

    reason = "untrusted_proxy"


@frozen(kw_only=True)
class Arrival:
    """Where a request comes from, as far as that can be believed."""

    address: str
    scheme: str | None = None  # None: as the connection is
    host: str | None = None  # None: as the request says
    prefix: str = ""  # the path under which the proxy shows this server, without a slash at its end


def is_forwarded(headers: Headers) -> bool:
    """Whether there is any sign that the request came through a proxy."""
    return any(name.startswith("x-forwarded-") or name in _SIGNS for name in (name.lower() for name, _ in headers))


def _networks(texts: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(text, strict=False) for text in texts)


@frozen
class Proxies:
    """The proxies that the owner named: addresses and networks."""

    _networks: tuple[IPv4Network | IPv6Network, ...] = field(converter=_networks)

    def __bool__(self) -> bool:
        return bool(self._networks)

    def trusts(self, peer: str) -> bool:
        """Whether this is one of them."""
        address = parsed_address(peer)
        return address is not None and any(address in network for network in self._networks)

    def arrival(self, peer: str, headers: Headers) -> Arrival:
        """Where the request comes from. Raises ForwardingRefused."""
        if not self.trusts(peer):
            for name, _ in headers:
                if name.lower().startswith("x-forwarded-") or name.lower() in _CLAIMS:
                    raise ForwardingRefused(
                        f"{name} comes from {peer or 'somebody'}, which is no trusted proxy: "
                        "name it in `trusted_proxies:` of options.yml, or let it send no such header"
                    )
            return Arrival(address=peer)
        chain = self._chain(headers)
        hop = self._hop_of_client(chain)
        scheme = _of_hop(headers, "X-Forwarded-Proto", hop, len(chain))
        if scheme is not None and scheme.lower() not in ("http", "https"):
            raise ForwardingRefused("X-Forwarded-Proto must be http or https")
        host = _of_hop(headers, "X-Forwarded-Host", hop, len(chain))
        if host is not None and host_name(host) is None:
            raise ForwardingRefused("X-Forwarded-Host is no name")
        prefix = _of_hop(headers, "X-Forwarded-Prefix", hop, len(chain)) or ""
        if prefix not in ("", "/") and not _PREFIX.fullmatch(prefix):
            raise ForwardingRefused("X-Forwarded-Prefix must be a path such as /frames")
        return Arrival(
            address=chain[hop] if chain else peer,
            scheme=scheme.lower() if scheme else None,
            host=host,
            prefix=prefix.rstrip("/"),
        )

    def _chain(self, headers: Headers) -> list[str]:
        """The addresses of X-Forwarded-For, the client's own word first, the nearest proxy's last."""
        chain = []
        for text in _values(headers, "X-Forwarded-For"):
            address = parsed_address(text)
            if address is None:
                raise ForwardingRefused("X-Forwarded-For must hold addresses and nothing else")
            chain.append(str(address))
        return chain

    def _hop_of_client(self, chain: list[str]) -> int:
        """Counted from the near end, the first that is no proxy of ours: what stands before it may be invented."""
        for hop in reversed(range(len(chain))):
            if not self.trusts(chain[hop]):
                return hop
        return 0


def _values(headers: Headers, name: str) -> list[str]:
    """The values of a header with commas. Raises ForwardingRefused when it is there twice."""
    lines = [value for key, value in headers if key.lower() == name.lower()]
    if len(lines) > 1:
        raise ForwardingRefused(f"{name} is there {len(lines)} times")
    return [value.strip() for value in lines[0].split(",")] if lines else []


def _of_hop(headers: Headers, name: str, hop: int, hops: int) -> str | None:
    """What a header says for the client: one value for all hops, or one for each of them."""
    values = _values(headers, name)
    if not values:
        return None
    if len(values) == 1:
        return values[0]
    if len(values) == hops:
        return values[hop]
    raise ForwardingRefused(f"{name} has {len(values)} values, and X-Forwarded-For has {hops}")
