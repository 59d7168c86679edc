"""Caps, and the clock by which days of buying are told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from imageserver.config.model import Terms
from imageserver.money import Caps, MoneyClock
from imageserver.testing import FakeClock

HOUR, DAY, YEAR = 3600.0, 86400.0, 365 * 86400.0
NOON = datetime(2027, 3, 10, 12, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("terms", "usual", "price", "per_day"),
    [
        (Terms(), None, "0", None),
        (Terms(), Decimal("2.24"), "2.24", 200),
        (Terms(price=Decimal("1.5")), Decimal("2.24"), "1.5", 200),
        (Terms(price=Decimal(0)), Decimal("2.24"), "0", None),
        (Terms(max_per_day="none"), Decimal("2.24"), "2.24", None),
        (Terms(max_per_day=3), None, "0", 3),
        (Terms(max_per_day=0), Decimal(1), "1", 0),
    ],
)
def test_terms_become_caps(terms: Terms, usual: Decimal | None, price: str, per_day: int | None) -> None:
    """A provider with a price has 200 pictures a day unless its owner says otherwise; `none` lifts it."""
    caps = Caps.from_terms(terms, usual)
    assert (caps.price, caps.per_day) == (Decimal(price), per_day)


@pytest.mark.parametrize(
    ("today", "month", "cost", "word"),
    [
        (2, 9, "8.9", None),
        (3, 9, "8.9", "max_per_day"),
        (0, 10, "0", "max_per_month"),
        (0, 0, "9.01", "max_cost_per_month"),
        (0, 0, "9.00", None),  # exactly the last coin may be spent
    ],
)
def test_each_cap_is_named_when_it_is_reached(today: int, month: int, cost: str, word: str | None) -> None:
    """The sentence names the option that forbids one more picture."""
    caps = Caps(price=Decimal(1), per_day=3, per_month=10, cost_per_month=Decimal(10))
    reached = caps.reached(today, month, Decimal(cost))
    assert (reached is None) if word is None else (reached is not None and word in reached)


def test_the_money_clock_follows_time_as_it_passes() -> None:
    """With a clock that runs as clocks do, both say the same."""
    clock = FakeClock(NOON)
    money = MoneyClock(clock)
    for _ in range(50):
        clock.set(clock.now() + 59.0)  # a clock that is corrected by seconds
        assert money.now() == clock.now()
        assert money.why_not() is None


@pytest.mark.parametrize("jump", [DAY, YEAR, 10 * YEAR])
def test_a_jump_ahead_opens_no_new_day(jump: float) -> None:
    """A clock that jumps a day or ten years ahead leaves the day of buying where it was."""
    clock = FakeClock(NOON)
    money = MoneyClock(clock)
    today = money.purchase("p", Caps()).day
    clock.set(NOON + jump)
    assert money.purchase("p", Caps()).day == today
    assert money.now() == NOON
    clock.set(NOON)
    assert (money.now(), money.why_not()) == (NOON, None)


async def test_a_jump_that_lasts_is_the_truth_after_a_day() -> None:
    """After 24 hours of steady time the new date counts."""
    clock = FakeClock(NOON)
    money = MoneyClock(clock)
    clock.set(NOON + 10 * DAY)
    money.now()
    await clock.advance(23 * HOUR)
    assert money.now() == NOON + 23 * HOUR
    await clock.advance(2 * HOUR)
    assert money.now() == clock.now()


@pytest.mark.parametrize("back", [61.0, DAY, YEAR])
def test_behind_the_last_purchase_nothing_is_bought(back: float) -> None:
    """With the clock before the newest purchase nothing may be bought, until it has caught up."""
    clock = FakeClock(NOON)
    money = MoneyClock(clock)
    money.bought(NOON)
    clock.set(NOON - back)
    assert "before" in (money.why_not() or "")
    clock.set(NOON + 1)
    assert money.why_not() is None


def test_a_machine_that_boots_in_1970_buys_nothing_until_it_knows_the_time() -> None:
    """Before the day of this version nothing is bought; once the time is set right, buying goes on at once."""
    clock = FakeClock(100.0)
    money = MoneyClock(clock)
    assert "before this version was made" in (money.why_not() or "")
    clock.set(NOON)
    assert (money.why_not(), money.now()) == (None, NOON)


def test_the_day_is_the_owners() -> None:
    """Late in the evening in London it is tomorrow in Moscow."""
    late = datetime(2027, 3, 10, 22, 30, tzinfo=UTC).timestamp()
    assert MoneyClock(FakeClock(late, UTC)).purchase("p", Caps()).day == "2027-03-10"
    assert MoneyClock(FakeClock(late, timezone(timedelta(hours=3)))).purchase("p", Caps()).day == "2027-03-11"
