"""P4: a clock that jumps buys nothing. The real program under a false clock; the service counts what it charged."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from default_plugins.yandexart_room import write_keys
from fakes.yandex import FakeYandex
from patient import patient_frame
from program import program

from imageserver.frame_client.jpeg import inspect
from imageserver.testing.ledger import Ledger

LIBRARY = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)
NOW = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)  # no day ends while a test runs

pytestmark = pytest.mark.timeout(400)  # whole programs under a false clock, which slows them down


@pytest.fixture(autouse=True)
def needs_a_false_clock() -> None:
    """Skips where the library is missing; in continuous integration that is a failure."""
    if LIBRARY is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("libfaketime (package faketime) is missing")


def set_clock(file: Path, when: datetime) -> None:
    """From the next look at the clock on it says this, and runs on."""
    temporary = file.with_suffix(".new")
    temporary.write_text(f"@{when.strftime('%Y-%m-%d %H:%M:%S')}", encoding="ascii")
    temporary.replace(file)


def false_clock(file: Path) -> dict[str, str]:
    """The environment of a program that looks at that clock; steady time stays true."""
    return {
        "LD_PRELOAD": str(LIBRARY),
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "TZ": "UTC",
    }


async def charges(tmp_path: Path, first: datetime, then: datetime, *, cap: int = 1) -> tuple[int, int]:
    """Charges before and after the clock went from `first` to `then`, with wishes and `auto` on both sides."""
    fake = FakeYandex(Ledger(tmp_path / "ledger"))
    data, clock = tmp_path / "data", tmp_path / "clock"
    data.mkdir()
    write_keys(data)
    async with fake.running():
        (data / "options.yml").write_text(
            "image_generate_threshold: 0\ndisabled_providers: [atelier]\n"
            f"providers: {{yandexart: {{base_url: '{fake.url}', max_per_day: {cap}}}}}\n",
            encoding="utf-8",
        )
        set_clock(clock, first)
        async with program(data, extra=false_clock(clock)) as server:
            # The false clock reads its file at every look, which makes the whole program several times as slow.
            frame = patient_frame(server.port)
            counts = []
            for when in (first, then):
                set_clock(clock, when)
                for kind in ("ydart", "auto", "ydart"):
                    jpeg = await frame.picture(kind, prompt="a heron" if kind == "ydart" else None)
                    assert inspect(jpeg).width == 320
                counts.append(len(fake.ledger.charges))
    return counts[0], counts[1] - counts[0]


JUMPS = {
    "a day ahead": NOW + timedelta(days=1),
    "ten years ahead": NOW + timedelta(days=3652),
    "a day back": NOW - timedelta(days=1),
    "1970": datetime(1970, 1, 1, 0, 5, tzinfo=UTC),
}


@pytest.mark.parametrize("then", JUMPS.values(), ids=JUMPS)
async def test_a_jump_buys_nothing_more(tmp_path: Path, then: datetime) -> None:
    """With the day's cap reached, no jump of the clock buys another picture."""
    assert await charges(tmp_path, NOW, then) == (1, 0)


async def test_nothing_is_bought_in_1970_and_buying_goes_on_when_the_clock_is_set(tmp_path: Path) -> None:
    """A machine that does not know the time buys nothing until it does."""
    assert await charges(tmp_path, JUMPS["1970"], NOW) == (0, 1)


async def test_the_false_clock_is_believed_at_a_start(tmp_path: Path) -> None:
    """The control: the library works, for a clock set back behind the last purchase stops buying below any cap."""
    assert await charges(tmp_path, NOW, JUMPS["a day back"], cap=100) == (3, 0)
    (tmp_path / "again").mkdir()
    assert (await charges(tmp_path / "again", NOW, NOW, cap=100))[1] == 3
