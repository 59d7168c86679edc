"""Ids of jobs, as they go over the wire: unguessable, never given twice, and readable without the journal.

An id carries when it was given and, for a stored picture, which one: so a `start` of a stored picture needs no
write to disk, survives a kill -9, and an id that expired is told from one that was never given. A keyed hash over
it all keeps anybody else from making one.
"""

from __future__ import annotations

import base64
import hmac
import struct
from collections import OrderedDict
from collections.abc import Callable
from typing import Literal

from attrs import frozen

from imageserver.clock import Clock
from imageserver.version import BUILT_AT

LIFETIME = 24 * 3600.0  # seconds for which an id stays good
_FIELDS = struct.Struct(">BIQ8s")  # what, when, picture or card, random
_SIGNATURE = 11  # bytes; with the fields 32 bytes, 43 characters: a frame keeps up to 140
_REMEMBERED = 2048  # ids that need not be verified again: frames ask twice, and again while they wait
_WHAT: tuple[Literal["job", "picture", "card"], ...] = ("job", "picture", "card")


@frozen(kw_only=True)
class JobId:
    """What an id says."""

    text: str
    what: Literal["job", "picture", "card"]  # where the result is: in the journal, in the store, drawn when asked
    number: int  # the picture's or the card's; 0 for a job
    created: int  # seconds since 1970


class JobIds:
    """Gives ids and reads them back. `token(n)` gives n random bytes that nobody can guess."""

    def __init__(self, secret: bytes, clock: Clock, token: Callable[[int], bytes]) -> None:
        self._secret = secret
        self._clock = clock
        self._token = token
        self._known: OrderedDict[str, JobId] = OrderedDict()  # ids of ours that were read lately

    def give(self, what: Literal["job", "picture", "card"] = "job", number: int = 0) -> str:
        """A new id."""
        created = min(max(int(self._clock.now()), 0), 2**32 - 1)
        fields = _FIELDS.pack(_WHAT.index(what), created, number, self._token(8))
        return _encode(fields + self._sign(fields))

    def read(self, text: str) -> JobId | None:
        """What the id says, or None for one that this server never gave."""
        known = self._known.get(text)
        if known is None:
            known = self._verified(text)
            if known is not None:
                self._known[text] = known
                if len(self._known) > _REMEMBERED:
                    self._known.popitem(last=False)
        return known

    def _verified(self, text: str) -> JobId | None:
        if len(text) != 43:
            return None
        try:
            packed = base64.urlsafe_b64decode(text.encode("ascii") + b"=")
        except ValueError:
            return None
        if _encode(packed) != text:  # base64 forgives stray characters and spare bits; an id has one spelling
            return None
        fields, signature = packed[: _FIELDS.size], packed[_FIELDS.size :]
        if not hmac.compare_digest(signature, self._sign(fields)):
            return None
        what, created, number, _random = _FIELDS.unpack(fields)
        return JobId(text=text, what=_WHAT[what], number=number, created=created)

    def is_expired(self, job_id: JobId) -> bool:
        """Whether the id was given longer ago than ids stay good.

        One from the future is good, and one from before this version was made too: the clock has jumped since.
        """
        return job_id.created >= BUILT_AT and self._clock.now() - job_id.created > LIFETIME

    def _sign(self, fields: bytes) -> bytes:
        return hmac.digest(self._secret, fields, "sha256")[:_SIGNATURE]  # by name: OpenSSL does it in one call


def _encode(packed: bytes) -> str:
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()
