"""Laps: everything once before anything twice, whatever is added, removed or restarted meanwhile."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from imageserver.journal import Journal, LapRecord
from imageserver.pictures.laps import Lap, _Permutation, new_lap, next_picture, seen
from imageserver.pictures.stock import MemoryStock


class Frame:
    """A frame that notes what it is shown, and holds it against the rules."""

    def __init__(self, stock: MemoryStock, seed: int = 1) -> None:
        self.stock = stock
        self.rng = random.Random(seed)
        self.lap = new_lap(stock, "", self.rng)
        self.shown: list[int] = []
        self.whys: list[str] = []

    def ask(self) -> int | None:
        picture, self.lap, why = next_picture(self.lap, self.stock, "", self.rng)
        if picture is not None:
            self.shown.append(picture)
            self.whys.append(why)
        return picture

    def ask_times(self, times: int) -> list[int | None]:
        return [self.ask() for _ in range(times)]


def stock_of(*ids: int) -> MemoryStock:
    stock = MemoryStock()
    stock.add(ids, "store")
    return stock


@pytest.mark.parametrize("ids", [(1,), (1, 2), (5, 6, 7), tuple(range(1, 50)), (3, 1000, 10**6), (1, 2, 3, 9_999_999)])
def test_every_lap_shows_everything_once(ids: tuple[int, ...]) -> None:
    """Each lap over a stock that stays the same has every picture exactly once, with gaps of any size between ids."""
    frame = Frame(stock_of(*ids))
    for _ in range(5):
        assert sorted(picture for picture in frame.ask_times(len(ids)) if picture) == list(ids)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_no_picture_twice_in_a_row(count: int) -> None:
    """With two pictures or more the end of a lap and the start of the next are never the same, over 2,000 laps."""
    frame = Frame(stock_of(*range(1, count + 1)))
    frame.ask_times(2000 * count)
    assert all(before != after for before, after in pairwise(frame.shown))


def test_a_new_picture_does_not_begin_the_next_lap() -> None:
    """A new picture that is shown when the lap is at its end is not shown again right away."""
    for seed in range(50):
        stock = stock_of(1, 2)
        frame = Frame(stock, seed)
        frame.ask_times(2)
        stock.add([3], "store")
        assert frame.ask() == 3
        assert frame.ask() != 3


def test_an_own_wish_does_not_begin_the_next_lap() -> None:
    """A picture that the frame itself wished for is not the first of the lap that follows it."""
    for seed in range(50):
        stock = stock_of(1, 2)
        frame = Frame(stock, seed)
        frame.ask_times(2)
        frame.lap = seen(frame.lap, 3)
        stock.add([3], "store")
        assert frame.ask() != 3


def test_new_pictures_come_first_oldest_first() -> None:
    """Pictures that came during a lap interrupt it at once, in the order they came, and then it goes on."""
    stock = stock_of(*range(1, 11))
    frame = Frame(stock)
    first = frame.ask_times(4)
    for picture in (11, 12, 13):
        stock.add([picture], "store")
    assert frame.ask_times(3) == [11, 12, 13]
    assert sorted(p for p in first + frame.ask_times(6) if p) == list(range(1, 11))


def test_what_was_wished_for_is_not_shown_again_as_new() -> None:
    """A frame's own wish is passed over among the new ones; those around it are shown."""
    stock = stock_of(1)
    frame = Frame(stock)
    frame.ask()
    for picture in (2, 3, 4):
        stock.add([picture], "store")
    frame.lap = seen(frame.lap, 3)
    assert frame.ask_times(2) == [2, 4]
    assert frame.lap.ahead == frozenset()


def test_two_frames_go_their_own_ways() -> None:
    """What one frame has seen the other still gets."""
    stock = stock_of(*range(1, 21))
    one, other = Frame(stock, 1), Frame(stock, 2)
    assert sorted(p for p in one.ask_times(20) if p) == sorted(p for p in other.ask_times(20) if p)
    assert one.shown != other.shown


def test_nothing_stored() -> None:
    """An empty stock gives nothing and a reason; the first picture that comes is shown."""
    stock = stock_of()
    frame = Frame(stock)
    assert frame.ask() is None
    assert next_picture(frame.lap, stock, "", frame.rng)[2] == "nothing is stored"
    stock.add([7], "store")
    assert frame.ask() == 7


def test_a_disk_that_was_away_begins_no_new_lap() -> None:
    """A frame that asked while nothing was there goes on with its lap when the pictures are back."""
    stock = stock_of(*range(1, 11))
    frame = Frame(stock)
    first = frame.ask_times(6)
    for picture in range(1, 11):
        stock.remove(picture)
    assert frame.ask_times(3) == [None, None, None]
    for picture in range(1, 11):
        stock.add([picture], "store")
    assert sorted(p for p in first + frame.ask_times(4) if p) == list(range(1, 11))


def test_a_scope_is_a_lap_of_its_own() -> None:
    """A library's lap has only the library's pictures, each once."""
    stock = MemoryStock()
    stock.add([number for number in range(1, 31) if number % 3 != 0], "store")
    stock.add(range(3, 31, 3), "folder")
    rng = random.Random(3)
    lap = new_lap(stock, "folder", rng)
    shown = []
    for _ in range(10):
        picture, lap, _why = next_picture(lap, stock, "folder", rng)
        shown.append(picture)
    assert sorted(p for p in shown if p) == list(range(3, 31, 3))


def test_the_order_is_a_permutation_with_its_inverse() -> None:
    """For every size from 1 to 300 each place has one value, and place_of finds it back."""
    for size in range(1, 301):
        order = _Permutation(size, seed=size * 7919)
        values = [order.at(place) for place in range(size)]
        assert sorted(values) == list(range(size))
        assert [order.place_of(value) for value in values] == list(range(size))


@given(size=st.integers(1, 10**7), seed=st.integers(0, 2**62 - 1), place=st.integers(0, 10**7))
def test_the_order_turns_back_at_any_size(size: int, seed: int, place: int) -> None:
    """at and place_of are each other's inverse for any size and key."""
    order = _Permutation(size, seed)
    value = order.at(place % size)
    assert 0 <= value < size
    assert order.place_of(value) == place % size


def test_the_order_is_shuffled() -> None:
    """Another key gives another order, and neighbours are seldom neighbours again."""
    orders = [[_Permutation(1000, seed).at(place) for place in range(1000)] for seed in range(3)]
    assert orders[0] != orders[1]
    for order in orders:
        assert sum(abs(a - b) == 1 for a, b in pairwise(order)) < 30


class CountingStock(MemoryStock):
    """Counts how often it is asked."""

    questions = 0

    def has(self, picture_id: int, scope: str = "") -> bool:
        self.questions += 1
        return super().has(picture_id, scope)

    def ids(self, scope: str = "") -> Iterator[int]:
        for picture in super().ids(scope):
            self.questions += 1
            yield picture


def counting_stock(ids: range) -> CountingStock:
    stock = CountingStock()
    stock.add(ids, "store")
    return stock


def test_a_hundred_thousand_pictures_stay_quick() -> None:
    """With 100,000 pictures a choice asks the stock a handful of questions, not one for each picture."""
    stock = counting_stock(range(1, 100_001))
    frame = Frame(stock)
    stock.questions = 0
    frame.ask_times(3000)
    assert stock.questions < 5 * 3000
    assert len(set(frame.shown)) == 3000


def test_half_empty_ids_stay_quick() -> None:
    """After half of 50,000 pictures are gone, a lap asks about twice as many questions as it shows pictures."""
    stock = counting_stock(range(1, 50_001))
    frame = Frame(stock)
    frame.ask()
    for picture in range(2, 50_000, 2):
        stock.remove(picture)
    stock.questions = 0
    frame.ask_times(3000)
    assert stock.questions < 4 * 3000


def test_few_pictures_among_many_others_stay_quick() -> None:
    """Where one picture in a hundred is the frame's, a choice asks about a hundred times, and not for all its own."""
    stock = CountingStock()
    stock.add([picture for picture in range(1, 100_001) if picture % 100], "store")
    stock.add(range(100, 100_001, 100), "folder")
    rng = random.Random(5)
    lap = new_lap(stock, "folder", rng)
    stock.questions = 0
    shown = set()
    for _ in range(300):
        picture, lap, _why = next_picture(lap, stock, "folder", rng)
        shown.add(picture)
    assert len(shown) == 300
    assert stock.questions < 200 * 300


def test_a_worn_lap_is_finished_without_walking_all_of_it() -> None:
    """When nearly all of 100,000 pictures went in mid-lap, the next one is found in a few thousand questions."""
    stock = counting_stock(range(1, 100_001))
    frame = Frame(stock)
    frame.ask()
    for picture in range(1, 100_001):
        if picture % 50:
            stock.remove(picture)
    stock.questions = 0
    frame.ask()
    assert stock.questions < 10_000


async def test_a_restart_changes_nothing(tmp_path: Path) -> None:
    """A frame whose lap goes through the journal after every picture sees what it would have seen without restarts."""
    without, through = Frame(stock_of(*range(1, 31))), Frame(stock_of(*range(1, 31)))
    journal = Journal(tmp_path / "journal.sqlite")
    await journal.open()
    for number in range(80):
        if number % 9 == 4:
            for frame in (without, through):
                frame.lap = seen(frame.lap, 1000 + number)
                frame.stock.add([1000 + number], "store")
            journal.frames.keep(to_record(through.lap))
            await journal.close()
            await journal.open()
        kept = await journal.frames.laps(1)
        if kept:
            through.lap = from_record(kept[0])
        assert through.ask() == without.ask()
        journal.frames.keep(to_record(through.lap))
    await journal.close()


def to_record(lap: Lap) -> LapRecord:
    return LapRecord(
        frame="f",
        scope="",
        seed=lap.seed,
        low=lap.low,
        high=lap.high,
        position=lap.position,
        newest=lap.newest,
        ahead=tuple(sorted(lap.ahead)),
        shown=lap.shown,
        last_seen=0.0,
    )


def from_record(record: LapRecord) -> Lap:
    return Lap(
        seed=record.seed,
        low=record.low,
        high=record.high,
        position=record.position,
        newest=record.newest,
        ahead=frozenset(record.ahead),
        shown=record.shown,
    )


class AnyLife(RuleBasedStateMachine):
    """A frame asks while pictures come, go, break and come back in any order. The model is plain lists."""

    def __init__(self) -> None:
        super().__init__()
        self.stock = stock_of()
        self.frame = Frame(self.stock, 5)
        self.there: list[int] = []
        self.away: list[int] = []
        self.last_id = 0
        self.this_lap: list[int] = []
        self.there_all_lap: list[int] = []
        self.last: int | None = None

    @rule(gap=st.sampled_from([1, 1, 1, 2, 70, 5000]))
    def add(self, gap: int) -> None:
        self.last_id += gap
        self.there.append(self.last_id)
        self.stock.add([self.last_id], "store")

    @rule(gap=st.sampled_from([1, 3]))
    def wish(self, gap: int) -> None:
        self.last_id += gap
        self.there.append(self.last_id)
        self.frame.lap = seen(self.frame.lap, self.last_id)
        self.stock.add([self.last_id], "store")
        self.this_lap.append(self.last_id)
        self.last = self.last_id

    @precondition(lambda self: self.there)
    @rule(which=st.randoms(use_true_random=False), comes_back=st.booleans())
    def lose(self, which: random.Random, comes_back: bool) -> None:
        picture = which.choice(self.there)
        self.there.remove(picture)
        self.stock.remove(picture)
        if comes_back:
            self.away.append(picture)
        if picture in self.there_all_lap:
            self.there_all_lap.remove(picture)

    @precondition(lambda self: self.away)
    @rule(which=st.randoms(use_true_random=False))
    def find(self, which: random.Random) -> None:
        picture = which.choice(self.away)
        self.away.remove(picture)
        self.there.append(picture)
        self.stock.add([picture], "store")

    @rule(times=st.integers(1, 12))
    def ask(self, times: int) -> None:
        for _ in range(times):
            self._ask_once()

    def _ask_once(self) -> None:
        shown = self.frame.ask()
        if shown is None:
            assert self.there == []
            return
        assert shown in self.there
        if len(self.there) > 1:
            assert shown != self.last, "twice in a row"
        if self.frame.whys[-1] == "first of a new lap":
            assert set(self.there_all_lap) <= set(self.this_lap), "the lap ended before everything was shown"
            self.this_lap, self.there_all_lap = [], list(self.there)
        assert shown not in self.this_lap, "twice in one lap"
        self.this_lap.append(shown)
        self.last = shown

    @rule()
    def restart(self) -> None:
        self.frame.lap = from_record(to_record(self.frame.lap))
        self.frame.stock = self.stock = stock_of(*self.there)

    @invariant()
    def the_stock_agrees(self) -> None:
        assert list(self.stock.ids()) == sorted(self.there)
        assert self.stock.count() == len(self.there)
        assert self.stock.first() == min(self.there, default=0)
        assert self.stock.last() == max(self.there, default=0)


AnyLife.TestCase.settings = settings(max_examples=150, stateful_step_count=40)
TestAnyLife = AnyLife.TestCase  # no lap shows a picture twice, and none ends before everything was shown
