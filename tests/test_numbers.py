"""Numbers by day, and the rotation that waits for its owner."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from live import ShiftedClock, live, painter, until_noon

from imageserver.web import keys
from imageserver.web.numbers import days_left

QUIET = "disabled_providers: [atelier]\n"


async def test_a_day_is_counted(tmp_path: Path) -> None:
    """What was painted, paid and taken today stands in the last of 14 days, for programs and on the page."""
    kind = painter("dear", paid=True, default_price=Decimal("2.2"))
    options = QUIET + "providers: {dear: {max_cost_per_month: 9.5}}\n"
    async with live(tmp_path, kind, options=options, stored=1, clock=ShiftedClock(until_noon())) as server:
        for prompt in ("a heron", "an owl"):
            await server.done((await server.start(type="provider", provider="dear", prompt=prompt))["id"])
        async with server.http.get("/api/v1/numbers") as answer:
            said = await answer.json()
        assert len(said["days"]) == 14
        today = said["days"][-1]
        assert (today["made"], today["sent"], today["bought"], today["cost"]) == (2, 2, 2, "4.4")
        assert today["requests"] >= 4
        assert said["month"] == [{"provider": "dear", "pictures": 2, "cost": "4.4", "most": "9.5"}]
        files = [path.stat().st_size for path in server.images.rglob("*.jpg")]
        assert (len(files), said["bytes"]) == (2, sum(files)), "it paints the same each time"
        assert said["free"] > 0
        assert said["days_left"] == 999, "1,998 more pictures, two a day"
        assert [day["made"] for day in said["days"][:-1]] == [0] * 13
        async with server.http.get("/numbers") as answer:
            text = await answer.text()
        assert text.count("<rect") == 28, "pictures and money"
        assert '<td class="number">4.4</td>' in text
        assert "4.4 spent" in text
        assert "<dt>dear</dt><dd>4.4 / 9.5, 2 pictures</dd>" in text
        assert "more than a year away" in text


@pytest.mark.parametrize(
    ("made", "room", "expected"),
    [
        ([0, 0, 4, 0, 2], 10, 5),  # three days with six pictures
        ([0, 0, 0, 0, 5], 5, 1),
        ([1, 1], 0, 0),
        ([3], -8, 0),  # it is due already
        ([0, 0], 100, None),
        ([2, 1], 1, 1),  # a part of a day is a day
    ],
)
def test_when_the_oldest_are_deleted(made: list[int], room: int, expected: int | None) -> None:
    """The pace is that since the first day with a picture; where nothing is made nothing is deleted."""
    assert days_left(made, room) == expected


async def test_without_money_there_is_no_chart_of_it(tmp_path: Path) -> None:
    """An empty house has empty bars and divides by nothing."""
    async with live(tmp_path, options=QUIET) as server, server.http.get("/numbers") as answer:
        assert (answer.status, (await answer.text()).count("<rect")) == (200, 14)


async def test_a_rotation_that_waits_is_confirmed_there(tmp_path: Path) -> None:
    """The page counts the owner's pictures that would go, and offers the word that lets them go."""
    options = QUIET + "image_amount_min: 2\n"
    async with live(tmp_path, options=options, stored=5) as server:
        server.app[keys.ROTATION].most = 3
        await server.app[keys.ROTATION].run()
        async with server.http.get("/numbers") as answer:
            text = await answer.text()
        assert "and 3 of those to be" in text
        assert 'data-send="POST api/v1/rotation?confirm=yes"' in text
        async with server.http.post("/api/v1/rotation?confirm=yes") as answer:
            assert (await answer.json())["deleted"] == 3
        async with server.http.get("/api/v1/numbers") as answer:
            said = await answer.json()
        assert (said["stored"], said["waiting"]) == (2, 0)
