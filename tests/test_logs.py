from __future__ import annotations

import contextlib
import gzip
import logging
import os
import re
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from faults.small_disk import small_disk

from imageserver.clock import SystemClock, zone_in_words
from imageserver.log_file import LogFile
from imageserver.logs import first_line, logging_to
from imageserver.testing import FakeClock
from imageserver.version import __version__

MOSCOW = ZoneInfo("Europe/Moscow")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MEGABYTE = 1_000_000


@pytest.fixture(autouse=True)
def _levels_as_before() -> Iterator[None]:
    """The server's process ends with its log; this one goes on."""
    loggers = [logging.getLogger(name) for name in (None, "aiohttp", "aiohttp.server", "asyncio")]
    before = [(logger, logger.level, list(logger.filters)) for logger in loggers]
    yield
    for logger, level, filters in before:
        logger.setLevel(level)
        logger.filters[:] = filters


def log_file(path: Path, *, megabytes: int = 1, days: int = 30, is_named: bool = False) -> LogFile:
    file = LogFile(path, zone=UTC, megabytes=megabytes, days=days, is_named=is_named)
    file.setFormatter(logging.Formatter("%(message)s"))
    return file


def say(file: LogFile, text: str, when: datetime = NOON) -> None:
    """One line, written at this moment."""
    record = logging.LogRecord("imageserver", logging.INFO, __file__, 1, text, None, None)
    record.created = when.timestamp()
    file.handle(record)


def aside(folder: Path) -> dict[str, str]:
    """What was put aside: name → text. Nothing else but the log itself may lie there."""
    packed = {path.name: gzip.decompress(path.read_bytes()).decode() for path in folder.glob("app.log.*.gz")}
    assert {path.name for path in folder.iterdir()} - set(packed) <= {"app.log"}
    return packed


# What is written


def test_lines_go_to_both_places_in_the_owners_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Standard error and the file get the same lines; the folder is made; only owner and group may read."""
    path = tmp_path / "log" / "app.log"
    with logging_to("INFO", MOSCOW, LogFile(path, zone=MOSCOW, megabytes=1, days=1, is_named=False)):
        before = datetime.now(MOSCOW).replace(microsecond=0)
        logging.getLogger("imageserver.test").info("a picture of %s", "сосны")
        logging.getLogger("imageserver.test").debug("not this one")
        try:
            int("broken")
        except ValueError:
            logging.getLogger("imageserver.test").exception("it failed")
    text = path.read_text(encoding="utf-8")
    assert text == capsys.readouterr().err
    first = text.splitlines()[0]
    assert first[19:] == " INFO    a picture of сосны"
    assert timedelta(0) <= datetime.fromisoformat(first[:19]).replace(tzinfo=MOSCOW) - before < timedelta(minutes=5)
    assert "not this one" not in text
    assert "ValueError: invalid literal" in text
    assert stat.S_IMODE(path.stat().st_mode) & ~0o640 == 0


def test_half_a_character_costs_no_line(tmp_path: Path) -> None:
    """What cannot be encoded is written all the same."""
    file = log_file(tmp_path / "app.log")
    say(file, "a lone \udc80 surrogate")
    file.close()
    assert (tmp_path / "app.log").read_text() == "a lone \\udc80 surrogate\n"


# A new file each day and when one is too large


def test_each_local_day_has_its_file(tmp_path: Path) -> None:
    """The first line of a new day begins a new file; the old one is compressed under its day."""
    file = log_file(tmp_path / "app.log")
    say(file, "one")
    say(file, "two", NOON + timedelta(hours=11, minutes=59))
    say(file, "three", NOON + timedelta(hours=12))
    file.close()
    assert (tmp_path / "app.log").read_text() == "three\n"
    assert aside(tmp_path) == {"app.log.2026-11-22.1.gz": "one\ntwo\n"}


def test_the_day_is_the_owners(tmp_path: Path) -> None:
    """Midnight is that of the zone."""
    file = LogFile(tmp_path / "app.log", zone=MOSCOW, megabytes=1, days=30, is_named=False)
    say(file, "one", datetime(2026, 11, 22, 20, 59, tzinfo=UTC))
    say(file, "two", datetime(2026, 11, 22, 21, 0, tzinfo=UTC))
    file.close()
    assert list(aside(tmp_path)) == ["app.log.2026-11-22.1.gz"]


def test_a_file_of_an_earlier_day_is_put_aside_after_a_restart(tmp_path: Path) -> None:
    """The day of what lies there is that of its last line; one of today is gone on with."""
    path = tmp_path / "app.log"
    path.write_text("of the day before\n")
    yesterday = (NOON - timedelta(days=1)).timestamp()
    os.utime(path, (yesterday, yesterday))
    file = log_file(path)
    say(file, "today")
    file.close()
    os.utime(path, (NOON.timestamp(), NOON.timestamp()))
    file = log_file(path)
    say(file, "today again")
    file.close()
    assert aside(tmp_path) == {"app.log.2026-11-21.1.gz": "of the day before\n"}
    assert path.read_text() == "today\ntoday again\n"


def test_a_large_file_is_put_aside(tmp_path: Path) -> None:
    """No file is larger than it may be, every line is kept, and the numbers go on."""
    file = log_file(tmp_path / "app.log")
    lines = [f"{number:06} {'x' * 993}" for number in range(3500)]
    for line in lines:
        say(file, line)
    file.close()
    packed = aside(tmp_path)
    assert sorted(packed) == [f"app.log.2026-11-22.{number}.gz" for number in (1, 2, 3)]
    assert all(len(text) <= MEGABYTE for text in packed.values())
    assert "".join(packed[name] for name in sorted(packed)) + (tmp_path / "app.log").read_text() == "".join(
        f"{line}\n" for line in lines
    )


def test_a_clock_set_back_loses_nothing(tmp_path: Path) -> None:
    """A clock without a battery writes under 1970 until it is set, and nothing is overwritten."""
    file = log_file(tmp_path / "app.log")
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    for number, when in enumerate((NOON, epoch, NOON, epoch, NOON)):
        say(file, str(number), when)
    file.close()
    assert aside(tmp_path) == {
        "app.log.2026-11-22.1.gz": "0\n",
        "app.log.1970-01-01.1.gz": "1\n",
        "app.log.2026-11-22.2.gz": "2\n",
        "app.log.1970-01-01.2.gz": "3\n",
    }
    assert (tmp_path / "app.log").read_text() == "4\n"


# What becomes old


def put(folder: Path, day: datetime, number: int = 1, data: bytes | None = None) -> Path:
    """A file that was put aside on a day."""
    path = folder / f"app.log.{day:%Y-%m-%d}.{number}.gz"
    path.write_bytes(gzip.compress(b"old") if data is None else data)
    os.utime(path, (day.timestamp(), day.timestamp()))
    return path


def test_old_files_are_deleted(tmp_path: Path) -> None:
    """After log_days a file goes; files with other names are nobody's business."""
    young, old = put(tmp_path, NOON - timedelta(days=6)), put(tmp_path, NOON - timedelta(days=8))
    strangers = [tmp_path / name for name in ("app-2026-01-01.log.gz", "app.log.1.gz", "other.log.2026-01-01.1.gz")]
    for path in strangers:
        path.write_text("mine")
        os.utime(path, (0, 0))
    file = log_file(tmp_path / "app.log", days=7)
    say(file, "today")
    file.close()
    assert young.exists()
    assert not old.exists()
    assert all(path.exists() for path in strangers)


def test_there_are_never_too_many(tmp_path: Path) -> None:
    """However fast they come, fifty are kept, the newest."""
    paths = [put(tmp_path, NOON - timedelta(seconds=number), 100 - number) for number in range(60)]
    file = log_file(tmp_path / "app.log")
    say(file, "today")
    file.close()
    assert [path.exists() for path in paths] == [True] * 50 + [False] * 10


def test_together_they_have_a_limit(tmp_path: Path) -> None:
    """All that is put aside is at most ten times as large as one file may be."""
    paths = [put(tmp_path, NOON - timedelta(days=number), data=bytes(4 * MEGABYTE)) for number in range(1, 5)]
    file = log_file(tmp_path / "app.log")
    say(file, "today")
    file.close()
    assert [path.exists() for path in paths] == [True, True, False, False]


def test_what_a_crash_left_is_compressed(tmp_path: Path) -> None:
    """A file that was put aside and not yet compressed is, at the next start."""
    (tmp_path / "app.log.2026-11-21.1").write_text("left behind\n")
    (tmp_path / ".app.log.2026-11-21.1.tmp").write_text("half")
    file = log_file(tmp_path / "app.log", days=3650)
    say(file, "today", datetime.now(UTC))
    file.close()
    assert aside(tmp_path) == {"app.log.2026-11-21.1.gz": "left behind\n"}


def test_a_stop_does_not_wait_for_compression(tmp_path: Path) -> None:
    """In haste the file stays as it is; the next start compresses it."""
    file = log_file(tmp_path / "app.log")
    say(file, "yesterday", NOON - timedelta(days=1))
    file.hurry()
    say(file, "today")
    file.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["app.log", "app.log.2026-11-21.1"]
    os.utime(tmp_path / "app.log", (NOON.timestamp(), NOON.timestamp()))
    file = log_file(tmp_path / "app.log")
    say(file, "today again")
    file.close()
    assert aside(tmp_path) == {"app.log.2026-11-21.1.gz": "yesterday\n"}
    assert (tmp_path / "app.log").read_text() == "today\ntoday again\n"


def test_the_end_of_the_log_is_in_haste(tmp_path: Path) -> None:
    """Once the server stops, nothing more is compressed."""
    left = tmp_path / "app.log.2026-11-21.1"
    left.write_text("left behind\n")
    file = log_file(tmp_path / "app.log")
    with logging_to("INFO", UTC, file):
        pass
    say(file, "the last line")
    file.close()
    assert left.exists()


# Other hands


def test_logrotate_may_move_or_cut_the_file(tmp_path: Path) -> None:
    """After a move or a deletion lines go to a new file, after copytruncate to the beginning of the same."""
    path = tmp_path / "app.log"
    file = log_file(path)
    say(file, "one")
    path.rename(tmp_path / "app.log.1")
    say(file, "two")
    os.truncate(path, 0)
    say(file, "three")
    assert path.read_bytes() == b"three\n"  # and no hole of zeros before it
    path.unlink()
    say(file, "four")
    (tmp_path / "elsewhere").mkdir()
    path.rename(tmp_path / "elsewhere" / "app.log")
    say(file, "five")
    file.close()
    assert path.read_text() == "five\n"
    assert (tmp_path / "app.log.1").read_text() == "one\n"


def test_a_folder_that_is_deleted_comes_back(tmp_path: Path) -> None:
    """The next line makes the folder anew."""
    path = tmp_path / "log" / "app.log"
    file = log_file(path)
    say(file, "one")
    path.unlink()
    path.parent.rmdir()
    say(file, "two")
    file.close()
    assert path.read_text() == "two\n"


def test_a_link_goes_on_leading_to_the_file(tmp_path: Path) -> None:
    """What is put aside lies beside the file, not beside the link."""
    (tmp_path / "far").mkdir()
    (tmp_path / "app.log").symlink_to(tmp_path / "far" / "app.log")
    file = log_file(tmp_path / "app.log")
    say(file, "one")
    say(file, "two", NOON + timedelta(days=1))
    file.close()
    assert (tmp_path / "app.log").read_text() == "two\n"
    assert aside(tmp_path / "far") == {"app.log.2026-11-22.1.gz": "one\n"}


def test_a_file_that_cannot_be_put_aside_stays_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing can be renamed the day is gone on with, and a file that is full begins anew."""

    def refuse(_self: Path, _target: Path) -> Path:
        raise OSError("Device or resource busy")  # what a single file mounted into a container says

    monkeypatch.setattr(Path, "rename", refuse)
    file = log_file(tmp_path / "app.log")
    say(file, "one")
    say(file, "two", NOON + timedelta(days=1))
    assert (tmp_path / "app.log").read_text() == "one\ntwo\n"
    for number in range(1500):
        say(file, f"{number:04} {'x' * 994}", NOON + timedelta(days=1))
    file.close()
    assert (tmp_path / "app.log").stat().st_size <= MEGABYTE
    assert (tmp_path / "app.log").read_text().splitlines()[-1].startswith("1499 ")


# When it cannot be written


@pytest.mark.parametrize(("is_named", "level"), [(False, "WARNING"), (True, "ERROR")], ids=["default", "named"])
def test_a_file_that_cannot_be_written_is_told_about_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *, is_named: bool, level: str
) -> None:
    """Standard error says so once, louder when the owner chose the file, and gets every line."""
    (tmp_path / "log").write_text("a file where the folder should be")
    file = LogFile(tmp_path / "log" / "app.log", zone=UTC, megabytes=1, days=1, is_named=is_named)
    with logging_to("INFO", UTC, file):
        for number in range(3):
            logging.getLogger("imageserver.test").info("line %d", number)
    said = [line[20:] for line in capsys.readouterr().err.splitlines()]
    assert re.fullmatch(
        rf"{level} +the log file \S+/log/app\.log cannot be written: \w.*\. The log is on standard error only", said[0]
    )
    assert said[1:] == [f"INFO    line {number}" for number in range(3)]


def test_a_file_that_can_be_written_later_is(tmp_path: Path) -> None:
    """A disk that is mounted after the start gets the log from then on, and the file says what it lacks."""
    log = tmp_path / "log"
    log.write_text("in the way")
    file = log_file(log / "app.log")
    assert file.problem() is not None
    say(file, "one")
    say(file, "two")
    log.unlink()
    say(file, "three")
    say(file, "four")
    file.close()
    assert (log / "app.log").read_text() == "... 2 lines before this one could not be written ...\nthree\nfour\n"


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir], ids=["pipe", "folder"])
def test_what_is_no_plain_file_is_left_alone(tmp_path: Path, make: object) -> None:
    """A pipe that nobody reads, or a folder, costs the file and holds nobody up."""
    assert callable(make)
    make(tmp_path / "app.log")
    file = log_file(tmp_path / "app.log")
    assert file.problem()
    say(file, "one")
    file.close()
    assert not stat.S_ISREG((tmp_path / "app.log").stat().st_mode)


def test_a_pipe_with_a_reader_is_left_alone(tmp_path: Path) -> None:
    """A pipe could be written, but neither put aside nor measured: it gets nothing."""
    os.mkfifo(tmp_path / "app.log")
    reader = os.open(tmp_path / "app.log", os.O_RDONLY | os.O_NONBLOCK)
    file = log_file(tmp_path / "app.log")
    assert file.problem() == "it is no plain file"
    say(file, "one")
    file.close()
    assert os.read(reader, 10) == b""
    os.close(reader)


def test_a_full_disk_costs_lines_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    """Lines that do not fit are lost for the file without a word; none is cut in half, and with room it goes on."""
    with small_disk() as disk:
        path = disk.folder / "log" / "app.log"
        with logging_to("INFO", UTC, LogFile(path, zone=UTC, megabytes=100, days=1, is_named=True)):
            log = logging.getLogger("imageserver.test")
            log.info("before")
        disk.fill(leave=6000)
        with logging_to("INFO", UTC, LogFile(path, zone=UTC, megabytes=100, days=1, is_named=True)):
            for number in range(50):
                log.info("%s %d", "x" * 1000, number)
        full = path.read_text()
        disk.empty()
        with logging_to("INFO", UTC, LogFile(path, zone=UTC, megabytes=100, days=1, is_named=True)):
            log.info("after")
        text = path.read_text()
    assert full.endswith("\n")
    assert 1 < full.count("\n") < 51
    assert text.startswith(full)
    assert text.endswith(" INFO    after\n")
    err = capsys.readouterr().err
    assert err.count("\n") == 52
    assert "Logging error" not in err


def test_standard_error_that_fails_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A terminal that was closed, or a file on a full disk, keeps no line from the log file and brings no traceback."""
    reader, writer = os.pipe()
    os.close(reader)
    log = log_file(tmp_path / "app.log")
    with os.fdopen(writer, "w", buffering=1) as closed, contextlib.ExitStack() as stack:
        with monkeypatch.context() as patched:
            patched.setattr("sys.stderr", closed)
            stack.enter_context(logging_to("INFO", UTC, log))
        logging.getLogger("imageserver.test").info("one")
        logging.getLogger("imageserver.test").info("two")
        stack.close()
        with pytest.raises(BrokenPipeError):
            closed.close()
    assert (tmp_path / "app.log").read_text().count("\n") == 2
    assert capsys.readouterr().err == ""


# The first line, and the zone in it


def test_the_first_line_names_what_a_report_needs() -> None:
    """Version, Python and the zone with its source."""
    said = first_line(FakeClock(NOON.timestamp(), zone=MOSCOW), {"TZ": "Europe/Moscow"})
    assert re.fullmatch(
        rf"ImageServer {re.escape(__version__)}, Python 3\.\d+\.\d+\S*, time zone Europe/Moscow \(from TZ\)", said
    )


def test_the_zone_says_where_it_is_from(tmp_path: Path) -> None:
    """TZ, /etc/localtime, or neither; a file without a name gives the hours."""
    clock = FakeClock(NOON.timestamp(), zone=ZoneInfo("Asia/Yekaterinburg"))
    assert zone_in_words(clock, {}, tmp_path) == "Asia/Yekaterinburg (neither TZ nor /etc/localtime says another)"
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "timezone").write_text("Asia/Yekaterinburg")
    assert zone_in_words(clock, {"TZ": ""}, tmp_path) == "Asia/Yekaterinburg (from /etc/timezone)"
    (tmp_path / "etc" / "localtime").write_bytes(b"")
    assert zone_in_words(clock, {}, tmp_path) == "Asia/Yekaterinburg (from /etc/localtime)"
    with (files("tzdata") / "zoneinfo" / "Asia" / "Yekaterinburg").open("rb") as file:
        clock.zone = ZoneInfo.from_file(file, key="local")
    assert zone_in_words(clock, {}, tmp_path) == "UTC+0500 (from /etc/localtime)"


@pytest.mark.parametrize("named", ["Mars/Olympus", "/no/such/file", "MSK-3"])
def test_a_zone_that_is_unknown_stops_nobody(monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    """With a TZ that names no zone the server runs in UTC and says so."""
    monkeypatch.setattr("tzlocal.unix._cache_tz", None)
    monkeypatch.setenv("TZ", named)
    clock = SystemClock()
    assert clock.zone is UTC
    assert zone_in_words(clock, os.environ).startswith(f'UTC (TZ is "{named}", which is no zone')
