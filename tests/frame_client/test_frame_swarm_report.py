"""What a swarm counts and prints: percentiles that never flatter, sums of spans, the line and the table."""

from __future__ import annotations

import socket

import pytest

from imageserver.frame_client.options import SwarmOptions
from imageserver.frame_client.swarm_counts import Counts, Failed, Kind, Spread, Step, Suffers
from imageserver.frame_client.swarm_report import beginning, line, table
from imageserver.frame_client.swarm_sockets import Sockets
from imageserver.frame_client.wire import Meter

OPTIONS = SwarmOptions(host="127.0.0.1", frames=1000, seed=4)
LATE = Kind(Step.START, "first_byte_late", Suffers.NOTHING_NEW)
HALF = Kind(Step.RESULT, "broken_off", Suffers.HALF)


def spread(*seconds: float) -> Spread:
    made = Spread()
    for one in seconds:
        made.add(one)
    return made


def told(counts: Counts) -> list[str]:
    return table(OPTIONS, counts, elapsed=100.0, cpu=25.0).splitlines()


@pytest.mark.parametrize("share", [0.001, 0.5, 0.99, 0.999, 1.0])
def test_percentiles_are_good_to_two_percent_and_never_too_small(share: float) -> None:
    """Of a thousand times from 0.1 ms to 5 s, by the nearest rank."""
    times = [0.0001 * 1.0109**number for number in range(1000)]
    right = times[round(share * 1000) - 1]
    assert right <= spread(*times).percentile(share) <= 1.0201 * right


def test_percentiles_of_few_times() -> None:
    """One time is every percentile; none is 0."""
    assert {spread(0.25).percentile(share) for share in (0.0, 0.5, 1.0)} == {0.25}
    assert spread(0.0).percentile(0.5) == 0.0
    assert spread().percentile(0.99) == 0.0


def test_spans_add_up() -> None:
    """The sum of two spans is what one span over both would have counted."""
    whole, parts = Counts(), (Counts(), Counts())
    for number, part in enumerate(parts, start=1):
        for counts in (whole, part):
            counts.starts += number
            counts.pictures += 2 * number
            counts.pending += 3 * number
            counts.overtaken += 4 * number
            counts.aborted += 5 * number
            counts.late.add(0.001 * number)
            counts.measured(Step.RESULT, Meter(first_byte=0.01 * number, longest_pause=0.1 * number, received=number))
            counts.fail(LATE, "the first")
        whole.fail(HALF, f"half {number}")
        part.fail(HALF, f"half {number}")
    total = Counts()
    for part in parts:
        total.include(part)
    assert total == whole
    assert (total.failed, total.results, total.received) == (4, 15, 3)
    assert total.failures[HALF] == Failed("half 1", 2)


def test_what_a_frame_does_on_purpose_is_no_pause_of_the_server() -> None:
    """A download that is to be broken off is slow by itself; its first byte counts all the same."""
    counts = Counts()
    counts.measured(Step.RESULT, Meter(first_byte=0.01, longest_pause=1.5, received=9), on_purpose=True)
    assert (counts.longest_pause, counts.first_bytes[Step.RESULT].number, counts.received) == (0.0, 1, 9)


def test_a_line_tells_a_span_and_the_failures_so_far() -> None:
    """One line, with the first bytes of both kinds of question together."""
    now, total = Counts(starts=160, pictures=1500, pending=2, aborted=3), Counts()
    now.measured(Step.START, Meter(first_byte=0.002))
    now.measured(Step.RESULT, Meter(first_byte=0.4))
    total.fail(LATE, "late")
    assert line(10.0, now, total) == (
        "     10 s  160 starts, 1,500 pictures, 2 pending, 3 broken off; first byte p50 2.0 ms, p99 400.0 ms, "
        "longest 400.0 ms; failures so far: 1"
    )


def test_the_table_has_every_figure() -> None:
    """All that was counted, by name."""
    counts = Counts(starts=10_000, pictures=9_000, pending=5, overtaken=4, aborted=90, longest_pause=0.0123)
    counts.measured(Step.START, Meter(first_byte=0.004, received=2_500_000))
    counts.late.add(0.05)
    lines = told(counts)
    rows = {" ".join(line.split()[:-1]): line.split()[-1] for line in lines[:8]}
    assert rows == {
        "frames": "1,000",
        "starts": "10,000",
        "results": "9,005",
        "… with a picture": "9,000",
        "… pending": "5",
        "pictures not there at the next start": "4",
        "downloads broken off on purpose": "90",
        "requests with which a frame failed": "0",
    }
    text = "\n".join(lines)
    assert "received                                        2.5 MB" in text
    assert "longest pause inside an answer                 12.3 ms" in text
    starts, results = (line.split() for line in lines if line.startswith("  of a "))
    assert starts == ["of", "a", "start", "4.0", "ms", "4.0", "ms", "4.0", "ms", "4.0", "ms"]
    assert results == ["of", "a", "result", "–", "–", "–", "–"]
    assert "In 100 s this program used 25% of one core. It was itself late by 50.0 ms at the most" in text
    assert lines[-1] == "No frame would have failed."


def test_the_table_shows_ten_kinds_of_failures() -> None:
    """The most frequent first, each with an example; the rest is one line."""
    counts = Counts(starts=1)
    for number in range(12):
        for _ in range(number + 1):
            counts.fail(Kind(Step.RESULT, f"reason {number}", Suffers.AGAIN), f"example {number}")
    lines = told(counts)
    kinds = [line.strip() for line in lines if " × " in line]
    assert kinds[0] == "12 × result: reason 11; the frame shows nothing new yet, it asks again 30 s later"
    assert kinds[10] == "3 × of 2 more kinds"
    assert len(kinds) == 11
    assert next(line.strip() for line in lines if "example" in line) == "example 11"
    assert lines[-1] == "Real frames would have failed."


def test_reasons_are_told_in_words() -> None:
    """Not by their labels."""
    counts = Counts(starts=1)
    counts.fail(LATE, "frame 7 at 127.1.0.7: the first byte came after 2.3 s")
    counts.fail(HALF, "frame 8")
    text = "\n".join(told(counts))
    assert "1 × start: the first byte was late; the frame shows nothing new until its next start" in text
    assert "frame 7 at 127.1.0.7: the first byte came after 2.3 s" in text
    assert "1 × result: the connection ended before the answer did; the frame shows half a picture" in text


def test_a_run_without_an_answer_says_nothing() -> None:
    """Nobody failed where nobody asked, but that proves nothing."""
    assert told(Counts())[-1] == "No start was answered, so this says nothing."


@pytest.mark.parametrize(
    ("has_own", "words"),
    [(True, "from 127.1.0.1 to 127.1.3.232"), (False, "all from this machine's address, so the server takes them for")],
)
def test_the_beginning_says_where_the_frames_ask_from(has_own: bool, words: str) -> None:
    """With addresses of their own or without."""
    sockets = Sockets(address=("127.0.0.1", 8099), family=socket.AF_INET, has_own=has_own)
    text = beginning(OPTIONS, sockets)
    assert text.startswith("1,000 frames at 127.0.0.1 port 8099, ")
    assert words in text
    assert "--seed 4" in text
