"""Tokens for programs: each has a name and says what it may be used for."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable

from attrs import define, evolve, field

from imageserver.access.digests import digest, new_secret
from imageserver.access.rules import Scope
from imageserver.clock import Clock
from imageserver.errors import ImageServerError
from imageserver.journal import Journal, TokenRecord

_MOST = 100
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_NOTED = 3600.0  # seconds after which a use is written down again


class TokenRefused(ImageServerError):
    """No such token can be made or taken away."""

    reason = "token_refused"


@define(kw_only=True, eq=False)
class Tokens:
    """The tokens in memory; the journal has them for the next start."""

    _journal: Journal
    _clock: Clock
    _token: Callable[[int], bytes]
    _by_digest: dict[str, TokenRecord] = field(init=False, factory=dict, repr=False)

    def take_over(self, records: Iterable[TokenRecord]) -> None:
        """Those of the journal."""
        self._by_digest = {record.digest: record for record in records}

    def all(self) -> list[TokenRecord]:
        """Every token, by name."""
        return sorted(self._by_digest.values(), key=lambda record: record.name)

    async def add(self, name: str, scopes: Collection[str]) -> str:
        """A new token: it is told this once. Raises TokenRefused."""
        if not _NAME.fullmatch(name):
            raise TokenRefused('a token\'s name has at most 40 letters, digits, ".", "_" and "-"')
        unknown = set(scopes) - set(Scope)
        if unknown or not scopes:
            raise TokenRefused(f"a token needs scopes out of: {', '.join(Scope)}")
        if any(record.name == name for record in self._by_digest.values()):
            raise TokenRefused(f"there is a token {name} already: remove it first, or choose another name")
        if len(self._by_digest) >= _MOST:
            raise TokenRefused(f"there are {_MOST} tokens already: remove one that nobody uses")
        secret = new_secret(self._token)
        record = TokenRecord(
            name=name,
            digest=digest(secret),
            scopes=tuple(scope for scope in Scope if scope in scopes),
            created=self._clock.now(),
            last_used=None,
        )
        self._by_digest[record.digest] = record  # before anything is awaited: nobody else takes the name
        try:
            await self._journal.access.add_token(record)
        except BaseException:
            del self._by_digest[record.digest]
            raise
        return secret

    async def remove(self, name: str) -> None:
        """The token is good for nothing from now on. Raises TokenRefused where there is none of this name."""
        known = next((record for record in self._by_digest.values() if record.name == name), None)
        if known is None:
            names = ", ".join(record.name for record in self.all()) or "none"
            raise TokenRefused(f"there is no token {name[:40]}; there are: {names}")
        del self._by_digest[known.digest]
        await self._journal.access.remove_token(name)

    def scopes_of(self, secret: str) -> frozenset[Scope] | None:
        """What a token may be used for; it counts as used. None: there is no such token."""
        known, now = self._by_digest.get(digest(secret)), self._clock.now()
        if known is None:
            return None
        if known.last_used is None or abs(now - known.last_used) >= _NOTED:
            self._by_digest[known.digest] = evolve(known, last_used=now)
            self._journal.access.used_token(known.name, now)
        return frozenset(map(Scope, known.scopes))
