"""Sleep windows: which minutes lie in them, how they are written, and that a provider is left alone meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from live import ShiftedClock, live, painter

from imageserver.config import reader, redact
from imageserver.config.settings import read_terms
from imageserver.sleeping import SleepWindow, TimeRange, asleep


def window(start: str, end: str, *days: str) -> SleepWindow:
    return SleepWindow(time_range=TimeRange(start_time=start, end_time=end), days=days)  # type: ignore[arg-type]  # names of days


# 2026-11-22 is a Sunday.
@pytest.mark.parametrize(
    ("one", "moment", "sleeps"),
    [
        (window("13:00", "14:30"), "2026-11-22T12:59:59", False),
        (window("13:00", "14:30"), "2026-11-22T13:00:00", True),
        (window("13:00", "14:30"), "2026-11-22T14:30:59", True),
        (window("13:00", "14:30"), "2026-11-22T14:31:00", False),
        (window("23:00", "07:00"), "2026-11-22T22:59:00", False),
        (window("23:00", "07:00"), "2026-11-22T23:00:00", True),
        (window("23:00", "07:00"), "2026-11-23T00:00:00", True),
        (window("23:00", "07:00"), "2026-11-23T07:00:30", True),
        (window("23:00", "07:00"), "2026-11-23T07:01:00", False),
        (window("12:00", "12:00"), "2026-11-22T12:00:59", True),
        (window("12:00", "12:00"), "2026-11-22T12:01:00", False),
        (window("13:00", "14:30", "sat"), "2026-11-22T13:30:00", False),
        (window("13:00", "14:30", "sat", "sun"), "2026-11-22T13:30:00", True),
        (window("23:00", "07:00", "sun"), "2026-11-23T05:00:00", True),  # it began on Sunday
        (window("23:00", "07:00", "sun"), "2026-11-22T05:00:00", False),
        (window("23:00", "07:00", "sun"), "2026-11-23T23:30:00", False),
    ],
)
def test_which_minutes_lie_in_a_window(one: SleepWindow, moment: str, sleeps: bool) -> None:
    """Both ends count, midnight is no border, and a window belongs to the day on which it begins."""
    assert (asleep([one], datetime.fromisoformat(moment)) is one) == sleeps


def test_problems_have_their_lines(tmp_path: Path) -> None:
    """Every wrong thing in a list of windows is named with its place, all at once."""
    (tmp_path / "options.yml").write_text(
        'providers:\n  p:\n    sleep_time:\n      - time_range: {start_time: "7.00", end_time: "25:00"}\n'
        "      - days: [sunday]\n      - time_range: 5\n",
        encoding="utf-8",
    )
    config, _ = reader.read(tmp_path, flags={}, environment={}, now=datetime.now(UTC))
    _, problems = read_terms(config.providers["p"], code="p", data=tmp_path)
    assert [str(one) for one in problems] == [
        'options.yml:4: providers.p.sleep_time.time_range.start_time: expected a time from "00:00" to "23:59", in '
        'quotes, got "7.00"',
        'options.yml:4: providers.p.sleep_time.time_range.end_time: expected a time from "00:00" to "23:59", in '
        'quotes, got "25:00"',
        "options.yml:5: providers.p.sleep_time.days: expected one of mon, tue, wed, thu, fri, sat, sun, got "
        '"sunday": did you mean "sun"?',
        "options.yml:5: providers.p.sleep_time.time_range: is missing. The hours.",
        "options.yml:6: providers.p.sleep_time.time_range: expected keys with values, got a number",
    ]


@pytest.mark.parametrize(("start", "end"), [("7:05", "9:00"), ("07:05:59", "09:00:00")])
def test_times_as_the_go_server_took_them(start: str, end: str) -> None:
    """An hour of one digit is one, and seconds do no harm."""
    window = SleepWindow(time_range=TimeRange(start_time=start, end_time=end))
    held = [
        minute for minute in range(24 * 60) if window.holds(datetime(2026, 1, 5, minute // 60, minute % 60, tzinfo=UTC))
    ]
    assert (held[0], held[-1], len(held)) == (7 * 60 + 5, 9 * 60, 116)


def test_what_config_shows_is_read_again(tmp_path: Path) -> None:
    """`imageserver config` prints windows as the options take them."""
    text = 'providers:\n  p: {sleep_time: [{time_range: {start_time: "23:00", end_time: "07:00"}, days: [sun]}]}\n'
    (tmp_path / "options.yml").write_text(text, encoding="utf-8")
    now = datetime.now(UTC)
    config = reader.load(tmp_path, flags={}, environment={}, now=now)
    terms, _ = read_terms(config.providers["p"], code="p", data=tmp_path)
    (tmp_path / "options.yml").write_text(redact.show(config, {"p": None}, {"p": terms}), encoding="utf-8")
    again = reader.load(tmp_path, flags={}, environment={}, now=now)
    assert read_terms(again.providers["p"], code="p", data=tmp_path)[0] == terms
    assert terms.sleep_time == (window("23:00", "07:00", "sun"),)


async def test_a_sleeping_provider_is_left_alone(tmp_path: Path) -> None:
    """In its window it is not asked and says why; a minute after it, it is."""
    now = datetime.now(UTC)
    within = now.replace(hour=11, minute=30, second=0).timestamp()  # half an hour before its end, for a busy machine
    clock = ShiftedClock(shift=within - now.timestamp())
    kind = painter()
    options = (
        "image_generate_threshold: 0\nproviders:\n"
        '  painter: {sleep_time: [{time_range: {start_time: "11:00", end_time: "12:00"}}]}\n'
    )
    async with live(tmp_path, kind, options=options, stored=1, clock=clock) as server:
        operation = (await server.start(type="auto"))["id"]
        await server.done(operation)
        assert kind.asked == []
        async with server.http.get("/api/v1/plugins", headers={"Authorization": "Bearer the-owners-token"}) as answer:
            (line,) = [one for one in (await answer.json())["providers"] if one["code"] == "painter"]
        assert line["reason"] == "it sleeps until 12:00, as sleep_time says"
        clock.shift += 31 * 60
        operation = (await server.start(type="auto"))["id"]
        await server.done(operation)
        assert len(kind.asked) == 1
