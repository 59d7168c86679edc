"""What must come of each bad mode of the fake YandexART: for the job, for the owner's money, for the provider."""

from __future__ import annotations

from attrs import frozen

from imageserver.jobs import JobState
from imageserver.testing.paint import BadPicture
from imageserver.testing.wire import BadWire


@frozen(kw_only=True)
class Outcome:
    """What one mode leads to, for each wish that reaches the provider."""

    state: JobState
    error: str | None  # the reason in the journal
    charged: bool  # by the service
    counted: bool  # by the server
    requests: int = 1  # at the service, for one wish
    wishes_before_pause: int | None = 3  # after so many the breaker opens; None: never
    is_slow: bool = False  # ends only with the time for a call


def _lost(error: str, *, is_slow: bool = False) -> Outcome:
    """The picture may have been paid for: one request, and never another one."""
    return Outcome(state=JobState.UNKNOWN, error=error, charged=True, counted=True, is_slow=is_slow)


def _refused(error: str, *, pause: int | None, requests: int = 1) -> Outcome:
    """The service certainly took nothing."""
    return Outcome(
        state=JobState.DONE, error=error, charged=False, counted=False, requests=requests, wishes_before_pause=pause
    )


REFUSED: dict[str, Outcome] = {
    "moderation_old": _refused("moderation", pause=None),
    "moderation_new": _refused("moderation", pause=None),
    "moderation_unheard_of": _refused("moderation", pause=None),
    "parameter": _refused("bad_request", pause=None),
    "wrong_key": _refused("auth", pause=1),
    "key_expired": _refused("auth", pause=1),
    "key_echo": _refused("auth", pause=1),
    "wrong_scope": _refused("permission", pause=1),
    "wrong_folder": _refused("permission", pause=1),
    "retired_model": _refused("model_gone", pause=1),
    "no_such_model": _refused("model_gone", pause=1),
    "no_money": _refused("payment", pause=1),
    "quota": _refused("rate_limit", pause=1),
    "rate_limited": _refused("rate_limit", pause=1),
    "rate_limited_retry_after": _refused("rate_limit", pause=1),
    "status_500": _refused("transient", pause=3, requests=3),
    "status_503": _refused("transient", pause=3, requests=3),
    "never_accepts": Outcome(
        state=JobState.DONE, error="unreachable", charged=False, counted=False, requests=0, is_slow=True
    ),
}
# The answer to the request that costs money, on either interface.
LOST: dict[str, Outcome] = {
    BadWire.SILENT: _lost("deadline", is_slow=True),
    BadWire.DRIP: _lost("deadline", is_slow=True),
    BadWire.RESET: _lost("transient"),
    BadWire.RESET_MID_BODY: _lost("transient"),
    BadWire.LENGTH_TOO_LARGE: _lost("transient"),
    BadWire.GARBAGE: _lost("transient"),
    BadWire.REDIRECT: _lost("transient"),
    BadWire.STATUS_408: _lost("transient"),
    BadWire.STATUS_500_HTML: _lost("transient"),
    BadWire.STATUS_502: _lost("transient"),
    BadWire.STATUS_503_HTML: _lost("transient"),
    BadWire.STATUS_504: _lost("transient"),
    BadWire.HUGE_BODY: _lost("bad_result"),
    BadWire.GZIP_BOMB: _lost("bad_result"),
    BadWire.HTML: _lost("bad_result"),
    BadWire.CUT_TEXT: _lost("bad_result"),
    BadWire.EMPTY: _lost("bad_result"),
}
# How the bytes fall into packets decides between a broken answer and a cut one: see `reasons`.
EITHER: dict[str, Outcome] = {BadWire.LENGTH_TOO_SMALL: _lost("bad_result")}
NO_PICTURE_IN_IT: dict[str, Outcome] = {
    "bad_base64": _lost("bad_result"),
    "empty_data": _lost("bad_result"),
    "empty_picture": _lost("bad_result"),
}
NO_TICKET_IN_IT: dict[str, Outcome] = {"id_missing": _lost("bad_result")}

_BAD_PICTURE = Outcome(state=JobState.DONE, error="bad_result", charged=True, counted=True)
BAD_PICTURES: dict[str, Outcome] = dict.fromkeys(BadPicture, _BAD_PICTURE)

# Answers about a ticket after which nothing is left to wait for.
TICKET_GIVEN_UP: dict[str, str] = {
    "operation_error": "moderation",
    "operation_error_early": "moderation",
    "operation_internal": "bad_result",
    "done_without_image": "bad_result",
    "empty_picture": "bad_result",
    "bad_base64": "bad_result",
    "operation_gone": "bad_result",
    BadWire.HUGE_BODY: "bad_result",
    BadWire.GZIP_BOMB: "bad_result",
}
# Answers about a ticket that say nothing about the picture: it is asked about again.
TICKET_KEPT: tuple[str, ...] = (
    *(mode for mode in BadWire if mode not in (BadWire.HUGE_BODY, BadWire.GZIP_BOMB)),
    "never_done",
    "wrong_id",
    "rate_limited",
    "rate_limited_retry_after",
    "quota",
    "status_500",
    "status_503",
    "never_accepts",
)

# What had arrived of an answer that was paid for is put aside; in the second line it depends on how much that was.
PUT_ASIDE = {*NO_PICTURE_IN_IT, *BAD_PICTURES, "huge_body", "gzip_bomb", "html", "cut_text"}
PERHAPS_PUT_ASIDE = {"drip", "reset_mid_body", "length_too_large", "length_too_small"}

ON_IMAGES: dict[str, Outcome] = {**REFUSED, **LOST, **EITHER, **NO_PICTURE_IN_IT, **BAD_PICTURES}
ON_ASYNC: dict[str, Outcome] = {**REFUSED, **LOST, **EITHER, **NO_TICKET_IN_IT}
GOOD = ("good", "operation_error_code_0")  # the second brings a picture with an empty error beside it


def reasons(mode: str, outcome: Outcome) -> set[str | None]:
    """The reasons that the journal may hold."""
    return {"bad_result", "transient"} if mode in EITHER else {outcome.error}
