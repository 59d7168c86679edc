"""The parts of the benchmarks that are pure: which rounds count, percentiles, tables, and the plot's axes."""

from __future__ import annotations

import pytest
from attrs import evolve
from bench import bench_frames, frame_load, growth, plot, report
from bench.growth import Cost
from bench.rounds import NOISY, Round, Summary, Tally, percentile
from PIL import Image

from imageserver.frame_client.swarm_counts import Counts, Step
from imageserver.frame_client.wire import Meter

LOUD = NOISY + 0.1


def measured(figure: float, foreign: float = 0.0) -> Round:
    """A round with one figure."""
    return Round(figures={"per_second": figure}, foreign=foreign)


def tally(*rounds: Round, wanted: int = 3) -> Tally:
    """A tally with these rounds in it."""
    made = Tally(wanted=wanted)
    for one in rounds:
        made.add(one)
    return made


def summary(figure: float, **figures: float) -> Summary:
    """What five quiet rounds gave."""
    return Summary(figures={"per_second": figure, **figures}, foreign=0.04, rounds=5, noisy=0, thrown_away=0)


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.99, 99), (0.999, 100), (1.0, 100), (0.0, 1), (0.011, 2)])
def test_percentile_is_the_nearest_rank(share: float, expected: float) -> None:
    """It is one of the values, whatever order they came in."""
    assert percentile([float(value) for value in range(100, 0, -1)], share) == expected


def test_percentile_of_one_value() -> None:
    """A single value is every percentile."""
    assert {percentile([7.0], share) for share in (0.0, 0.5, 0.999)} == {7.0}


def test_quiet_rounds_alone_count() -> None:
    """Noisy rounds are thrown away once there are enough quiet ones."""
    made = tally(measured(1), measured(500, LOUD), measured(3), measured(700, LOUD), measured(2))
    assert not made.wants_more
    found = made.summary()
    assert found.figures == {"per_second": 2}
    assert (found.rounds, found.noisy, found.thrown_away) == (3, 0, 2)


def test_a_round_at_the_limit_is_quiet() -> None:
    """Just so much as is allowed."""
    assert measured(1, NOISY).is_quiet
    assert not measured(1, NOISY + 0.001).is_quiet


def test_noisy_rounds_are_repeated_three_times_at_most() -> None:
    """Then the least noisy ones count, and the summary says that they were noisy."""
    made = Tally(wanted=2)
    shares = [0.9, 0.5, 0.3, 0.8, 0.4, 0.7]
    for number, share in enumerate(shares):
        assert made.wants_more, number
        made.add(measured(100 * share, share))
    assert not made.wants_more
    found = made.summary()
    assert found.figures["per_second"] == pytest.approx(35)
    assert found.foreign == pytest.approx(0.35)
    assert (found.rounds, found.noisy, found.thrown_away) == (2, 2, 4)


def test_few_quiet_rounds_are_filled_up_with_the_least_noisy() -> None:
    """A quiet round is never given up for a noisy one."""
    made = tally(measured(1), measured(9, 0.9), measured(2, 0.2), measured(3, 0.3))
    assert [one.figures["per_second"] for one in made.kept()] == [1, 2, 3]
    assert made.wants_more


def test_the_table_has_the_target_beside_the_figure() -> None:
    """Cases that were not measured have no line; what was thrown away is said."""
    noisy = evolve(summary(1234.4, server_ms=0.5, client_share=0.25), noisy=2, thrown_away=10)
    text = report.table({"pairs": noisy, "again, 1,000": summary(0, seconds=0.456)})
    assert text.splitlines()[2:] == [
        "| start(old)+result pairs, 8 clients, 40 KB pictures | ≥ 1,000 a second | 1,234 a second | 0.50 | 25% | 4% "
        "| 5, 2 noisy (10 thrown away) |",
        "| start to first answer, 1,000 pictures | ≤ 0.8 s | 0.46 s |  |  | 4% | 5 |",
    ]


def test_every_line_of_a_table_has_as_many_cells() -> None:
    """Whatever is measured, Markdown gets a table."""
    everything = {
        row.case: summary(
            1,
            server_ms=1,
            client_share=0,
            seconds=1,
            idle=1,
            peak=1,
            rss=1,
            cpu_ms=1,
            failed=0,
            server_share=1,
            gap=1,
            kilobytes=1,
            **{
                f"{what}_ms": 1
                for what in ("page", "again", "all", "all_cpu", "unseen", "progress", "longest_progress")
            },
            **{f"{what}_p{share}": 1 for what in ("first", "any") for share in (50, 99, 99.9)},
        )
        for row in report.ROWS
    }
    lines = report.table(everything).splitlines()
    assert len(lines) == 2 + len(report.ROWS)
    assert {line.count("|") for line in lines} == {8}


def test_the_share_of_the_bare_handler() -> None:
    """By the clock more is better, by CPU less is."""
    text = report.shares({"result": summary(300, server_ms=2.0), "bare": summary(400, server_ms=1.0)})
    assert text.splitlines()[2:] == ["| result | 0.75 | 0.50 |"]


GROWN = {
    stored: {
        "add": Cost(ms=stored / 100, cpu_ms=1.5, statements=18),
        "a commit meanwhile": Cost(ms=12.34),
        "more memory": Cost(megabytes=7.6),
    }
    for stored in (1_000, 10_000)
}


def test_growth_has_a_column_for_each_store() -> None:
    """One line for each doing, with what was measured of it."""
    assert report.growth_table(GROWN).splitlines()[2:] == [
        "| add | 10, 1.5, 18 | 100, 1.5, 18 |",
        "| a commit meanwhile | 12.3 | 12.3 |",
        "| more memory | 8 MB | 8 MB |",
    ]


def test_the_plot_of_growth_shows_cpu() -> None:
    """What has none is not on it."""
    assert growth.lines(GROWN) == {"add": {1_000: 1.5, 10_000: 1.5}}


@pytest.mark.parametrize(
    ("values", "expected"), [([1.0], [0, 1]), ([0.02, 950.0], [-2, -1, 0, 1, 2, 3]), ([10.0, 1000.0], [1, 2, 3])]
)
def test_the_axes_hold_every_value(values: list[float], expected: list[int]) -> None:
    """And are never empty."""
    assert list(plot.decades(values)) == expected


def blue(picture: Image.Image) -> int:
    """Pixels of the first line's colour."""
    colours = {colour: number for number, colour in picture.getcolors(picture.width * picture.height) or []}
    return colours.get((0x1B, 0x6C, 0xA8), 0)


def test_the_plot_is_drawn() -> None:
    """A line leaves its colour on the paper."""
    assert blue(plot.growth_plot("ms", {"add": {1_000: 2.0, 10_000: 3.0}})) > 100


def test_plots_stand_side_by_side() -> None:
    """Each has half of the paper; one that has nothing to show takes no place."""
    pictures, frames = {"add": {1_000: 2.0, 10_000: 3.0}}, {"CPU": {100: 2.0, 1_000: 1.5}}
    both = plot.side_by_side({"by pictures": pictures, "by frames": frames})
    alone = plot.side_by_side({"by pictures": pictures, "by frames": {"CPU": {}}})
    assert both.width == 2 * alone.width
    assert blue(both.crop((0, 0, alone.width, alone.height))) == blue(alone) > 100
    assert blue(both.crop((alone.width, 0, both.width, both.height))) > 100


def test_growth_by_frames_has_a_line_for_each_figure() -> None:
    """With a point for each number of frames that was measured and cost anything."""
    found = {
        bench_frames.name_of(number): summary(1, server_ms=number // 101, first_p50=2, first_p99=3)
        for number in (100, 10_000)
    }
    assert bench_frames.growth(found) == {
        "server CPU, each pair": {10_000: 99},
        "first byte, p50": {100: 2, 10_000: 2},
        "first byte, p99": {100: 3, 10_000: 3},
    }


def test_what_frames_saw_becomes_figures_in_milliseconds() -> None:
    """Both kinds of question together, as the report names them."""
    counts = Counts(starts=3, pictures=2, aborted=1)
    for step, first in ((Step.START, 0.001), (Step.RESULT, 0.5)):
        counts.measured(step, Meter(first_byte=first, longest_pause=0.25, received=1_000_000))
    seen = frame_load.figures(counts)
    assert (seen["starts"], seen["pictures"], seen["aborted"], seen["questions"]) == (3, 2, 1, 2)
    assert seen["first_p50"] == pytest.approx(1, rel=0.02)
    assert [seen[name] for name in ("first_p99", "longest_first", "longest_pause", "megabytes")] == [500, 500, 250, 2]
