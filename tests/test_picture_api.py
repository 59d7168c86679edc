"""The pictures over HTTP: found, looked at, marked, deleted, brought, hung."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from live import Live, ShiftedClock, giving, live, painter, picture_bytes, until_noon
from PIL import Image

from imageserver.web import keys
from imageserver.web.picture_lines import Drawn, drawn_values

QUIET = "disabled_providers: [atelier]\n"
API = "/api/v1/pictures"


async def asked(server: Live, method: str, path: str, status: int = 200, **arguments: Any) -> dict[str, Any]:
    """The answer's JSON."""
    async with server.http.request(method, path, **arguments) as answer:
        text = await answer.text()
        assert answer.status == status, text
        said: dict[str, Any] = json.loads(text)
        return said


async def ids(server: Live, **query: str) -> list[int]:
    """The pictures of a page, newest first."""
    return [one["id"] for one in (await asked(server, "GET", API, params=query))["pictures"]]


def last_shown(server: Live) -> int:
    """The picture that any frame took last."""
    shown = server.app[keys.DELIVERY].shown
    assert shown is not None
    return shown[0]


async def painted(server: Live, prompt: str) -> int:
    """A picture that a provider made for these words."""
    operation = (await server.start(type="ydart", prompt=prompt))["id"]
    await server.done(operation)
    number = await server.picture_of(operation)
    assert number is not None
    return number


async def test_pages_and_labels(tmp_path: Path) -> None:
    """A list leads from page to page; a label says who made a picture, of what words, at what price and why."""
    paid = painter(paid=True)
    options = QUIET + "providers:\n  painter: {price: 2.5, max_per_day: 10, max_per_month: 10}\n"
    (tmp_path / "data").mkdir()
    async with live(tmp_path, paid, options=options, stored=3) as server:
        number = await painted(server, "Лиса в снегу")
        first = await asked(server, "GET", API, params={"count": "3"})
        assert [one["id"] for one in first["pictures"]] == [4, 3, 2]
        second = await asked(server, "GET", API, params={"count": "3", "after": str(first["after"])})
        assert ([one["id"] for one in second["pictures"]], second["after"]) == ([1], None)
        assert await ids(server, q="лис СНЕГ") == [number]
        assert await ids(server, provider="") == [3, 2, 1]
        label = await asked(server, "GET", f"{API}/{number}")
        job = (await server.app[keys.JOURNAL].jobs.recent(1))[0]
        assert (label["prompt"], label["provider"], label["model"]) == ("Лиса в снегу", "painter", "test")
        assert (label["price"], label["seed"], label["why"]) == ("2.5", job.seed, job.why)
        own = await asked(server, "GET", f"{API}/1")
        assert (own["provider"], own["price"], own["why"], own["name"]) == (None, None, None, "stored0.jpg")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("count=0", "count: must be a whole number from 1 to 200"),
        ("count=201&after=x", "after: must be a whole number"),
        (
            "favourite=yes&hidden=1&deleted=no",
            "favourite: must be true or false; hidden: must be true or false; deleted:",
        ),
        ("q=" + "x" * 201, "q: longer than 200 characters"),
    ],
)
async def test_what_is_wrong_is_said_at_once(tmp_path: Path, query: str, message: str) -> None:
    """A question that cannot be understood names all that is wrong with it."""
    async with live(tmp_path) as server:
        said = await asked(server, "GET", f"{API}?{query}", 400)
        assert message in said["error"]["message"]


async def test_pictures_that_are_not_there(tmp_path: Path) -> None:
    """Whatever stands where a number should, the answer is a 404 of our shape."""
    async with live(tmp_path) as server:
        for name in ("7", "0", "-1", "x", "1" * 19, "%2e%2e", "1.5", "focus"):
            assert (await asked(server, "GET", f"{API}/{name}", 404))["error"]["code"] == "not_found"
        await asked(server, "GET", f"{API}/7/thumbnail.jpg", 404)
        await asked(server, "GET", f"{API}/7/original", 404)
        await asked(server, "PATCH", f"{API}/7", 404, json={})
        await asked(server, "DELETE", f"{API}/7", 404)
        await asked(server, "POST", f"{API}/7/restore", 404)


async def test_marks(tmp_path: Path) -> None:
    """Favourite, hidden and focal point are set one by one; a wrong body changes nothing and says all that is wrong."""
    async with live(tmp_path, options=QUIET, stored=2) as server:
        assert (await asked(server, "PATCH", f"{API}/1", json={"favourite": True}))["favourite"]
        label = await asked(server, "PATCH", f"{API}/1", json={"hidden": True, "focus": [0.25, 1]})
        assert (label["favourite"], label["hidden"], label["focus"]) == (True, True, [0.25, 1.0])
        assert await ids(server, hidden="true") == [1]
        assert await ids(server, favourite="true", hidden="false") == []
        assert await server.health("stored") == 1
        wrong = {"favourite": 1, "hidden": "no", "focus": [0.1, 2], "name": "x"}
        said = (await asked(server, "PATCH", f"{API}/1", 400, json=wrong))["error"]["message"]
        assert said == (
            "name: no field of ours; favourite: must be true or false; hidden: must be true or false; "
            "focus: must be two shares from 0 to 1, of width and height, or null"
        )
        for focus in (True, [True, False], [0.1], [0.1, "x"], {"x": 1}, [1e400, 0]):
            await asked(server, "PATCH", f"{API}/1", 400, data=json.dumps({"focus": focus}))
        label = await asked(server, "PATCH", f"{API}/1", json={"hidden": False, "focus": None})
        assert (label["favourite"], label["hidden"], label["focus"]) == (True, False, None)
        assert await server.health("stored") == 2


async def test_thumbnails_are_kept_by_browsers(tmp_path: Path) -> None:
    """The address in a list may be kept for ever; another focal point gives another address."""
    async with live(tmp_path, options=QUIET, stored=1) as server:
        line = (await asked(server, "GET", API))["pictures"][0]
        async with server.http.get(f"/{line['thumbnail']}") as answer:
            assert Image.open(io.BytesIO(await answer.read())).size == (240, 360)
            assert "immutable" in answer.headers["Cache-Control"]
            tag = answer.headers["ETag"]
        async with server.http.get(f"/{line['thumbnail']}", headers={"If-None-Match": tag}) as answer:
            assert answer.status == 304
        async with server.http.get(f"{API}/1/thumbnail.jpg?v=x") as answer:
            assert (answer.status, answer.headers["Cache-Control"]) == (200, "private, no-cache")
        moved = await asked(server, "PATCH", f"{API}/1", json={"focus": [0, 0]})
        assert moved["thumbnail"] != line["thumbnail"]


async def test_originals_are_saved_under_safe_names(tmp_path: Path) -> None:
    """The bytes are the file's own, and whatever its name is, it cannot end the header or be run as a page."""
    (tmp_path / "images").mkdir()
    name = 'Кот "на" диване;\r\nX.jpg'
    (tmp_path / "images" / name).write_bytes(picture_bytes())
    async with live(tmp_path, options=QUIET) as server:
        async with server.http.get(f"{API}/1/original") as answer:
            assert await answer.read() == picture_bytes()
            assert answer.headers["Content-Disposition"] == (
                'attachment; filename="__________________X.jpg"; '
                "filename*=UTF-8''%D0%9A%D0%BE%D1%82%20%22%D0%BD%D0%B0%22%20%D0%B4%D0%B8%D0%B2%D0%B0%D0%BD%D0%B5%3B%0D%0AX.jpg"
            )
            assert (answer.content_type, answer.headers["X-Content-Type-Options"]) == ("image/jpeg", "nosniff")
        async with server.http.get(f"{API}/1/original", headers={"Range": "bytes=0-1"}) as answer:
            assert (answer.status, await answer.read()) == (206, b"\xff\xd8")
        (tmp_path / "images" / name).unlink()
        (tmp_path / "images" / name).symlink_to("/etc/passwd")
        await asked(server, "GET", f"{API}/1/original", 404)


async def test_deleted_and_brought_back(tmp_path: Path) -> None:
    """Gone from every list but the trash's, with the day until which it is kept; a second time changes nothing."""
    clock = ShiftedClock()
    async with live(tmp_path, options=QUIET, stored=2, clock=clock) as server:
        done = await asked(server, "DELETE", f"{API}/1")
        assert done["outcome"] == "deleted"
        assert 0 <= done["kept_until"] - clock.now() - 7 * 86400 + 60 <= 60
        assert await asked(server, "DELETE", f"{API}/1") == done
        assert (await ids(server), await ids(server, deleted="true")) == ([2], [1])
        assert (await asked(server, "PATCH", f"{API}/1", 409, json={"favourite": True}))["error"]["code"] == "deleted"
        async with server.http.get(f"{API}/1/thumbnail.jpg") as answer:
            assert answer.status == 200
        back = await asked(server, "POST", f"{API}/1/restore")
        assert (back["deleted"], back["name"]) == (None, "stored0.jpg")
        assert await ids(server) == [2, 1]
        assert await server.health("stored") == 2


async def test_a_disk_that_refuses_is_said(tmp_path: Path) -> None:
    """A picture that cannot be moved stays, and the answer is a 409 with the reason."""
    async with live(tmp_path, options=QUIET, stored=1) as server:
        (server.images / ".trash").write_text("in the way")
        said = await asked(server, "DELETE", f"{API}/1", 409)
        assert said["error"]["code"] == "not_moved"
        assert await ids(server) == [1]
        assert await server.health("stored") == 1


async def test_what_lies_in_the_owners_folder_is_hidden(tmp_path: Path) -> None:
    """A library's file is never moved: DELETE hides it and says so, and restore shows it again."""
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "a.jpg").write_bytes(picture_bytes())
    options = f"{QUIET}providers:\n  folder: {{local_image_folder: {photos}}}\n"
    async with live(tmp_path, options=options) as server:
        assert await ids(server) == [1]
        done = await asked(server, "DELETE", f"{API}/1")
        assert (done["outcome"], done["kept_until"]) == ("hidden", None)
        assert "a folder of yours" in done["message"]
        label = await asked(server, "GET", f"{API}/1")
        assert (label["is_owners"], label["hidden"]) == (True, True)
        assert (photos / "a.jpg").exists()
        assert not (await asked(server, "POST", f"{API}/1/restore"))["hidden"]


async def test_hidden_is_hidden_whoever_brings_it_again(tmp_path: Path) -> None:
    """A provider that gives the very bytes of a hidden picture once more does not bring it back."""
    kind = giving(picture_bytes("orange"))
    async with live(tmp_path, kind, options=QUIET, stored=1) as server:
        number = await painted(server, "once")
        await asked(server, "PATCH", f"{API}/{number}", json={"hidden": True})
        operation = (await server.start(type="ydart", prompt="again"))["id"]
        assert (await server.done(operation))["status"] == "done"
        assert await ids(server) == [number, 1]
        assert last_shown(server) == 1


async def test_a_job_whose_picture_was_hidden_still_brings_one(tmp_path: Path) -> None:
    """What was begun before is delivered: another picture, and the frame's next one is another too."""
    async with live(tmp_path, options=QUIET, stored=3) as server:
        begun = (await server.start(type="old"))["id"]
        number = await server.picture_of(begun)
        await asked(server, "PATCH", f"{API}/{number}", json={"hidden": True})
        assert (await server.done(begun))["status"] == "done"
        for _ in range(5):
            assert await server.picture_of((await server.start(type="old"))["id"]) != number


async def test_the_owner_hangs_a_picture(tmp_path: Path) -> None:
    """The frame's next `auto` brings it, a wish of its own does not use it up, and once read it is over."""
    async with live(tmp_path, options=QUIET, stored=5) as server:
        await server.start(type="old")
        said = await asked(server, "POST", "/api/v1/frames/127.0.0.1/next", json={"picture": 3})
        assert said == {"frame": "127.0.0.1", "picture": 3}
        old = (await server.start(type="old"))["id"]
        await server.done(old)
        lost = (await server.start(type="auto"))["id"]
        operation = (await server.start(type="auto"))["id"]  # the frame did not read what it asked for first
        assert [await server.picture_of(one) for one in (lost, operation)] == [3, 3]
        assert (await server.job(operation)).why == "the owner chose it"
        await server.done(operation)
        assert await server.picture_of((await server.start(type="auto"))["id"]) != 3


async def test_a_choice_outlives_a_restart(tmp_path: Path) -> None:
    """A frame that comes only after the server was started again gets what was chosen for it."""
    async with live(tmp_path, options=QUIET, stored=5) as server:
        await server.start(type="old")
        await asked(server, "POST", "/api/v1/frames/127.0.0.1/next", json={"picture": 3})
    async with live(tmp_path, options=QUIET) as server:
        operation = (await server.start(type="auto"))["id"]
        assert await server.picture_of(operation) == 3
        await server.done(operation)
    async with live(tmp_path, options=QUIET) as server:
        assert await server.app[keys.CHOICES].of("127.0.0.1") is None


async def test_a_frame_that_fetches_an_address_gets_it_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long `refresh` has to go; then it hangs there until that has passed."""
    monkeypatch.setattr("imageserver.delivery._RENDITION_SECONDS", 3600.0)  # or another one hangs there meanwhile
    async with live(tmp_path, options=QUIET + "refresh: 1000\n", stored=5) as server:

        async def hangs() -> bytes:
            async with server.http.get("/frame.jpg") as answer:
                return await answer.read()

        before = await hangs()
        other = last_shown(server) % 5 + 1
        await asked(server, "POST", "/api/v1/frames/127.0.0.1/next", json={"picture": other})
        now = await hangs()
        assert now != before
        assert last_shown(server) == other
        assert await hangs() == now


async def test_at_night_black_comes_first(tmp_path: Path) -> None:
    """In a sleep window with a black picture the wall stays dark, and the choice waits."""
    hours = '{start_time: "00:00", end_time: "23:59"}'
    night = f"sleep_time: [{{time_range: {hours}, black_image_mode: true}}]\n"
    clock = ShiftedClock(until_noon())  # the window has an end, in the last minute of the day
    async with live(tmp_path, options=QUIET + night, stored=2, clock=clock) as server:
        await server.start(type="old")
        await asked(server, "POST", "/api/v1/frames/127.0.0.1/next", json={"picture": 1})
        assert (await server.job((await server.start(type="auto"))["id"])).card == "black"
        assert await server.app[keys.CHOICES].of("127.0.0.1") == 1


async def test_frames_and_pictures_that_cannot_be_hung(tmp_path: Path) -> None:
    """Nobody knows the frame, or the picture cannot be shown: a 404 that says so, and nothing is remembered."""
    async with live(tmp_path, options=QUIET, stored=2) as server:
        hang = "/api/v1/frames/127.0.0.1/next"
        assert "no frame" in (await asked(server, "POST", hang, 404, json={"picture": 1}))["error"]["message"]
        await server.start(type="old")
        await asked(server, "PATCH", f"{API}/1", json={"hidden": True})
        for number in (1, 99):
            await asked(server, "POST", hang, 404, json={"picture": number})
        bodies: tuple[object, ...] = ({"picture": "1"}, {"picture": True}, [])
        for body in bodies:
            await asked(server, "POST", hang, 400, json=body)
        assert await server.app[keys.CHOICES].of("127.0.0.1") is None


@pytest.mark.parametrize(
    ("template", "prompt", "values"),
    [
        ("a [[color]] fox", "a red fox", [("color", "red")]),
        ("[[animal]] at [[time]]", "a hare at dusk", [("animal", "a hare"), ("time", "dusk")]),
        ("[[a]] and [[b]] and", "x and y and", [("a", "x"), ("b", "y")]),
        ("[[animal]]", "лиса", [("animal", "лиса")]),
        ("[[a]][[b]]", "xy", []),
        ("a [[color]] fox", "a red hare", []),
        ("a fox", "a fox", []),
        (None, "a fox", []),
    ],
)
def test_values_of_a_template(template: str | None, prompt: str, values: list[tuple[str, str]]) -> None:
    """What was drawn is told from the template and what became of it; nothing where it could be several."""
    assert drawn_values(template, prompt) == tuple(Drawn(place=place, value=value) for place, value in values)


async def test_the_label_has_what_was_drawn(tmp_path: Path) -> None:
    """A picture of a template keeps it, and the values, for longer than its job."""
    async with live(tmp_path, painter(), options=QUIET) as server:
        (server.data / "prompts.yaml").write_text(
            "global_placeholders: {color: [red]}\nprompts:\n  - {idx: 1, prompt: 'a [[color]] fox'}\n",
            encoding="utf-8",
        )
        operation = (await server.start(type="ydart"))["id"]
        await server.done(operation)
        label = await asked(server, "GET", f"{API}/{await server.picture_of(operation)}")
        assert (label["template"], label["values"]) == ("a [[color]] fox", [{"place": "color", "value": "red"}])
        async with server.http.get("/") as answer:  # it hangs on the frame that asked
            assert "color: red" in await answer.text()
