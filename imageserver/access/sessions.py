"""People who have given the password: each browser that did has a secret in a cookie."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from attrs import define, evolve, field

from imageserver.access.digests import digest, new_secret
from imageserver.clock import Clock
from imageserver.errors import JournalUnavailable
from imageserver.journal import Journal, SessionRecord

_log = logging.getLogger(__name__)

LIFETIME = 90 * 86_400.0  # seconds since it was last used
_MOST = 200  # browsers; the one that was used longest ago is signed out
_RENEWED = 86_400.0  # seconds after which a use is written down, and the cookie given again


@define(kw_only=True, eq=False)
class Sessions:
    """The sessions in memory; the journal has them for the next start."""

    _journal: Journal
    _clock: Clock
    _token: Callable[[int], bytes]
    _by_digest: dict[str, SessionRecord] = field(init=False, factory=dict, repr=False)

    def take_over(self, records: Iterable[SessionRecord]) -> None:
        """Those of the journal, those used last at the end."""
        self._by_digest = {record.digest: record for record in records}

    async def begin(self) -> str:
        """Somebody has given the password: the secret for their cookie."""
        secret, now = new_secret(self._token), self._clock.now()
        record = SessionRecord(digest=digest(secret), created=now, last_seen=now)
        old = [one for one, known in self._by_digest.items() if self._is_over(known)]
        left = [one for one in self._by_digest if one not in old]
        old += left[: max(0, len(left) - _MOST + 1)]
        try:
            await self._journal.access.add_session(record, instead_of=tuple(old))
        except JournalUnavailable as error:  # a full disk, mostly, and its owner comes to see what is wrong
            _log.warning("a session is kept in memory only, and ends with the server: %s", error)
        for one in old:
            self._by_digest.pop(one, None)
        self._by_digest[record.digest] = record
        return secret

    def find(self, secret: str) -> str | None:
        """The digest of a session that this secret opens; None: it is over, or there was none."""
        known = self._by_digest.get(digest(secret))
        return None if known is None or self._is_over(known) else known.digest

    def use(self, session: str) -> bool:
        """The session is used now. True at most once a day: then its cookie is to be given again."""
        known, now = self._by_digest.get(session), self._clock.now()
        if known is None or now - known.last_seen < _RENEWED:
            return False
        del self._by_digest[session]  # to the end: those used longest ago stand first
        self._by_digest[session] = evolve(known, last_seen=now)
        self._journal.access.saw_session(session, now)
        return True

    async def end(self, session: str) -> None:
        """Sign out one browser."""
        self._by_digest.pop(session, None)
        await self._journal.access.end_sessions(session)

    async def end_all(self) -> None:
        """Sign out everywhere."""
        self.forget_all()
        await self._journal.access.end_sessions()

    def forget_all(self) -> None:
        """The journal has ended them all."""
        self._by_digest.clear()

    def _is_over(self, record: SessionRecord) -> bool:
        return self._clock.now() - record.last_seen >= LIFETIME
