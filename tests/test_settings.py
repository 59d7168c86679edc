"""The settings as pages and programs see and change them: into the owner's file, at once, and never half."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path
from typing import Any

import attrs
import pytest
from live import OWNER, Live
from owners_house import house

from imageserver.config.broker import MqttOptions
from imageserver.config.groups import GROUPS
from imageserver.config.listing import options_of
from imageserver.config.model import Config, Options
from imageserver.durable import temporary_for, write_durably
from imageserver.sightings import usual_interval
from imageserver.web import keys

MINE = """\
# our house
quality: 70   # the hall is dark
frames:
  hall:        # upstairs
    address: 10.0.0.9
providers:
  painter:
    price: 0.50  # roubles
"""


async def ask(server: Live, method: str, path: str, status: int = 200, **body: object) -> Any:
    """One question to the API; the answer's JSON."""
    async with server.http.request(method, f"/api/v1/{path}", json=body or None, headers=OWNER) as answer:
        said = await answer.json()
        assert answer.status == status, said
        return said


async def settings(server: Live) -> Any:
    return await ask(server, "GET", "settings")


async def version(server: Live) -> str:
    return str((await settings(server))["version"])


def text(server: Live) -> str:
    return (server.data / "options.yml").read_text()


async def one(server: Live, section: str, name: str, setting: str) -> Any:
    """One setting of the answer."""
    sections = (await settings(server))[section]
    found = next(part for part in sections if part["name"] == name)
    return next(line for line in found["settings"] if line["name"] == setting)


async def test_every_setting_tells_where_it_comes_from(tmp_path: Path) -> None:
    """Defaults, lines of the file, and what a plugin brings; a secret is a mark and nothing else."""
    secret = "sk-no-one-may-see-this"
    options = MINE.replace("    price", f"    api_key: {secret}\n    price")
    async with house(tmp_path, options) as server:
        async with server.http.get("/api/v1/settings") as answer:
            whole = await answer.text()
        assert secret not in whole
        assert "this-default" not in whole
        assert "hidden-word" not in whole
        async with server.http.get("/settings") as answer:
            page = await answer.text()
        assert secret not in page
        assert "this-default" not in page
        assert "hidden-word" not in page
        quality = await one(server, "options", "on the wall", "quality")
        assert (quality["value"], quality["origin"], quality["default"]) == (70, "options.yml:2", 90)
        refresh = await one(server, "options", "on the wall", "refresh")
        assert (refresh["value"], refresh["origin"], refresh["counts"]) == (300, "default", "now")
        price = await one(server, "providers", "painter", "price")
        assert (price["value"], price["origin"]) == ("0.50", "options.yml:9")
        key = await one(server, "providers", "painter", "api_key")
        assert (key["value"], key["origin"], key["counts"]) == ("***", "options.yml:8", "by_hand")
        standing = await settings(server)
        assert (standing["is_there"], standing["problems"], standing["needs_restart"]) == (True, [], [])
        # nor does a refusal repeat it
        said = await ask(
            server, "PATCH", "settings", 400, version=standing["version"], providers={"painter": {"api_key": secret}}
        )
        assert secret not in str(said)


def test_every_option_is_in_a_group() -> None:
    """None is forgotten on the page, and none stands there twice."""
    listed = [name for names in GROUPS.values() for name in names]
    assert sorted(listed) == sorted(field.name for field in attrs.fields(Options))
    broker = MqttOptions(host="10.0.0.2", username="me", password="no one may see this")
    config = Config(data=Path(), options=Options(mqtt=broker), providers={}, origins={})
    shown = repr(options_of(config))
    assert "10.0.0.2" in shown
    assert "no one may see this" not in shown


async def test_options_are_changed_and_count_at_once(tmp_path: Path) -> None:
    """The file has the new value and every comment, and each room that obeys an option has heard of it."""
    async with house(tmp_path, MINE, stored=1) as server:
        options = {
            "quality": 55,
            "image_generate_threshold": 90,
            "queue_size": 3,
            "image_amount_min": 5,
            "image_amount_max": 9,
            "refresh": 7,
            "prompts_amount": 4,
            "stock_frames": "ask",
            "sleep_time": [{"time_range": {"start_time": "22:00", "end_time": "06:00"}}],
            "log_days": 7,
        }
        terms = {"max_cost_per_month": "12.5", "weight": 3, "price": None}
        said = await ask(
            server,
            "PATCH",
            "settings",
            version=await version(server),
            options=options,
            providers={"painter": terms},
        )
        assert said == {"needs_restart": ["log_days"], "problems": []}
        written = text(server)
        assert "quality: 55   # the hall is dark" in written
        assert "# our house" in written
        assert "price" not in written
        assert "    max_cost_per_month: 12.5\n    weight: 3\n" in written
        app = server.app
        assert app[keys.INTAKE].limits.threshold == 90 * 60
        assert app[keys.INTAKE].limits.queue_size == 3
        assert (app[keys.ROTATION].least, app[keys.ROTATION].most) == (5, 9)
        assert app[keys.SCREENS].refresh == 7
        assert app[keys.PROMPTS].amount == 4
        assert app[keys.OPTIONS].options.stock_frames == "ask"
        assert app[keys.FRAMES].default.quality == 55
        assert app[keys.FRAMES].called("hall").sleep_time[0].time_range.start_time == "22:00"
        (line,) = [line for line in await app[keys.OVERVIEW].providers() if line.code == "painter"]
        assert line.books is not None
        assert line.books.max_cost_per_month == "12.5"
        assert (await settings(server))["needs_restart"] == ["log_days"]
        assert app[keys.OPTIONS].options.log_days == 30
        # and back: what is taken out of the file has its default again
        await ask(server, "PATCH", "settings", version=await version(server), options=dict.fromkeys(options))
        assert app[keys.FRAMES].default.quality == 90
        assert "quality" not in text(server)
        assert (await settings(server))["needs_restart"] == []


async def test_mistakes_change_nothing_and_are_told_all(tmp_path: Path) -> None:
    """Each has its file and line; the file and what is in use stay as they were."""
    async with house(tmp_path, MINE) as server:
        said = await ask(
            server,
            "PATCH",
            "settings",
            400,
            version=await version(server),
            options={"quality": 300, "image_amount_max": 10},
            providers={"painter": {"weight": "heavy"}},
        )
        assert said["error"]["code"] == "mistakes"
        message = said["error"]["message"]
        assert "options.yml:2: quality: expected a number from 1 to 100, got 300" in message
        assert "image_amount_max: expected more than image_amount_min" in message
        assert 'providers.painter.weight: expected a number, got "heavy"' in message
        assert text(server).startswith(MINE)
        assert server.app[keys.FRAMES].default.quality == 70
        said = await ask(
            server,
            "PATCH",
            "settings",
            400,
            version=await version(server),
            options={"port": 1, "qality": 2, "quality": 300},
        )
        assert "options.port: can be changed by hand only" in said["error"]["message"]
        assert 'did you mean "quality"?' in said["error"]["message"]
        assert "options.yml:2: quality: expected a number from 1 to 100, got 300" in said["error"]["message"]
        assert text(server).startswith(MINE)


async def test_the_owners_hand_is_never_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An edit since the page was loaded, and one in the very moment before the file is replaced, both win."""
    async with house(tmp_path, MINE) as server:
        seen, path = await version(server), server.data / "options.yml"
        path.write_text(text(server) + "refresh: 60\n")
        said = await ask(server, "PATCH", "settings", 409, version=seen, options={"quality": 50})
        assert said["error"]["code"] == "changed"

        def slowly(*given: Any, last_look: Any, **more: Any) -> None:
            def look() -> None:
                path.write_text("quality: 33\n")  # the owner's editor saves while ours is on its way to the disk
                last_look()

            write_durably(*given, last_look=look, **more)

        monkeypatch.setattr("imageserver.config.file.write_durably", slowly)
        said = await ask(server, "PATCH", "settings", 409, version=await version(server), options={"quality": 50})
        assert said["error"]["code"] == "changed"
        assert text(server) == "quality: 33\n"
        assert not temporary_for(path).exists()
        assert server.app[keys.FRAMES].default.quality == 70


async def test_a_broken_file_is_left_to_its_owner(tmp_path: Path) -> None:
    """Whatever is wrong with it already is told; the page says so too, and its fields take nothing."""
    async with house(tmp_path, MINE) as server:
        (server.data / "options.yml").write_text("qality: 3\nport: x\n")
        said = await ask(server, "PATCH", "settings", 409, version=await version(server), options={"quality": 50})
        assert said["error"]["code"] == "broken_options"
        assert "options.yml:1: qality" in said["error"]["message"]
        assert "options.yml:2: port" in said["error"]["message"]
        assert len((await settings(server))["problems"]) == 2
        for page in ("/settings", "/house"):
            async with server.http.get(page) as answer:
                assert "options.yml:2: port" in await answer.text()


async def test_a_file_that_may_not_be_written(tmp_path: Path) -> None:
    """A read-only one stays as it is; the answer and the page say why."""
    async with house(tmp_path, MINE) as server:
        path = server.data / "options.yml"
        path.chmod(0o444)
        said = await ask(server, "PATCH", "settings", 409, version=await version(server), options={"quality": 50})
        assert said["error"]["code"] == "not_writable"
        assert "options.yml is read-only" in said["error"]["message"]
        assert text(server).startswith(MINE)
        assert "read-only" in (await settings(server))["read_only"]
        path.chmod(0o640)
        await ask(server, "PATCH", "settings", version=await version(server), options={"quality": 50})
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        # what a link leads to is written, and not the link
        elsewhere = tmp_path / "elsewhere.yml"
        path.rename(elsewhere)
        path.symlink_to(elsewhere)
        await ask(server, "PATCH", "settings", version=await version(server), options={"quality": 51})
        assert path.is_symlink()
        assert "quality: 51" in elsewhere.read_text()


async def test_a_file_is_made_where_there_is_none(tmp_path: Path) -> None:
    """The first change of an owner who never wrote one."""
    (tmp_path / "data").mkdir()
    temporary_for(tmp_path / "data/options.yml").write_text("half a fi")
    async with house(tmp_path, MINE) as server:
        assert not temporary_for(server.data / "options.yml").exists(), "what a killed writer left is still there"
        (server.data / "options.yml").unlink()
        standing = await settings(server)
        assert not standing["is_there"]
        await ask(server, "PATCH", "settings", version=standing["version"], options={"quality": 50})
        assert text(server) == "quality: 50\n"


async def test_a_seen_frame_gets_a_name(tmp_path: Path) -> None:
    """It stands in the file, counts at the next request, and the frame goes on where it was."""
    async with house(tmp_path, MINE, stored=6) as server:
        for _ in range(3):
            await server.frame.picture("old")
        app = server.app
        before, shown = app[keys.SIGHTINGS].of("127.0.0.1"), app[keys.DELIVERY].on("127.0.0.1")
        assert before is not None
        coming = app[keys.STORE].peek("127.0.0.1")
        await app[keys.CHOICES].choose("127.0.0.1", 1)
        naps = app[keys.INTAKE]._naps
        await naps.send("127.0.0.1")
        said = await ask(server, "POST", "frames", 201, name="кухня", frame="127.0.0.1")
        assert said == {"frame": "кухня", "needs_restart": [], "problems": []}
        assert '  "кухня":\n    address: 127.0.0.1\n' in text(server)
        assert "hall:        # upstairs" in text(server)
        after = app[keys.SIGHTINGS].of("кухня")
        assert after is not None
        assert app[keys.SIGHTINGS].of("127.0.0.1") is None
        assert (after.fetched, after.first_seen, after.visits) == (before.fetched, before.first_seen, before.visits)
        assert usual_interval(after) == usual_interval(before)
        assert app[keys.DELIVERY].on("кухня") == shown
        assert app[keys.STORE].peek("кухня") == coming
        assert await app[keys.CHOICES].of("кухня") == 1
        assert (naps.has("кухня"), naps.has("127.0.0.1")) == (True, False)
        naps.wake("кухня")
        started = await server.start(type="old")
        assert (await server.job(started["id"])).frame == "кухня"
        assert await server.picture_of(started["id"]) == coming
        # values of its own, and another name
        said = await ask(
            server, "PATCH", "frames/кухня", version=await version(server), name="kitchen", rotate=90, fit_mode="pad"
        )
        assert said["frame"] == "kitchen"
        frame = app[keys.FRAMES].named("kitchen")
        assert frame is not None
        assert (frame.target.rotate, frame.target.fit_mode) == (90, "pad")
        renamed = app[keys.SIGHTINGS].of("kitchen")
        assert renamed is not None
        assert renamed.first_seen == before.first_seen
        assert await app[keys.CHOICES].of("kitchen") == 1
        # and no name again
        await ask(server, "DELETE", f"frames/kitchen?version={await version(server)}")
        assert "kitchen" not in text(server)
        back = app[keys.SIGHTINGS].of("127.0.0.1")
        assert back is not None
        assert back.first_seen == before.first_seen
        assert app[keys.SIGHTINGS].of("kitchen") is None
        await ask(server, "DELETE", f"frames/kitchen?version={await version(server)}", 404)
        await ask(server, "PATCH", "frames/kitchen", 404, version="x", rotate=90)
        await ask(server, "POST", "frames", 400, name="two words", frame="127.0.0.1")
        await ask(server, "POST", "frames", 400, name="hall", frame="127.0.0.1")


async def test_names_survive_a_restart_and_an_edit_by_hand(tmp_path: Path) -> None:
    """Frames are taken over at a reload, renamed by hand as well, and what was known of them is there after a start."""
    async with house(tmp_path, MINE, stored=6) as server:
        await server.frame.picture("old")
        await ask(server, "POST", "frames", 201, name="kitchen", frame="127.0.0.1")
        coming = server.app[keys.STORE].peek("kitchen")
        written = text(server).replace("kitchen", "bedroom")
        lines = written.partition("plugins_dir")[0]
        (server.data / "options.yml").write_text(written)
        report = await ask(server, "POST", "plugins/reload")
        assert report["needs_restart"] == []
        assert server.app[keys.STORE].peek("bedroom") == coming
        assert server.app[keys.FRAMES].named("kitchen") is None
        (server.data / "options.yml").write_text(written.replace("10.0.0.9", "10.0.0.9\n    port: 9001"))
        assert (await ask(server, "POST", "plugins/reload"))["needs_restart"] == ["frames.hall.port"]
    # named anew while no server runs
    unheard_of = lines.replace("bedroom", "attic").replace("hall", "cellar")
    async with house(tmp_path, unheard_of) as server:
        assert server.app[keys.STORE].peek("bedroom") == coming  # nothing says that the attic is the bedroom
    async with house(tmp_path, MINE) as server:
        await server.frame.picture("old")
        coming = server.app[keys.STORE].peek("127.0.0.1")
    named = MINE.replace("10.0.0.9", "127.0.0.1")
    async with house(tmp_path, named) as server:
        assert server.app[keys.STORE].peek("hall") == coming
        shown = server.app[keys.SIGHTINGS].of("hall")
        assert shown is not None
        assert server.app[keys.SIGHTINGS].of("127.0.0.1") is None


async def test_two_changes_at_once(tmp_path: Path) -> None:
    """One after the other: both are in the file, or one is told that it came too late; never a torn file."""
    async with house(tmp_path, MINE) as server:
        names = [f"frame{number}" for number in range(4)]
        await asyncio.gather(
            *(
                ask(server, "POST", "frames", 201, name=name, address=f"10.1.0.{number}")
                for number, name in enumerate(names)
            )
        )
        assert all(f"  {name}:\n" in text(server) for name in names)
        assert server.app[keys.FRAMES].all_named()[0].name == "hall"
        assert len(server.app[keys.FRAMES].all_named()) == 5


async def test_settings_are_for_the_owner_in_person(tmp_path: Path) -> None:
    """A program that may write names frames, but changes no cap; a page of another site changes nothing."""
    async with house(tmp_path, MINE) as server:
        made = await ask(server, "POST", "tokens", 201, name="script", scopes=["read", "write"])
        bearer = {"Authorization": f"Bearer {made['token']}"}
        async with server.http.get("/api/v1/settings", headers=bearer) as answer:
            assert answer.status == 200
            seen = (await answer.json())["version"]
        body = {"version": seen, "options": {"quality": 1}}
        async with server.http.patch("/api/v1/settings", headers=bearer, json=body) as answer:
            assert answer.status == 403
        foreign = {"Origin": "http://evil.example"}
        async with server.http.patch("/api/v1/settings", headers=foreign, json=body) as answer:
            assert answer.status == 403
        async with server.http.post("/api/v1/frames", headers=foreign, json={"name": "x"}) as answer:
            assert answer.status == 403
        async with server.http.post("/api/v1/frames", headers=bearer, json={"name": "den", "port": 9101}) as answer:
            assert answer.status == 201
            assert (await answer.json())["needs_restart"] == ["frames.den.port"]
        assert text(server).startswith("# our house\nquality: 70")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
async def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    """The same where it is the folder that is read-only."""
    async with house(tmp_path, MINE) as server:
        server.data.chmod(0o555)
        try:
            said = await ask(server, "PATCH", "settings", 409, version=await version(server), options={"quality": 50})
        finally:
            server.data.chmod(0o755)
        assert said["error"]["code"] == "not_writable"
