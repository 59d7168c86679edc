from __future__ import annotations

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imageserver.job_ids import LIFETIME, JobIds
from imageserver.testing import FakeClock
from imageserver.version import BUILT_AT

SECRET = b"s" * 32
CHARACTERS = string.ascii_letters + string.digits + "-_"


def ids(secret: bytes = SECRET, clock: FakeClock | None = None) -> JobIds:
    return JobIds(secret, clock or FakeClock(), random.Random(3).randbytes)


@pytest.mark.parametrize(("what", "number"), [("job", 0), ("picture", 1), ("picture", 2**63), ("card", 7)])
def test_an_id_says_what_it_stands_for(what: str, number: int) -> None:
    """An id is read back with its kind, its number and its second, in text that fits a frame and a URL."""
    clock = FakeClock(now=1234.9)
    text = ids(clock=clock).give(what, number)  # type: ignore[arg-type]  # a parameter of the test
    read = ids(clock=clock).read(text)
    assert read is not None
    assert (read.text, read.what, read.number, read.created) == (text, what, number, 1234)
    assert len(text) == 43
    assert set(text) <= set(CHARACTERS)


def test_ids_of_one_second_are_all_different() -> None:
    """A hundred thousand ids given in one second for the same picture are all different."""
    giver = ids()
    assert len({giver.give("picture", 5) for _ in range(100_000)}) == 100_000


def test_every_single_change_is_refused() -> None:
    """An id in which any one character is another, missing or doubled is not one of ours."""
    giver = ids()
    text = giver.give("picture", 77)
    for place in range(len(text)):
        for character in CHARACTERS + "+/= \n\0я":
            if character != text[place]:
                assert giver.read(text[:place] + character + text[place + 1 :]) is None
        assert giver.read(text[:place] + text[place + 1 :]) is None
        assert giver.read(text[:place] + text[place] + text[place:]) is None
    assert giver.read(text) is not None


def test_another_servers_id_is_refused() -> None:
    """An id that was signed with another secret is not one of ours."""
    assert ids(b"t" * 32).read(ids().give()) is None


@given(text=st.text(max_size=60) | st.text(CHARACTERS, min_size=43, max_size=43) | st.text(min_size=43, max_size=43))
def test_made_up_ids_are_refused(text: str) -> None:
    """Nothing that somebody makes up is an id, and nothing raises."""
    assert ids().read(text) is None


def test_an_id_is_good_for_a_day() -> None:
    """An id expires after its lifetime; one from a clock that was ahead is good."""
    clock = FakeClock(now=BUILT_AT + 1_000_000.0)
    giver = ids(clock=clock)
    read = giver.read(giver.give())
    assert read is not None
    for now, expired in ((LIFETIME, False), (LIFETIME + 1, True), (-500_000.0, False)):
        clock.set(BUILT_AT + 1_000_000.0 + now)
        assert giver.is_expired(read) is expired


def test_an_id_from_a_clock_that_was_not_set_does_not_expire() -> None:
    """One that was given in 1970 stays good when the clock is set right: nobody knows how old it is."""
    clock = FakeClock(now=100.0)
    giver = ids(clock=clock)
    read = giver.read(giver.give())
    assert read is not None
    clock.set(BUILT_AT + 1_000_000.0)
    assert not giver.is_expired(read)


def test_a_restart_keeps_ids() -> None:
    """The same secret reads the ids of the run before, and gives others."""
    before = JobIds(SECRET, FakeClock(), random.Random(1).randbytes).give("picture", 3)
    after = JobIds(SECRET, FakeClock(), random.Random(2).randbytes)
    assert after.read(before) is not None
    assert after.give("picture", 3) != before


@pytest.mark.parametrize("now", [-5.0, 0.0, 2.0**32, 1e12])
def test_a_mad_clock_gives_ids_all_the_same(now: float) -> None:
    """Before 1970 and after 2106 ids are still given and read."""
    giver = ids(clock=FakeClock(now=now))
    assert giver.read(giver.give()) is not None
