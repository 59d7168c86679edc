"""What the AI Horde says when it does not do what it was asked, as one of the server's errors.

Its errors are `{"message": "…", "rc": "…"}`, and `rc` alone is made for programs. An answer without one, as a proxy
gives, means what its status means.
"""

from __future__ import annotations

import re

from imageserver import (
    AuthError,
    BadProviderRequest,
    BadResult,
    ModerationRefused,
    PaymentRequired,
    PermissionDenied,
    ProviderError,
    RateLimited,
    Reply,
    TransientError,
)


class Expired(BadResult):
    """The service dropped the order. Final, so not DeadlineExceeded, after which a ticket is asked about again."""


_SECONDS = re.compile(r"\b(\d{1,6}) (?:more )?seconds?\b")
_Meaning = tuple[type[ProviderError], str]

_KEY: _Meaning = (
    AuthError,
    "the AI Horde does not know the api_key: correct it, or take it out of the options to ask without an account",
)
_KUDOS: _Meaning = (
    PaymentRequired,
    "the AI Horde wants kudos for a picture like this: write allow_downgrade: true, or ask for fewer pixels or steps",
)
_SHARED_KEY: _Meaning = (PaymentRequired, "the shared key has no kudos left for this: take another api_key")
_EXPIRED: _Meaning = (Expired, "the order has expired: the AI Horde drops it after about 20 minutes")
_MEANINGS: dict[str, _Meaning] = {
    "InvalidAPIKey": _KEY,
    "UserNotFound": _KEY,
    "KudosUpfront": _KUDOS,
    "SharedKeyEmpty": _SHARED_KEY,
    "SharedKeyInsufficientKudos": _SHARED_KEY,
    "SharedKeyExpired": (AuthError, "the shared key has expired: take another api_key"),
    # It passes, so it must not count as a lack of rights, after which nobody asks again.
    "TimeoutIP": (RateLimited, "the AI Horde has shut out this internet address for a while: wait"),
    "TooManyPrompts": (RateLimited, "too many orders wait at the AI Horde already: wait, or use a key of your own"),
    "MaintenanceMode": (TransientError, "the AI Horde is closed for maintenance: wait"),
    "NoValidWorkers": (TransientError, "no volunteer is there who could paint this: wait, or take models out"),
    "BadClientAgent": (PermissionDenied, "the AI Horde refuses this program: write who you are into contact"),
    "CorruptPrompt": (ModerationRefused, "the AI Horde will not draw this prompt: try another one"),
    "InvalidSize": (BadProviderRequest, "the AI Horde does not take this size: take pixels out of the options"),
    "TooManySteps": (BadProviderRequest, "the AI Horde does not take so many steps: write fewer steps"),
    "UnsupportedSampler": (BadProviderRequest, "the AI Horde does not take this sampler: take it out of the options"),
    "RequestNotFound": _EXPIRED,
    "RequestExpired": _EXPIRED,
    "AbortedGen": (BadResult, "the AI Horde gave the order up: it failed at too many volunteers"),
}
_REFUSED: _Meaning = (BadProviderRequest, "the AI Horde did not understand the order")


def refusal(reply: Reply) -> ProviderError:
    """The error for an answer that is none of the good ones. Nothing here costs money."""
    code = _code(reply)
    kind, sentence = _MEANINGS.get(code, _REFUSED if code and reply.status == 400 else (None, ""))
    error = reply.error(kind, sentence, charged=False)
    said = _SECONDS.search(reply.words)
    if isinstance(error, RateLimited) and error.retry_after is None and said is not None:
        error.retry_after = float(said[1])  # of an address that is shut out it is told in words only
    return error


def refusal_of_ticket(reply: Reply) -> ProviderError:
    """The error for a question about a ticket. Not found is what a ticket becomes that nobody asked about in time."""
    if _code(reply) or reply.status == 429:
        return refusal(reply)
    if reply.status in (404, 410):
        return reply.error(*_EXPIRED, charged=False)
    # a proxy, or a server that is being restarted: the AI Horde itself said nothing about the ticket
    return reply.error(
        TransientError, "no word about the ticket from {host} (HTTP {status}): it is kept", charged=False
    )


def _code(reply: Reply) -> str:
    try:
        code = reply.json_object().get("rc")
    except BadResult:
        return ""
    return code if isinstance(code, str) else ""
