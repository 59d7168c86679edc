"""What people and URL-only frames see."""

from __future__ import annotations

import io
from pathlib import Path

import aiohttp
import pytest
from live import Gate, ShiftedClock, failing, live, painter, refuse, waiting
from PIL import Image

from imageserver import AuthError
from imageserver.web import keys

QUIET = "disabled_providers: [atelier]\n"


@pytest.fixture(autouse=True)
def _time_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may need more than a second for a picture at a frame's size, and another would hang meanwhile."""
    monkeypatch.setattr("imageserver.delivery._RENDITION_SECONDS", 3600.0)


async def fetch(http: aiohttp.ClientSession, path: str, **headers: str) -> tuple[int, bytes, str]:
    """Status, body and ETag."""
    async with http.get(path, headers=headers) as answer:
        return answer.status, await answer.read(), answer.headers.get("ETag", "")


async def test_frame_jpg_is_a_picture_that_stays(tmp_path: Path) -> None:
    """/frame.jpg shows one picture until `refresh` seconds have passed, then another one."""
    clock = ShiftedClock()
    async with live(tmp_path, options=QUIET + "refresh: 86400\n", stored=3, clock=clock) as server:
        status, first, etag = await fetch(server.http, "/frame.jpg")
        assert status == 200
        picture = Image.open(io.BytesIO(first))
        assert (picture.format, picture.size) == ("JPEG", (320, 480))
        clock.shift = 43200  # half of it: however slow this machine is, the other half is not over
        assert (await fetch(server.http, "/frame.jpg"))[1] == first
        assert (await fetch(server.http, "/frame.jpg", **{"If-None-Match": etag}))[0] == 304
        clock.shift = 86400
        status, second, other = await fetch(server.http, "/frame.jpg", **{"If-None-Match": etag})
        assert status == 200
        assert second != first
        assert other != etag


async def test_frame_jpg_counts_as_auto(tmp_path: Path) -> None:
    """It asks a provider when the threshold allows, shows a card meanwhile, and then what was painted."""
    gate = Gate()
    kind = waiting(gate)
    async with live(tmp_path, kind, options=QUIET) as server:
        _, painting, _ = await fetch(server.http, "/frame.jpg")
        await gate.reached.wait()
        gate.open()
        (job,) = await server.app[keys.JOURNAL].jobs.recent(1)
        await server.ended(job.id)
        _, painted, _ = await fetch(server.http, "/frame.jpg")
        assert painted != painting
        assert len(kind.asked) == 1


async def test_a_slow_painter_is_shown_when_it_is_done(tmp_path: Path) -> None:
    """However long a provider takes, it is asked once, what hangs there stays meanwhile, and its picture comes next."""
    clock, gate = ShiftedClock(), Gate()
    kind = waiting(gate)
    options = QUIET + "refresh: 4\nimage_generate_threshold: 0\n"
    async with live(tmp_path, kind, options=options, stored=2, clock=clock) as server:
        meanwhile = set()
        for seconds in (0, 5, 10, 15):
            clock.shift = seconds
            meanwhile.add((await fetch(server.http, "/frame.jpg"))[1])
        assert len(meanwhile) == 1
        await gate.reached.wait()
        assert len(kind.asked) == 1
        gate.open()
        (job,) = await server.app[keys.JOURNAL].jobs.recent(1)
        await server.ended(job.id)
        painted = (await fetch(server.http, "/frame.jpg"))[1]
        assert painted not in meanwhile
        assert (await fetch(server.http, "/frame.jpg"))[1] == painted
        assert (await fetch(server.http, "/current.jpg"))[1] == painted
        found = await server.job(job.id)
        assert found.fetched is not None


async def test_a_page_of_another_site_changes_nothing(tmp_path: Path) -> None:
    """An <img> on a foreign page shows a card or what hangs there; it never asks for a new picture."""
    kind = painter()
    async with live(tmp_path, kind, options=QUIET, stored=1) as server:
        assert (await fetch(server.http, "/frame.jpg", **{"Sec-Fetch-Site": "cross-site"}))[0] == 200
        assert await server.app[keys.JOURNAL].jobs.recent(5) == []
    assert kind.asked == []


async def test_the_page_remembers_across_a_restart(tmp_path: Path) -> None:
    """What a frame took last is on the page after a restart too."""
    async with live(tmp_path, options=QUIET, stored=1) as server:
        await server.result((await server.start(type="old"))["id"])
    async with live(tmp_path, options=QUIET) as server:
        assert (await fetch(server.http, "/current.jpg"))[0] == 200


async def test_head_never_asks_a_provider(tmp_path: Path) -> None:
    """HEAD is answered without a body and without a wish."""
    kind = painter()
    async with live(tmp_path, kind, options=QUIET) as server:
        for _ in range(3):
            async with server.http.head("/frame.jpg") as answer:
                assert answer.status == 200
                assert await answer.read() == b""
        assert kind.asked == []
        assert await server.app[keys.JOURNAL].jobs.recent(5) == []


async def test_the_page_shows_what_there_is_and_asks_nobody(tmp_path: Path) -> None:
    """The page names stored pictures, providers with their state, and the picture taken last."""
    kind = painter(title="Painter <b>")
    options = QUIET + "extensions: {overlay: {}}\n"
    async with live(tmp_path, kind, failing(refuse(AuthError)), options=options, stored=2) as server:
        async with server.http.get("/") as answer:
            text = await answer.text()
            assert answer.status == 200
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "2 pictures can be shown" in text
        assert "No frame has asked" in text
        text = (await fetch(server.http, "/providers"))[1].decode()
        assert "Painter &lt;b&gt;" in text
        assert "<code>overlay</code></td><td>ready</td>" in text
        assert "<code>webhook</code>" not in text, "it is off"
        assert kind.asked == []
        assert (await fetch(server.http, "/current.jpg"))[0] == 404
        await server.result((await server.start(type="old"))["id"])
        assert 'src="./current.png?frame=127.0.0.1"' in (await fetch(server.http, "/"))[1].decode()
        assert Image.open(io.BytesIO((await fetch(server.http, "/current.jpg"))[1])).size == (320, 480)
        assert (await fetch(server.http, "/static/page.css"))[0] == 200


async def test_healthz_says_what_runs(tmp_path: Path) -> None:
    """Alive is 200; without one of its workers it is 503 and names it."""
    async with live(tmp_path, options=QUIET) as server:
        async with server.http.get("/healthz") as answer:
            assert (answer.status, (await answer.json())["status"]) == (200, "ok")
        await server.app[keys.OVERVIEW]._vigil._supervisor.stop()  # type: ignore[attr-defined]  # the test breaks it on purpose
        async with server.http.get("/healthz") as answer:
            assert answer.status == 503
            assert "worker 1" in (await answer.json())["not_running"]
