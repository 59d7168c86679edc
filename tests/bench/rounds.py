"""Which rounds count, and what is said of them. Pure: nothing here looks at a clock or at the machine."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Final

from attrs import define, field, frozen

NOISY: Final = 0.15  # of all cores, used by programs that do not belong to the measurement


@frozen(kw_only=True)
class Round:
    """One measurement: its figures by name, and how much of the machine others used meanwhile."""

    figures: Mapping[str, float]
    foreign: float

    @property
    def is_quiet(self) -> bool:
        """Whether the machine was ours, more or less."""
        return self.foreign <= NOISY


@frozen(kw_only=True)
class Summary:
    """The medians of the rounds that count."""

    figures: Mapping[str, float]
    foreign: float | None  # None: nothing that others could disturb
    rounds: int
    noisy: int  # of these, because there were not enough quiet ones
    thrown_away: int


@define(kw_only=True)
class Tally:
    """Collects the rounds of one case until enough of them are quiet, or too many were tried."""

    wanted: int
    tries: int = 3  # times as many rounds as are wanted, at most
    _rounds: list[Round] = field(factory=list)

    def add(self, measured: Round) -> None:
        """One more round."""
        self._rounds.append(measured)

    @property
    def wants_more(self) -> bool:
        """Whether another round is to be measured: at most `tries` times as many as wanted."""
        return len(self.kept()) < self.wanted or (
            any(not one.is_quiet for one in self.kept()) and len(self._rounds) < self.tries * self.wanted
        )

    def kept(self) -> list[Round]:
        """The quiet rounds; where there are too few of them, the least noisy ones fill up."""
        quiet = [one for one in self._rounds if one.is_quiet]
        noisy = sorted((one for one in self._rounds if not one.is_quiet), key=lambda one: one.foreign)
        return quiet + noisy[: max(0, self.wanted - len(quiet))]

    def summary(self) -> Summary:
        """What came out. At least one round must have been added."""
        kept = self.kept()
        return Summary(
            figures={name: statistics.median(one.figures[name] for one in kept) for name in kept[0].figures},
            foreign=statistics.median(one.foreign for one in kept),
            rounds=len(kept),
            noisy=sum(not one.is_quiet for one in kept),
            thrown_away=len(self._rounds) - len(kept),
        )


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that at least this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
