"""Which stored picture a frame shows next: everything once before anything twice, new ones first.

A frame goes through the stored pictures in laps. A lap covers the ids from `low` to `high` that there were when it
began, in an order of its own: a keyed permutation of that range, so that a place in it is one number and a frame's
whole memory is seven, however many pictures there are. Ids above `newest` came later and are shown first, oldest of
them first; those among them that the frame has seen already (its own wishes) are in `ahead`. What it was shown last
is in `shown`, so that the end of one lap and the start of the next are not the same picture.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from functools import lru_cache
from typing import Protocol

from attrs import evolve, frozen

# A range of ids with more than this many holes for each picture is searched picture by picture instead, unless there
# are more pictures than holes for each.
_SPARSE = 64
# After this many empty places in a row the rest of a lap is searched picture by picture too.
_WORN = 4096
# Two pictures begin a lap with the wrong one every other time, so this many draws fail never.
_DRAWS = 64


class Stock(Protocol):
    """The pictures to choose from, as the laps see them."""

    def has(self, picture_id: int, scope: str) -> bool:
        """Whether this picture can be shown."""

    def first(self, scope: str) -> int:
        """The lowest id, 0 when there is none."""

    def last(self, scope: str) -> int:
        """The highest id, 0 when there is none."""

    def count(self, scope: str) -> int:
        """How many can be shown."""

    def ids(self, scope: str) -> Iterator[int]:
        """All of them, in any order."""

    def next_after(self, picture_id: int, scope: str) -> int | None:
        """The lowest id above this one."""


@frozen(kw_only=True)
class Lap:
    """Where a frame stands. `position` counts the places of the permutation that are behind it."""

    seed: int
    low: int
    high: int
    position: int
    newest: int
    ahead: frozenset[int] = frozenset()
    shown: int = 0


def new_lap(stock: Stock, scope: str, rng: random.Random, shown: int = 0) -> Lap:
    """A lap over all the pictures there are, for a frame that was shown the picture `shown` last."""
    low, high = stock.first(scope), stock.last(scope)
    return Lap(seed=rng.getrandbits(62), low=low, high=high, position=0, newest=high, shown=shown)


def next_picture(lap: Lap, stock: Stock, scope: str, rng: random.Random) -> tuple[int | None, Lap, str]:
    """The picture to show now, the lap after it, and why. None when there is nothing to show."""
    newer = _next_new(lap, stock, scope)
    if newer is not None:
        skipped = frozenset(picture for picture in lap.ahead if picture > newer)
        return newer, evolve(lap, newest=newer, ahead=skipped, shown=newer), "new"
    found = _next_in_lap(lap, stock, scope)
    if found is not None:
        picture, position = found
        return picture, evolve(lap, position=position, shown=picture), "next in the lap"
    fresh = new_lap(stock, scope, rng, lap.shown)
    found = _next_in_lap(fresh, stock, scope)
    if found is None:
        return None, lap, "nothing is stored"  # a disk that is away for a while begins no new lap
    for _ in range(_DRAWS):
        if stock.count(scope) == 1 or found[0] != lap.shown:
            break
        fresh = new_lap(stock, scope, rng, lap.shown)
        found = _next_in_lap(fresh, stock, scope) or found
    picture, position = found
    return picture, evolve(fresh, position=position, shown=picture), "first of a new lap"


def seen(lap: Lap, picture_id: int) -> Lap:
    """The lap of a frame that was shown this new picture out of turn."""
    ahead = lap.ahead | {picture_id} if picture_id > lap.newest else lap.ahead
    return evolve(lap, ahead=ahead, shown=picture_id)


def _next_new(lap: Lap, stock: Stock, scope: str) -> int | None:
    picture = stock.next_after(lap.newest, scope)
    while picture is not None and picture in lap.ahead:
        picture = stock.next_after(picture, scope)
    return picture


def _next_in_lap(lap: Lap, stock: Stock, scope: str) -> tuple[int, int] | None:
    if lap.high <= 0 or stock.count(scope) == 0:
        return None
    size = lap.high - lap.low + 1
    order = _order(size, lap.seed)
    if size <= max(_SPARSE, stock.count(scope)) * stock.count(scope):
        walked = min(lap.position + _WORN, size)
        for place in range(lap.position, walked):
            picture = lap.low + order.at(place)
            if stock.has(picture, scope):
                return picture, place + 1
        if walked == size:
            return None
    places = ((order.place_of(picture - lap.low), picture) for picture in stock.ids(scope) if _within(lap, picture))
    ahead = [(place, picture) for place, picture in places if place >= lap.position]
    if not ahead:
        return None
    place, picture = min(ahead)
    return picture, place + 1


def _within(lap: Lap, picture: int) -> bool:
    return lap.low <= picture <= lap.high


@lru_cache(maxsize=1024)  # a frame asks for the same one with each picture of its lap
def _order(size: int, seed: int) -> _Permutation:
    return _Permutation(size, seed)


class _Permutation:
    """A keyed order of 0 … size-1: a Feistel network over the next even number of bits, walked until inside."""

    def __init__(self, size: int, seed: int) -> None:
        self._size = size
        self._half = max(1, ((size - 1).bit_length() + 1) // 2)
        self._mask = (1 << self._half) - 1
        key = hashlib.blake2b(seed.to_bytes(8, "big"), digest_size=32).digest()
        self._keys = tuple(int.from_bytes(key[start : start + 8], "big") | 1 for start in range(0, 32, 8))

    def at(self, place: int) -> int:
        """What stands at this place of the order."""
        value = self._forward(place)
        while value >= self._size:
            value = self._forward(value)
        return value

    def place_of(self, value: int) -> int:
        """Where this value stands in the order."""
        place = self._backward(value)
        while place >= self._size:
            place = self._backward(place)
        return place

    def _forward(self, value: int) -> int:
        left, right = value >> self._half, value & self._mask
        for key in self._keys:
            left, right = right, left ^ self._mix(right, key)
        return left << self._half | right

    def _backward(self, value: int) -> int:
        left, right = value >> self._half, value & self._mask
        for key in reversed(self._keys):
            left, right = right ^ self._mix(left, key), left
        return left << self._half | right

    def _mix(self, value: int, key: int) -> int:
        # multiply-and-shift is enough to look random on a wall
        mixed = ((value + 1) * key + (key >> 32)) & 0xFFFF_FFFF_FFFF_FFFF
        return (mixed >> 29 ^ mixed >> 43) & self._mask
