"""What a swarm of frames has seen: how often, how long it took, and what went wrong."""

from __future__ import annotations

import math
from collections import Counter
from enum import Enum
from typing import Final

from attrs import define, field, frozen

from imageserver.frame_client.wire import Meter

_SHORTEST: Final = 1e-5  # seconds; nothing on a network is shorter
_STEP: Final = math.log(1.02)  # percentiles are good to 2 %, and always round up


class Step(Enum):
    """What a frame asked for."""

    START = "start"
    RESULT = "result"


class Suffers(Enum):
    """What the frame's owner sees of a failure."""

    NOTHING_NEW = "nothing new until its next start"
    AGAIN = "nothing new yet, it asks again 30 s later"
    HALF = "half a picture"


@frozen
class Kind:
    """A kind of failure. `reason` is the label of a FrameWouldFail."""

    step: Step
    reason: str
    suffers: Suffers


@define
class Failed:
    """How often it happened, and the first time in words."""

    example: str
    times: int = 0


@define
class Spread:
    """Times in seconds, in classes of 2 %: however many there are, it stays small."""

    number: int = 0
    longest: float = 0.0
    _classes: Counter[int] = field(factory=Counter, alias="classes")

    def add(self, seconds: float) -> None:
        """One more."""
        self.number += 1
        self.longest = max(self.longest, seconds)
        self._classes[math.ceil(math.log(max(seconds, _SHORTEST)) / _STEP)] += 1

    def include(self, other: Spread) -> None:
        """All of another's."""
        self.number += other.number
        self.longest = max(self.longest, other.longest)
        self._classes.update(other._classes)

    def percentile(self, share: float) -> float:
        """The time that at least this share of them does not exceed; 0.0 where there is none."""
        rank, seen = max(1, math.ceil(share * self.number)), 0
        for number in sorted(self._classes):
            seen += self._classes[number]
            if seen >= rank:
                return min(math.exp(number * _STEP), self.longest)
        return 0.0


@define(kw_only=True)
class Counts:
    """What was seen in some span of time."""

    starts: int = 0  # that a frame would go on from
    pictures: int = 0  # that a frame would draw
    pending: int = 0  # results that are still being made
    overtaken: int = 0  # pictures that were not there when the frame began anew
    aborted: int = 0  # downloads that were broken off on purpose
    received: int = 0  # bytes
    longest_pause: float = 0.0  # seconds, inside an answer
    first_bytes: dict[Step, Spread] = field(factory=lambda: {step: Spread() for step in Step})
    late: Spread = field(factory=Spread)  # by how much frames woke too late, which is nobody's fault but ours
    failures: dict[Kind, Failed] = field(factory=dict)

    @property
    def results(self) -> int:
        """Results that were read to their end."""
        return self.pictures + self.pending

    @property
    def failed(self) -> int:
        """Requests with which a frame would have failed."""
        return sum(failed.times for failed in self.failures.values())

    def measured(self, step: Step, meter: Meter, *, on_purpose: bool = False) -> None:
        """One request took this. `on_purpose`: it was slow to read, so its pauses say nothing of the server."""
        self.received += meter.received
        if meter.first_byte is not None:
            self.first_bytes[step].add(meter.first_byte)
        if not on_purpose:
            self.longest_pause = max(self.longest_pause, meter.longest_pause)

    def fail(self, kind: Kind, example: str) -> None:
        """One request failed in this way."""
        self.failures.setdefault(kind, Failed(example)).times += 1

    def include(self, other: Counts) -> None:
        """What was seen in another span."""
        for name in ("starts", "pictures", "pending", "overtaken", "aborted", "received"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.longest_pause = max(self.longest_pause, other.longest_pause)
        self.late.include(other.late)
        for step, spread in other.first_bytes.items():
            self.first_bytes[step].include(spread)
        for kind, failed in other.failures.items():
            self.failures.setdefault(kind, Failed(failed.example)).times += failed.times
