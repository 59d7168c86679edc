"""What follows from a provider's failures."""

from __future__ import annotations

import pytest

from imageserver import (
    AuthError,
    BadProviderRequest,
    BadResult,
    DeadlineExceeded,
    ModelGone,
    ModerationRefused,
    PaymentRequired,
    PermissionDenied,
    ProviderError,
    RateLimited,
    TransientError,
    Unreachable,
)
from imageserver.breaker import Breaker
from imageserver.testing import FakeClock

FOR_EVER = 10 * 365 * 86400.0
CASES: list[tuple[list[ProviderError], float]] = [
    ([AuthError("no")], FOR_EVER),
    ([PermissionDenied("no")], FOR_EVER),
    ([ModelGone("no")], FOR_EVER),
    ([PaymentRequired("no")], 86400),
    ([RateLimited("slow", retry_after=77)], 77),
    ([RateLimited("slow")], 30),
    ([RateLimited("slow"), RateLimited("slow")], 60),
    ([RateLimited("slow")] * 20, 3600),
    ([ModerationRefused("no")] * 9, 0),
    ([BadProviderRequest("no")] * 9, 0),
    ([TransientError("x")] * 2, 0),
    ([TransientError("x"), Unreachable("x"), DeadlineExceeded("x")], 60),
    ([BadResult("x")] * 4, 120),
    ([Unreachable("x")] * 30, 3600),
]


@pytest.mark.parametrize(("failures", "pause"), CASES, ids=range(len(CASES)))
async def test_each_failure_has_its_pause(failures: list[ProviderError], pause: float) -> None:
    """A provider is left alone for as long as its failures say, and asked again after that."""
    clock = FakeClock()
    breaker = Breaker(clock)
    for failure in failures:
        breaker.failed(failure)
    assert (breaker.paused() is not None) is (pause > 0)
    if pause:
        await clock.advance(pause - 1)
        assert breaker.paused() is not None
        await clock.advance(2)
        assert (breaker.paused() is None) is (pause != FOR_EVER)


async def test_after_a_pause_one_failure_opens_the_circuit_again() -> None:
    """The call after a pause is a trial: it need not fail three times."""
    clock = FakeClock()
    breaker = Breaker(clock)
    for _ in range(3):
        breaker.failed(Unreachable("x"))
    await clock.advance(61)
    assert breaker.paused() is None
    breaker.failed(Unreachable("x"))
    assert "2 min" in (breaker.paused() or "")


def test_a_success_closes_it() -> None:
    """After a call that worked the count begins anew."""
    breaker = Breaker(FakeClock())
    for _ in range(2):
        breaker.failed(Unreachable("x"))
    breaker.succeeded()
    for _ in range(2):
        breaker.failed(Unreachable("x"))
    assert breaker.paused() is None


async def test_the_wall_clock_changes_no_pause() -> None:
    """Setting the clock neither shortens nor lengthens a pause."""
    clock = FakeClock()
    breaker = Breaker(clock)
    breaker.failed(RateLimited("slow", retry_after=60))
    clock.set(clock.now() + 10**9)
    assert breaker.paused() is not None
    clock.set(0)
    await clock.advance(61)
    assert breaker.paused() is None


def test_no_service_is_silent_for_years() -> None:
    """A date that is far away for a wrong clock pauses a provider for a day at most."""
    clock = FakeClock()
    breaker = Breaker(clock)
    breaker.failed(RateLimited("slow down", retry_after=50 * 365 * 86400.0))
    assert "24 h" in (breaker.paused() or "")
