"""What follows from a provider's failures: a pause, a longer one, or none before the configuration changes."""

from __future__ import annotations

from attrs import define, field

from imageserver.clock import Clock
from imageserver.errors import (
    AuthError,
    BadProviderRequest,
    ModelGone,
    ModerationRefused,
    PaymentRequired,
    PermissionDenied,
    ProviderError,
    RateLimited,
)
from imageserver.troubles import Trouble

_FOR_GOOD = (AuthError, PermissionDenied, ModelGone)  # nothing but the owner can mend these
_THIS_PROMPT_ONLY = (ModerationRefused, BadProviderRequest)  # another prompt may work
_NO_MONEY_PAUSE = 24 * 3600.0  # seconds
_RATE_PAUSE = 30.0
_FAILURES = 3  # in a row before the circuit opens
_OPEN_PAUSE = 60.0
_LONGEST = 3600.0
_LONGEST_ASKED = 24 * 3600.0  # a date in an answer is far away for a computer whose clock stands at 1970


@define(eq=False)
class Breaker:
    """One provider's circuit. Its times are steady: no change of the wall clock shortens or lengthens a pause."""

    _clock: Clock
    _failures: int = field(init=False, default=0)  # in a row, that count
    _pauses: int = field(init=False, default=0)  # in a row
    _until: float = field(init=False, default=float("-inf"))
    _why: str = field(init=False, default="")
    _label: str = field(init=False, default="")  # the last error's `reason`

    def succeeded(self) -> None:
        """A call gave what it should."""
        self._failures = self._pauses = 0
        self._until, self._why = float("-inf"), ""

    def forgive(self) -> None:
        """The owner says that something was mended: what only the owner can mend is tried again."""
        if self._until == float("inf"):
            self.succeeded()

    def failed(self, error: ProviderError) -> None:
        """A call failed."""
        if isinstance(error, _THIS_PROMPT_ONLY):
            return
        self._failures += 1
        self._label = error.reason
        if isinstance(error, _FOR_GOOD):
            self._pause(float("inf"), f"{error}. It is not asked again before you say `imageserver plugins reload`")
        elif isinstance(error, PaymentRequired):
            self._pause(_NO_MONEY_PAUSE, str(error))
        elif isinstance(error, RateLimited):
            self._pause(min(error.retry_after or self._growing(_RATE_PAUSE), _LONGEST_ASKED), str(error))
        elif self._failures >= _FAILURES:
            self._pause(self._growing(_OPEN_PAUSE), f"{self._failures} failures in a row, the last: {error}")

    def paused(self) -> Trouble | None:
        """Why it is not asked at the moment; None when it may be."""
        left = self._until - self._clock.monotonic()
        if left <= 0:
            return None  # after a pause one call is a trial: a failure opens the circuit at once again
        if left == float("inf"):
            return Trouble(self._why, self._label)
        return Trouble(f"{self._why}. It is asked again in {_spoken(left)}", self._label)

    def _growing(self, first: float) -> float:
        return min(first * 2.0**self._pauses, _LONGEST)

    def _pause(self, seconds: float, why: str) -> None:
        self._pauses += 1
        self._until, self._why = self._clock.monotonic() + seconds, why


def _spoken(seconds: float) -> str:
    for most, unit, word in ((120, 1, "s"), (7_200, 60, "min")):
        if seconds < most:
            return f"{seconds / unit:.0f} {word}"
    return f"{seconds / 3_600:.0f} h"
