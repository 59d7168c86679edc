from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imageserver.cron import next_fire

BERLIN = "Europe/Berlin"
NEW_YORK = "America/New_York"
MOSCOW = "Europe/Moscow"
YEKATERINBURG = "Asia/Yekaterinburg"
LORD_HOWE = "Australia/Lord_Howe"


def _moment(text: str, zone: str) -> datetime:
    """`text` carries its offset, so that both passes of an autumn hour can be named."""
    moment = datetime.fromisoformat(text).astimezone(ZoneInfo(zone))
    assert moment.isoformat() == text, "the test itself names a time with the wrong offset"
    return moment


@pytest.mark.parametrize(
    ("expression", "zone", "after", "expected"),
    [
        # plain days
        ("* * * * *", MOSCOW, "2026-05-05T10:00:00+03:00", ["2026-05-05T10:01:00+03:00", "2026-05-05T10:02:00+03:00"]),
        ("* * * * *", MOSCOW, "2026-05-05T10:00:59+03:00", ["2026-05-05T10:01:00+03:00"]),
        ("0 0 * * *", YEKATERINBURG, "2026-12-31T00:00:00+05:00", ["2027-01-01T00:00:00+05:00"]),
        ("0 9 * * mon-fri", MOSCOW, "2026-05-08T09:00:00+03:00", ["2026-05-11T09:00:00+03:00"]),
        ("0 9 * * 0", MOSCOW, "2026-05-08T09:00:00+03:00", ["2026-05-10T09:00:00+03:00"]),
        ("0 9 * * 7", MOSCOW, "2026-05-08T09:00:00+03:00", ["2026-05-10T09:00:00+03:00"]),
        ("0 22-6/4 * * *", MOSCOW, "2026-05-05T21:00:00+03:00", ["2026-05-05T22:00:00+03:00"]),
        # a day of the month and a weekday: either is enough, as in every cron
        (
            "0 0 13 * fri",
            MOSCOW,
            "2026-05-12T00:00:00+03:00",
            ["2026-05-13T00:00:00+03:00", "2026-05-15T00:00:00+03:00"],
        ),
        # month ends and leap days
        ("0 0 31 * *", MOSCOW, "2026-01-31T00:00:00+03:00", ["2026-03-31T00:00:00+03:00", "2026-05-31T00:00:00+03:00"]),
        ("0 0 l * *", MOSCOW, "2026-02-01T00:00:00+03:00", ["2026-02-28T00:00:00+03:00", "2026-03-31T00:00:00+03:00"]),
        ("0 0 29 2 *", MOSCOW, "2026-05-05T00:00:00+03:00", ["2028-02-29T00:00:00+03:00", "2032-02-29T00:00:00+03:00"]),
        ("0 0 29 2 *", MOSCOW, "2096-02-29T00:00:00+03:00", ["2104-02-29T00:00:00+03:00"]),
        ("0 0 31 2 *", MOSCOW, "2026-05-05T00:00:00+03:00", [None]),
        ("0 0 31 4,6,9,11 *", MOSCOW, "2026-05-05T00:00:00+03:00", [None]),
        # spring: 02:00 to 03:00 does not exist
        ("30 2 * * *", BERLIN, "2026-03-28T12:00:00+01:00", ["2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"]),
        (
            "30 2 * * *",
            NEW_YORK,
            "2026-03-07T12:00:00-05:00",
            ["2026-03-08T03:00:00-04:00", "2026-03-09T02:30:00-04:00"],
        ),
        (
            "*/5 2 * * *",
            BERLIN,
            "2026-03-29T00:00:00+01:00",
            ["2026-03-29T03:00:00+02:00", "2026-03-30T02:00:00+02:00"],
        ),
        (
            "0 2,3 * * *",
            BERLIN,
            "2026-03-29T01:59:59+01:00",
            ["2026-03-29T03:00:00+02:00", "2026-03-30T02:00:00+02:00"],
        ),
        (
            "30 2 29 3 *",
            BERLIN,
            "2026-03-01T00:00:00+01:00",
            ["2026-03-29T03:00:00+02:00", "2027-03-29T02:30:00+02:00"],
        ),
        ("15 2 * * *", LORD_HOWE, "2026-10-03T12:00:00+10:30", ["2026-10-04T02:30:00+11:00"]),
        ("* * * * *", BERLIN, "2026-03-29T01:58:00+01:00", ["2026-03-29T01:59:00+01:00", "2026-03-29T03:00:00+02:00"]),
        ("30 * * * *", BERLIN, "2026-03-29T01:00:00+01:00", ["2026-03-29T01:30:00+01:00", "2026-03-29T03:30:00+02:00"]),
        # autumn: 02:00 to 03:00 (Berlin), 01:00 to 02:00 (New York) exists twice
        ("30 2 * * *", BERLIN, "2026-10-24T12:00:00+02:00", ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"]),
        ("30 2 * * *", BERLIN, "2026-10-25T02:15:00+01:00", ["2026-10-26T02:30:00+01:00"]),
        (
            "30 1 * * *",
            NEW_YORK,
            "2026-11-01T00:00:00-04:00",
            ["2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00"],
        ),
        ("0 3 * * *", BERLIN, "2026-10-25T02:30:00+02:00", ["2026-10-25T03:00:00+01:00"]),
        ("0 0 * * *", BERLIN, "2026-10-24T00:00:00+02:00", ["2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00"]),
        ("* * * * *", BERLIN, "2026-10-25T02:59:00+02:00", ["2026-10-25T02:00:00+01:00", "2026-10-25T02:01:00+01:00"]),
        ("* * * * *", BERLIN, "2026-10-25T02:59:00+01:00", ["2026-10-25T03:00:00+01:00"]),
        (
            "0 * * * *",
            NEW_YORK,
            "2026-11-01T00:30:00-04:00",
            ["2026-11-01T01:00:00-04:00", "2026-11-01T01:00:00-05:00", "2026-11-01T02:00:00-05:00"],
        ),
    ],
)
def test_table(expression: str, zone: str, after: str, expected: list[str | None]) -> None:
    """Every line of the table holds, each moment being found from the one before it."""
    moment = _moment(after, zone)
    found = []
    for _ in expected:
        fired = next_fire(expression, moment)
        found.append(None if fired is None else fired.isoformat())
        moment = fired or moment
    assert expected == found


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25", "2026-06-01"])
def test_every_minute_is_every_real_minute(day: str) -> None:
    """`* * * * *` fires every sixty seconds, also through both changes of the clock."""
    moment = datetime.fromisoformat(f"{day}T00:00:00").replace(tzinfo=ZoneInfo(BERLIN))
    for _ in range(5 * 60):
        fired = next_fire("* * * * *", moment)
        assert fired is not None
        assert timedelta(minutes=1) == fired.astimezone(UTC) - moment.astimezone(UTC)
        moment = fired


@settings(max_examples=150)
@given(
    moment=st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2035, 1, 1)),  # noqa: DTZ001 - zoned below
    zone=st.sampled_from([BERLIN, NEW_YORK, MOSCOW, YEKATERINBURG, LORD_HOWE, "Africa/Casablanca", "UTC"]),
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
)
def test_a_daily_time_fires_once_a_day(moment: datetime, zone: str, hour: int, minute: int) -> None:
    """A time of day fires on the very next day and only then, whatever the clock does in between."""
    after = moment.replace(tzinfo=ZoneInfo(zone))
    first = next_fire(f"{minute} {hour} * * *", after)
    assert first is not None
    second = next_fire(f"{minute} {hour} * * *", first)
    assert second is not None
    assert after.astimezone(UTC) < first.astimezone(UTC) < second.astimezone(UTC)
    assert timedelta(days=1) == second.date() - first.date()


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("", "five fields"),
        ("* * * *", "this has 4"),
        ("* * * * * *", "this has 6"),
        ("@daily", "five fields"),
        ("60 * * * *", '"60" is no minute'),
        ("0 24 * * *", '"24" is no hour'),
        ("0 0 0 * *", '"0" is no day of the month'),
        ("0 0 1 13 *", '"13" is no month'),
        ("0 0 * * 8", '"8" is no day of the week'),
        ("*/0 * * * *", '"*/0" is no minute'),
        ("H * * * *", '"H" is no minute'),
        ("R * * * *", '"R" is no minute'),
        ("r(0-3) * * * *", "is no minute"),
        ("а б в г д", '"а" is no minute'),
        ("1,,2 * * * *", '"1,,2" is no minute'),
        ("0-99999999 * * * *", "is no minute"),
        ("9" * 300 + " * * * *", "at most 200 characters"),
    ],
)
def test_a_bad_expression_is_explained(expression: str, says: str) -> None:
    """What cannot be read is refused with a sentence that names the field."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is checked below, as text and not as a pattern
        next_fire(expression, datetime(2026, 1, 1, tzinfo=UTC))
    assert says in str(caught.value)


def test_a_moment_needs_a_zone() -> None:
    """A moment without a zone is refused rather than taken for UTC."""
    with pytest.raises(ValueError, match="time zone"):
        next_fire("* * * * *", datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point


def test_the_end_of_the_calendar() -> None:
    """Behind the last date that Python knows nothing fires, and nothing breaks."""
    assert next_fire("0 0 * * *", datetime(9999, 12, 31, 12, tzinfo=UTC)) is None


@settings(max_examples=300)
@given(st.one_of(st.text(max_size=30), st.text(alphabet="0123456789*/,- lLwW#?hHrRmonjan", max_size=30)))
def test_any_text_is_a_date_or_a_refusal(text: str) -> None:
    """Any text either fires later, never fires, or is refused with a ValueError."""
    after = datetime(2026, 1, 1, tzinfo=ZoneInfo(BERLIN))
    try:
        fired = next_fire(text, after)
    except ValueError:
        return
    assert fired is None or fired > after
