"""What may be bought, and by which clock. Pure but for the clock: the ledger itself is the journal's."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from attrs import define, field, frozen

from imageserver.clock import Clock
from imageserver.config.model import Terms
from imageserver.troubles import Trouble
from imageserver.version import BUILT_AT

_USUAL_PER_DAY = 200  # for a provider with a price whose owner set no limit of their own
_JUMP = 3600.0  # seconds by which the wall clock may run ahead of the steady one before it is taken for a jump
_PATIENCE = 24 * 3600.0  # after so long a jump that has not gone back is taken for the truth


@frozen(kw_only=True)
class Caps:
    """How much may be bought of one provider. None: without limit."""

    price: Decimal = Decimal(0)
    per_day: int | None = None
    per_month: int | None = None
    cost_per_month: Decimal | None = None

    @classmethod
    def from_terms(cls, terms: Terms, usual_price: Decimal | None, *, is_paid: bool = False) -> Caps:
        """The owner's terms, with what holds where they say nothing.

        One that is paid costs something even where nobody has said what; a price of 0 says that it does not.
        """
        price = terms.price if terms.price is not None else (usual_price or Decimal(0))
        per_day = terms.max_per_day
        if per_day is None:
            per_day = _USUAL_PER_DAY if price or (is_paid and terms.price is None) else "none"
        return cls(
            price=price,
            per_day=None if per_day == "none" else per_day,
            per_month=terms.max_per_month,
            cost_per_month=terms.max_cost_per_month,
        )

    def reached(self, today: int, this_month: int, cost: Decimal) -> Trouble | None:
        """Which cap forbids one more picture; None when it may be bought."""
        if self.per_day is not None and today >= self.per_day:
            said = f"{today} pictures were bought today, and max_per_day is {self.per_day}"
            return Trouble(said, "cap_day", bought=today, most=self.per_day)
        if self.per_month is not None and this_month >= self.per_month:
            said = f"{this_month} pictures were bought this month, and max_per_month is {self.per_month}"
            return Trouble(said, "cap_month", bought=this_month, most=self.per_month)
        if self.cost_per_month is not None and cost + self.price > self.cost_per_month:
            said = f"{cost} was spent this month, and max_cost_per_month is {self.cost_per_month}"
            return Trouble(said, "cap_money", spent=cost, most=self.cost_per_month)
        return None


@frozen(kw_only=True)
class Purchase:
    """One picture about to be bought, as the journal reserves it."""

    provider: str
    caps: Caps
    at: float  # seconds since 1970, by the money clock
    day: str  # the owner's local day, "2026-11-22"


@define(eq=False)
class MoneyClock:
    """A clock that nobody can hurry: it follows the wall clock back, but forward only as fast as time really passes.

    A machine without a battery boots in 1970, a wrong time server adds a year: neither may open a new day of buying.
    Backwards there is `why_not`: while the clock is behind the newest purchase nothing is bought at all.
    """

    _clock: Clock
    _wall: float = field(init=False)
    _steady: float = field(init=False)
    _ahead_since: float | None = field(init=False, default=None)
    _newest: float = field(init=False, default=0.0)  # the newest purchase in the journal

    def __attrs_post_init__(self) -> None:
        self._anchor(self._clock.now())

    def bought(self, at: float) -> None:
        """A purchase stands in the journal."""
        self._newest = max(self._newest, at)

    def now(self) -> float:
        """Seconds since 1970, for thresholds and days of buying."""
        wall, steady = self._clock.now(), self._clock.monotonic()
        expected = self._wall + (steady - self._steady)
        if wall <= expected + _JUMP or self._wall < max(BUILT_AT, self._newest):
            # in step, set back, or set right after a start with no idea of the time
            self._ahead_since = None
            self._anchor(wall)
            return wall
        if self._ahead_since is None:
            self._ahead_since = steady
        if steady - self._ahead_since >= _PATIENCE:
            self._ahead_since = None
            self._anchor(wall)
            return wall
        return expected

    def why_not(self) -> Trouble | None:
        """Why nothing may be bought at the moment; None when the clock can be trusted."""
        now = self.now()
        if now < BUILT_AT:
            before = "this version was made"
        elif now < self._newest:
            before = f"the last purchase at {self._say(self._newest)}"
        else:
            return None
        said = f"the clock says {self._say(now)}, before {before}: set it right"
        return Trouble(said, "clock", now=self._say(now))

    def purchase(self, provider: str, caps: Caps) -> Purchase:
        """One picture of this provider, today."""
        now = self.now()
        return Purchase(provider=provider, caps=caps, at=now, day=self.day(now))

    def day(self, when: float) -> str:
        """The owner's local day of a moment."""
        return datetime.fromtimestamp(when, self._clock.zone).date().isoformat()

    def _anchor(self, wall: float) -> None:
        self._wall, self._steady = wall, self._clock.monotonic()

    def _say(self, when: float) -> str:
        return datetime.fromtimestamp(when, self._clock.zone).strftime("%Y-%m-%d %H:%M")
