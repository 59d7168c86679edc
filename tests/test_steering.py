"""The first page steers frames: what hangs there, what comes next, and what its owner wants there instead."""

from __future__ import annotations

import re
from pathlib import Path

import aiohttp
import pytest
from live import Gate, Live, ShiftedClock, giving, live, painter, picture_bytes, waiting

from imageserver.web import keys

QUIET = "disabled_providers: [atelier]\n"
KITCHEN = QUIET + "frames: {kitchen: {address: 127.0.0.1}, hall: {address: 10.0.0.9}}\n"


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A question waits until its picture is made: where that takes a busy machine over a second, the old one would
    come once more."""
    for seconds in ("_RENDITION_SECONDS", "_HURRIED_SECONDS"):
        monkeypatch.setattr(f"imageserver.delivery.{seconds}", 60.0)


async def text_of(http: aiohttp.ClientSession, path: str = "/", **headers: str) -> str:
    async with http.get(path, headers=headers) as answer:
        assert answer.status == 200
        return await answer.text()


async def taken(server: Live, **wish: str) -> int | None:
    """Which picture a frame gets for its wish."""
    operation = (await server.start(**wish))["id"]
    await server.done(operation)
    await server.app[keys.JOURNAL].notes.get("nothing")  # what was posted is written
    return await server.picture_of(operation)


async def hang(server: Live, frame: str, **body: object) -> tuple[int, dict[str, object]]:
    async with server.http.post(f"/api/v1/frames/{frame}/next", json=body) as answer:
        return answer.status, await answer.json()


async def test_the_page_tells_what_hangs_where_and_why(tmp_path: Path) -> None:
    """Each frame stands there with its picture's label, the reason, and what comes next."""
    kind = painter(title="A painter")
    async with live(tmp_path, kind, options=KITCHEN, stored=1) as server:
        await taken(server, type="provider", provider="painter", prompt="a heron <b> in the reeds")
        text = await text_of(server.http)
        assert 'src="./current.png?frame=kitchen"' in text
        assert "a heron &lt;b&gt; in the reeds" in text
        assert "asked for painter; painter painted" in text
        assert str(kind.asked[0].seed) in text
        assert "current.png?frame=hall" not in text, "nothing hangs there"
        assert text.count("the threshold has passed") == 2, "both frames would get a new picture"
    assert len(kind.asked) == 1, "the page asked nobody"


async def test_what_hangs_is_known_after_a_restart(tmp_path: Path) -> None:
    """The journal knows what each frame took last."""
    async with live(tmp_path, options=KITCHEN, stored=2) as server:
        picture = await taken(server, type="old")
    async with live(tmp_path, options=KITCHEN) as server:
        shown = server.app[keys.DELIVERY].on("kitchen")
        assert shown is not None
        assert shown.picture == picture
        async with server.http.get("/current.png?frame=kitchen") as answer:
            assert (answer.status, answer.content_type) == (200, "image/png")
        for nowhere in ("frame=hall", "frame=nobody", "picture=999", "picture=x"):
            async with server.http.get(f"/current.jpg?{nowhere}") as answer:
                assert answer.status == 404
        async with server.http.get("/current.jpg?test&frame=hall") as answer:
            assert answer.status == 200


async def test_hang_it_again(tmp_path: Path) -> None:
    """A picture that the owner wants comes at the frame's next visit, once, also after a restart, and to no other."""
    async with live(tmp_path, options=KITCHEN, stored=5) as server:
        first = await taken(server, type="old")
        assert await taken(server, type="old") != first
        assert await hang(server, "kitchen", picture=first) == (200, {"frame": "kitchen", "picture": first})
        foreseen = await server.app[keys.INTAKE].foresee(server.app[keys.FRAMES].called("kitchen"))
        assert (foreseen.picture, foreseen.decision.why) == (first, "the owner chose it")
    async with live(tmp_path, options=KITCHEN) as server:
        assert await server.app[keys.CHOICES].of("hall") is None
        assert await taken(server, type="auto") == first
        assert await taken(server, type="auto") != first
    async with live(tmp_path, options=KITCHEN) as server:
        assert await server.app[keys.CHOICES].of("kitchen") is None, "forgotten on the disk too"


async def test_next_is_another_than_what_would_come(tmp_path: Path) -> None:
    """Each press goes on to a picture that was not the next one before."""
    async with live(tmp_path, options=KITCHEN, stored=5) as server:
        await taken(server, type="old")
        would_come = server.app[keys.STORE].peek("kitchen")
        assert would_come is not None
        _, one = await hang(server, "kitchen")
        _, two = await hang(server, "kitchen")
        assert len({would_come, one["picture"], two["picture"]}) == 3
        assert await taken(server, type="auto") == two["picture"]


@pytest.mark.usefixtures("unhurried")
async def test_a_frame_that_only_fetches_an_address_changes_at_once(tmp_path: Path) -> None:
    """The next question of such a frame brings what was chosen, however long `refresh` has to go."""
    async with live(tmp_path, options=QUIET, stored=3, clock=ShiftedClock()) as server:
        async with server.http.get("/frame.jpg") as answer:
            before = await answer.read()
        await hang(server, "127.0.0.1")
        async with server.http.get("/frame.jpg") as answer:
            assert await answer.read() != before


async def test_a_wish_of_the_frame_itself_comes_first(tmp_path: Path) -> None:
    """Who presses the frame's own button for a new picture gets that, and the choice waits on."""
    async with live(tmp_path, painter(), options=KITCHEN, stored=2) as server:
        await hang(server, "kitchen", picture=1)
        assert await taken(server, type="ydart") == 3
        assert await taken(server, type="auto") == 1


async def test_sent_to_sleep_by_hand(tmp_path: Path) -> None:
    """It is dark and buys nothing until it is woken, also across a restart; the page and /frames say so."""
    kind, sleep = painter(), "/api/v1/frames/kitchen/sleep"
    async with live(tmp_path, kind, options=KITCHEN, stored=1) as server:
        await taken(server, type="old")
        async with server.http.put(sleep) as answer:
            assert (answer.status, await answer.json()) == (200, {"frame": "kitchen", "asleep": True})
        for unknown in (server.http.put, server.http.delete):
            async with unknown("/api/v1/frames/nobody/sleep") as answer:
                assert answer.status == 404
    async with live(tmp_path, kind, options=KITCHEN) as server:
        job = await server.job((await server.start(type="auto"))["id"])
        assert (job.card, job.why) == ("black", "its owner sent it to sleep")
        text = await text_of(server.http, **{"Accept-Language": "ru"})
        assert re.search(r"ничего, рамка тёмная.\s+<[^>]+>её усыпил хозяин", text)
        async with server.http.get("/frames") as answer:
            frames = {frame["frame"]: frame["asleep"] for frame in (await answer.json())["frames"]}
        assert frames == {"kitchen": True, "hall": False}
        async with server.http.delete(sleep) as answer:
            assert (answer.status, await answer.json()) == (200, {"frame": "kitchen", "asleep": False})
        assert kind.asked == []
        assert await taken(server, type="auto") is not None
    async with live(tmp_path, kind, options=KITCHEN) as server:
        assert not server.app[keys.NAPS].has("kitchen"), "awake on the disk too"


async def test_what_cannot_be_hung_is_refused(tmp_path: Path) -> None:
    """A frame that nobody knows, a picture that is not there, and what is no number."""
    async with live(tmp_path, options=KITCHEN, stored=1) as server:
        assert (await hang(server, "nobody", picture=1))[0] == 404
        assert (await hang(server, "kitchen", picture=99))[0] == 404
        assert (await hang(server, "kitchen", picture="one"))[0] == 400
        async with server.http.post("/api/v1/frames/kitchen/next", data=b"{") as answer:
            assert answer.status == 400
        assert await server.app[keys.CHOICES].of("kitchen") is None


async def test_a_chosen_picture_that_is_gone_costs_nothing(tmp_path: Path) -> None:
    """The frame gets its usual next picture."""
    async with live(tmp_path, options=KITCHEN, stored=2) as server:
        await hang(server, "kitchen", picture=1)
        server.app[keys.STORE].drop([1])
        assert await taken(server, type="auto") == 2
        assert await server.app[keys.CHOICES].of("kitchen") is None


async def test_what_a_job_brings_hangs_next(tmp_path: Path) -> None:
    """What was asked for on the page waits for the frame; until it is there the frame goes on as usual."""
    gate = Gate()
    async with live(tmp_path, waiting(gate), painter(), options=KITCHEN, stored=1) as server:
        operation = (await server.start(type="provider", provider="waiting"))["id"]
        await gate.reached.wait()
        await server.app[keys.CHOICES].choose_job("kitchen", operation)
        assert await taken(server, type="old") == 1
        assert "it is being made" in await text_of(server.http)
        gate.open()
        await server.ended(operation)
        brought = await server.picture_of(operation)
        assert await taken(server, type="auto") == brought
        assert (await server.app[keys.JOURNAL].jobs.recent(1))[0].why == "the owner chose it"
        assert await server.app[keys.CHOICES].of("kitchen") is None


async def test_what_a_job_brought_outlives_a_restart_and_a_lost_answer(tmp_path: Path) -> None:
    """The frame gets it until it has read it, however often it asks before."""
    async with live(tmp_path, painter(), options=KITCHEN, stored=3) as server:
        operation = (await server.start(type="provider", provider="painter"))["id"]
        await server.ended(operation)
        brought = await server.picture_of(operation)
        await server.app[keys.CHOICES].choose_job("kitchen", operation)
    async with live(tmp_path, options=KITCHEN) as server:
        lost = (await server.start(type="auto"))["id"]
        assert await server.picture_of(lost) == brought
        assert await taken(server, type="auto") == brought
        assert await taken(server, type="auto") != brought


async def test_a_job_that_brings_nothing_is_let_go(tmp_path: Path) -> None:
    """One that the journal does not know any more keeps no frame from its usual pictures."""
    async with live(tmp_path, options=KITCHEN, stored=1) as server:
        choices = server.app[keys.CHOICES]
        await choices.choose_job("kitchen", "gone")
        assert choices.is_being_made("kitchen")
        assert await taken(server, type="auto") == 1
        assert not choices.is_being_made("kitchen")
        assert await server.app[keys.JOURNAL].notes.beginning("hang:") == {}


@pytest.mark.usefixtures("unhurried")
async def test_what_was_asked_for_comes_at_once_to_a_frame_that_fetches_an_address(tmp_path: Path) -> None:
    """As soon as the picture is there, however long `refresh` has to go."""
    options = QUIET + "refresh: 86400\nframes: {kitchen: {address: 127.0.0.1, providers: [painter]}}\n"
    async with live(tmp_path, painter(), giving(picture_bytes("orange")), options=options) as server:

        async def hangs() -> bytes:
            async with server.http.get("/frame.jpg") as answer:
                return await answer.read()

        await taken(server, type="auto")  # now there is one to show, and it is too soon for another one
        before = await hangs()
        async with server.http.post("/api/v1/jobs", json={"frame": "kitchen", "provider": "giving"}) as answer:
            job = (await answer.json())["id"]
        await server.ended(job)
        after = await hangs()
        assert after != before
        shown = server.app[keys.DELIVERY].on("kitchen")
        assert shown is not None
        assert shown.picture == await server.picture_of(job)
        assert await hangs() == after


async def test_the_list_of_what_is_missing_ticks_itself_off(tmp_path: Path) -> None:
    """A new house reads what to enter in the frame; what is done is ticked; in the end the list is gone."""

    def done(text: str) -> int:
        return len(re.findall('class="is-done"', text))

    async with live(tmp_path) as server:  # the built-in painter is no provider that was added
        text = await text_of(server.http)
        assert "Enter <b>192.168.1.5</b> and <b>8099</b> in the frame" in text
        assert done(text) == 0
        await server.start(type="old")
        assert done(await text_of(server.http)) == 1
    async with live(tmp_path, painter(), options=KITCHEN) as server:
        assert done(await text_of(server.http)) == 3
        async with server.http.post("/prompt/add", json={"prompt": "a fox"}) as answer:
            assert answer.status == 201
        assert done(await text_of(server.http)) == 4
        await server.app[keys.ACCESS].set_password("three small herons")
        assert "What is still missing" not in await text_of(server.http)


async def test_files_of_pages_are_not_sent_twice(tmp_path: Path) -> None:
    """A script or style that the browser has is not sent again; what is not there is 404."""
    async with live(tmp_path, options=QUIET) as server:
        for name, kind in (("page.css", "text/css"), ("page.js", "text/javascript")):
            async with server.http.get(f"/static/{name}") as answer:
                assert (answer.status, answer.content_type) == (200, kind)
                etag = answer.headers["ETag"]
            async with server.http.get(f"/static/{name}", headers={"If-None-Match": etag}) as answer:
                assert (answer.status, await answer.read()) == (304, b"")
        for name in ("nothing.css", "..%2Fhtml.py", "styles"):
            async with server.http.get(f"/static/{name}") as answer:
                assert answer.status == 404
