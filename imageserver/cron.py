"""When a cron expression fires next. Pure, and the only user of croniter.

Five fields in the owner's local time: minute, hour, day of the month, month, day of the week.

Daylight saving, decided once and here:

- An expression that names hours (`30 2 * * *`, `0 */6 * * *`) fires once for every time of day that it names. A time
  that the clock skips in spring fires right after the gap; several skipped times fire together, once. A time that
  the clock shows twice in autumn fires the first time only.
- An expression whose hour is `*` (`* * * * *`, `*/30 * * * *`, `0 * * * *`) follows real time: it fires in both
  passes of the repeated hour, and there is nothing to make up for in spring.

croniter is given wall times without a zone, because with one it fires `30 2 * * *` twice in autumn and has no word
for the rule above.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo

from croniter import CroniterBadDateError, CroniterError, croniter

# (name, croniter's limits in words)
_FIELDS = (
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    ("day of the month", "1 to 31"),
    ("month", "1 to 12, or jan to dec"),
    ("day of the week", "0 to 7 (0 and 7 are Sunday), or mon to sun"),
)
_MONTHS = frozenset(("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"))
_WORDS = _MONTHS | {
    "mon",
    "tue",
    "wed",
    "thu",
    "fri",
    "sat",
    "sun",
    "l",
    "w",
}  # l: the last, w: the nearest working day
_LONGEST = 200  # characters; a list of all minutes has 169
_YEARS = 12  # leap days are at most eight years apart: 1896 to 1904, 2096 to 2104
_NEAR = timedelta(hours=4)  # no zone has ever set its clock back by more within one day
_STEPS = 2000  # wall times looked at: more than all minutes of the longest repeated stretch, twice over


def next_fire(expression: str, after: datetime) -> datetime | None:
    """The first moment later than `after` at which `expression` fires, in the zone of `after`.

    `after` is aware, best with a ZoneInfo: a fixed offset knows no daylight saving. None when there is no such date
    (`0 0 31 2 *`). ValueError, with a sentence for the owner, when the expression cannot be read.
    """
    zone = after.tzinfo
    if zone is None or after.utcoffset() is None:
        raise ValueError("next_fire needs a moment with a time zone")
    fields = _fields(expression)
    follows_real_time = croniter.expand(" ".join(fields))[0][1] == ["*"]
    # Two moments of one zone are compared by their wall time in Python; in UTC they are compared as moments.
    start = after.astimezone(UTC)
    best: datetime | None = None
    try:
        for wall in _walls(" ".join(fields), _first_wall(start, zone)):
            for moment in _moments(wall, zone, follows_real_time=follows_real_time):
                if moment > start and (best is None or moment < best):
                    best = moment
            # Later wall times have later first moments, so nothing earlier can follow.
            if best is not None and _as_utc(wall, zone, fold=0) >= best:
                break
    except OverflowError:  # the end of the calendar
        return None
    return None if best is None else best.astimezone(zone)


def _fields(expression: str) -> list[str]:
    example = 'like "0 3 * * *" for every night at three'
    if len(expression) > _LONGEST:
        raise ValueError(f"a cron expression has at most {_LONGEST} characters")
    fields = expression.split()
    if len(fields) != len(_FIELDS):
        # croniter takes six and seven fields too, with the seconds last, which nobody means.
        raise ValueError(
            f"a cron expression has five fields (minute, hour, day, month, weekday), {example}; this has {len(fields)}"
        )
    for index, (field, (name, limits)) in enumerate(zip(fields, _FIELDS, strict=True)):
        if not _is_readable(field, index):
            raise ValueError(f'"{field}" is no {name}: expected {limits}, "*", a list, a range or "*/5"')
    return fields


def _is_readable(field: str, index: int) -> bool:
    # Jenkins' H and R stand for a moment drawn at random, another one at every start: not among the words.
    if not _WORDS.issuperset(re.findall(r"[^\W\d_]+", field.lower())):
        return False
    alone = ["*"] * len(_FIELDS)
    alone[index] = field
    try:
        croniter.expand(" ".join(alone))
    except (CroniterError, ValueError, LookupError):
        return False
    return True


def _first_wall(start: datetime, zone: tzinfo) -> datetime:
    near = start.astimezone(zone)
    if (start - _NEAR).astimezone(zone).utcoffset() != (start + _NEAR).astimezone(zone).utcoffset():
        near -= _NEAR  # the clock is about to show, or is showing, an hour a second time
    return near.replace(tzinfo=None, fold=0)


def _walls(expression: str, start: datetime) -> Iterator[datetime]:
    steps = croniter(expression, start, ret_type=datetime, max_years_between_matches=_YEARS)
    for _ in range(_STEPS):
        try:
            yield steps.get_next()
        except CroniterBadDateError:
            return


def _moments(wall: datetime, zone: tzinfo, *, follows_real_time: bool) -> list[datetime]:
    """The moments in UTC at which the clock on the wall counts as showing `wall`: none, one or two."""
    first, second = _as_utc(wall, zone, fold=0), _as_utc(wall, zone, fold=1)
    exists = first.astimezone(zone).replace(tzinfo=None, fold=0) == wall
    if exists:
        return sorted({first, second}) if follows_real_time else [first]
    return [] if follows_real_time else [_end_of_gap(second, first, zone)]


def _as_utc(wall: datetime, zone: tzinfo, *, fold: int) -> datetime:
    return wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)


def _end_of_gap(before: datetime, behind: datetime, zone: tzinfo) -> datetime:
    # For a wall time inside a gap fold=1 reads it with the new offset, which gives a moment before the jump, and
    # fold=0 with the old one, which gives a moment at or behind it (PEP 495). The jump is found between the two.
    old = before.astimezone(zone).utcoffset()
    while behind - before > timedelta(seconds=1):
        middle = before + (behind - before) // 2
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            behind = middle
    return behind.replace(microsecond=0)
