"""Whoever guesses is left out for a while. Only guesses count: what needs no secret is never held back."""

from __future__ import annotations

import math
from collections import OrderedDict
from ipaddress import IPv6Address, ip_address, ip_network

from attrs import define, field

from imageserver.clock import Clock
from imageserver.errors import ImageServerError

MOST_FAILURES = 5
SECONDS = 900.0  # that a ban lasts, and after which failures are forgotten
_MOST_ADDRESSES = 10_000  # remembered; the one that failed longest ago is forgotten first


class Banned(ImageServerError):
    """Nothing is checked now: too many wrong guesses came from this address, or too many people come at once."""

    reason = "banned"

    def __init__(self, seconds: float, why: str = "too many wrong attempts came from your address") -> None:
        self.retry_after = max(1, math.ceil(seconds))
        super().__init__(f"{why}: try again in {self.retry_after} s")


@define
class _Failures:
    count: int
    until: float  # monotonic seconds at which all of this is forgotten


@define(kw_only=True, eq=False)
class Bans:
    """Failures by address, in memory: a restart forgives, and needs the owner's own hands."""

    _clock: Clock
    _failures: OrderedDict[str, _Failures] = field(init=False, factory=OrderedDict)

    def refuse_banned(self, address: str) -> None:
        """Raises Banned for an address that guessed wrong too often."""
        failures = self._of(_household(address))
        if failures is not None and failures.count >= MOST_FAILURES:
            raise Banned(failures.until - self._clock.monotonic())

    def attempt(self, address: str) -> bool:
        """Count an attempt as a failure until `forgive` is called, so that many at once are no way around.

        True when it is the last one before a ban. Raises Banned.
        """
        self.refuse_banned(address)
        household = _household(address)
        failures = self._of(household) or _Failures(count=0, until=0.0)
        failures.count += 1
        failures.until = self._clock.monotonic() + SECONDS
        self._failures[household] = failures
        self._failures.move_to_end(household)
        if len(self._failures) > _MOST_ADDRESSES:
            self._failures.popitem(last=False)
        return failures.count == MOST_FAILURES

    def forgive(self, address: str) -> None:
        """The attempt was right: what went before it is forgotten."""
        self._failures.pop(_household(address), None)

    def take_back(self, address: str) -> None:
        """The attempt was never looked at: it does not count."""
        failures = self._failures.get(_household(address))
        if failures is not None:
            failures.count = max(0, failures.count - 1)

    def _of(self, household: str) -> _Failures | None:
        failures = self._failures.get(household)
        if failures is not None and failures.until <= self._clock.monotonic():
            del self._failures[household]
            return None
        return failures


def _household(address: str) -> str:
    """One household has a /64 of IPv6 addresses and takes a new one whenever it likes."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ip_network((int(parsed), 64), strict=False))
