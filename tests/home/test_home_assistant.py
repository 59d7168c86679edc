"""What Home Assistant sees and does, with a real broker between it and a whole server."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import jinja2
import pytest
from live import OWNER, Live, ShiftedClock, failing, live, painter, refuse
from test_money_end_to_end import varied

from home.broker import HANG_LIMIT, broker, eventually
from imageserver import AuthError
from imageserver.home.topics import Topics, slug
from imageserver.image import identify
from imageserver.web import keys

FRAMES = "frames:\n  kitchen: {address: 127.0.0.1}\n  Прихожая: {address: 10.0.0.9, rotate: 90}\n"
QUIET = "disabled_providers: [atelier]\nimage_generate_threshold: 0\n"
KITCHEN = "imageserver/frame/kitchen"
# The platforms that are used, and what Home Assistant cannot do without in each; everything else there is optional.
REQUIRED = {
    "sensor": {"value_template"},
    "binary_sensor": {"value_template", "payload_on", "payload_off"},
    "button": {"command_topic", "payload_press"},
    "switch": {"command_topic", "value_template", "payload_on", "payload_off"},
    "image": {"image_topic"},
}


class Hasty(ShiftedClock):
    """Waits are short, so that a test need not wait for the next look or attempt."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.1))


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine an answer of the broker may take more than four seconds, which would be another trouble."""
    monkeypatch.setattr("imageserver.home.broker._PATIENCE", HANG_LIMIT)


async def shown(server: Live, **body: object) -> int | None:
    """Ask as a frame does, and take the picture."""
    operation = (await server.start(**(body or {"type": "auto"})))["id"]
    assert (await server.done(operation))["status"] == "done"
    return await server.picture_of(operation)


def rendered(template: str, state: dict[str, Any]) -> str:
    """As Home Assistant makes a state of a message."""
    return jinja2.Environment(autoescape=False).from_string(template).render(value_json=state)


async def test_a_house_as_home_assistant_sees_it(tmp_path: Path) -> None:
    """Devices, entities and their states: each message is one that Home Assistant takes, and says what is the case."""
    kind = varied(title="Живописец")
    options = QUIET + FRAMES + "language: ru\n"
    async with broker(tmp_path / "mqtt") as there, there.listener() as heard:
        async with live(tmp_path, kind, options=options + there.options, stored=1, clock=Hasty()) as server:
            picture = await shown(server, type="ydart")
            await heard.until(
                lambda said: (
                    said.get("imageserver/status") == b"online"  # comes last, when all else was said once
                    and json.loads(said.get(KITCHEN, b"{}")).get("picture") == picture
                    and "imageserver/frame/kitchen/image" in said
                    and json.loads(said.get("imageserver/provider/paid", b"{}")).get("bought") == 1
                )
            )
            assert identify(heard.said["imageserver/frame/kitchen/image"]).format == "jpeg"
            devices = {topic: heard.json(topic) for topic in heard.said if topic.startswith("homeassistant/")}
            hall = f"imageserver_{slug('Прихожая')}"
            assert set(devices) == {
                f"homeassistant/device/{name}/config" for name in ("imageserver_server", "imageserver_kitchen", hall)
            }
            unique: list[str] = []
            states: dict[str, str] = {}
            for topic, device in devices.items():
                assert re.fullmatch(r"homeassistant/device/[a-zA-Z0-9_-]+/config", topic)
                assert device["device"]["identifiers"]
                assert device["origin"]["name"] == "ImageServer"
                assert device["availability_topic"] == "imageserver/status"
                for name, entity in device["components"].items():
                    assert REQUIRED[entity["platform"]] <= set(entity)
                    unique.append(entity["unique_id"])
                    where = entity.get("state_topic", device["state_topic"])
                    for key in ("value_template", "json_attributes_template", "last_reset_value_template"):
                        if key in entity:
                            states[f"{device['device']['name']}/{name}/{key}"] = rendered(
                                entity[key], heard.json(where)
                            )
            assert len(unique) == len(set(unique)) == 7 + 7 + 4
            assert {device["device"]["name"] for device in devices.values()} == {"ImageServer", "kitchen", "Прихожая"}
            server_device = devices["homeassistant/device/imageserver_server/config"]["components"]
            money = server_device["paid_spent"]
            assert (money["device_class"], money["state_class"], money["unit_of_measurement"]) == (
                "monetary",
                "total",
                "RUB",
            )
            assert money["name"] == "Живописец: потрачено за месяц"
            assert states["ImageServer/paid_spent/value_template"] == "2.24"
            assert states["ImageServer/paid_state/value_template"] in server_device["paid_state"]["options"]
            assert datetime.fromisoformat(states["ImageServer/paid_spent/last_reset_value_template"]).day == 1
            assert states["kitchen/late/value_template"] == states["kitchen/sleep/value_template"] == "OFF"
            assert datetime.fromisoformat(states["kitchen/last_seen/value_template"]).tzinfo is not None
            attributes = json.loads(states["kitchen/shows/json_attributes_template"])
            assert attributes["provider"] == "paid"
            assert attributes["picture"] == picture
            stored = await server.app[keys.STORE].picture(picture or 0)
            assert stored is not None
            assert states["kitchen/shows/value_template"] == stored.prompt
            assert states["Прихожая/last_seen/value_template"] == "None"  # which is "unknown" there
        await heard.until(lambda said: said["imageserver/status"] == b"offline")


async def test_buttons_go_through_the_same_doors(tmp_path: Path) -> None:
    """Next hangs another stored picture, generate paints one for that frame, and a cap stops it as it stops anybody."""
    kind = varied()
    options = "disabled_providers: [atelier]\nimage_generate_threshold: 10000\n" + FRAMES
    options += "providers: {paid: {max_per_day: 2}}\n"
    async with (
        broker(tmp_path / "mqtt") as there,
        there.listener() as heard,
        live(tmp_path, kind, options=options + there.options, stored=3, clock=Hasty()) as server,
    ):
        bought = await shown(server)  # `auto` may ask once, and then not for a long time
        await heard.until(lambda said: said.get("imageserver/status") == b"online" and KITCHEN in said)
        choices, jobs = server.app[keys.CHOICES], server.app[keys.JOURNAL].jobs
        await heard.tell(f"{KITCHEN}/set/next", "PRESS")
        chosen = await eventually(lambda: choices.of("kitchen"))
        assert await shown(server) == chosen
        await heard.tell(f"{KITCHEN}/set/generate", "PRESS")
        painted = await eventually(lambda: choices.of("kitchen"))
        assert painted not in (bought, chosen)
        assert await shown(server) == painted
        await heard.until(lambda said: json.loads(said[KITCHEN])["picture"] == painted)
        for _ in range(3):
            await heard.tell(f"{KITCHEN}/set/generate", "PRESS")

        async def refused_thrice() -> bool:
            return sum(job.card == "cap_reached" for job in await jobs.recent(20)) == 3

        await eventually(refused_thrice)
        assert len(kind.asked) == 2


async def test_a_frame_sleeps_until_it_is_woken(tmp_path: Path) -> None:
    """Asleep it is dark and buys nothing, also after a restart, and where MQTT was taken out of the options."""
    kind = varied()
    options = QUIET + FRAMES
    async with broker(tmp_path / "mqtt") as there, there.listener() as heard:
        async with live(tmp_path, kind, options=options + there.options, stored=1, clock=Hasty()) as server:
            await heard.until(lambda said: said.get("imageserver/status") == b"online" and KITCHEN in said)
            await heard.tell(f"{KITCHEN}/set/sleep", "ON")
            await heard.until(lambda said: json.loads(said[KITCHEN])["sleep"] == "ON")
            operation = (await server.start(type="auto"))["id"]
            job = await server.job(operation)
            assert (job.card, job.why) == ("black", "its owner sent it to sleep")
        await heard.until(lambda said: said["imageserver/status"] == b"offline")  # or the next "online" is this one's
        async with live(tmp_path, kind, options=options, stored=1) as server:
            assert (await server.job((await server.start(type="auto"))["id"])).card == "black"
        asked = len(kind.asked)
        async with live(tmp_path, kind, options=options + there.options, stored=1, clock=Hasty()) as server:
            assert (await server.job((await server.start(type="auto"))["id"])).card == "black"
            await heard.until(lambda said: said.get("imageserver/status") == b"online")
            await heard.tell(f"{KITCHEN}/set/sleep", "off")
            await heard.until(lambda said: json.loads(said[KITCHEN])["sleep"] == "OFF")
            assert len(kind.asked) == asked
            assert await shown(server) is not None


async def test_strange_messages_do_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Rubbish, a megabyte, strangers' topics, and above all a retained order, which each connection would repeat."""
    kind = varied()
    caplog.set_level("INFO", "imageserver.home")
    async with broker(tmp_path / "mqtt") as there, there.listener() as heard:
        await heard.tell(f"{KITCHEN}/set/generate", "PRESS", retain=True)
        await heard.tell(f"{KITCHEN}/set/sleep", "ON", retain=True)
        options = "disabled_providers: [atelier]\n" + FRAMES + there.options
        async with live(tmp_path, kind, options=options, stored=1, clock=Hasty()) as server:
            await heard.until(lambda said: said.get("imageserver/status") == b"online" and KITCHEN in said)
            for payload in (b"", b"\xff\xfe\x00", b"press me", b"1", b"P" * 1_000_000, b"null", b"{}"):
                await heard.tell(f"{KITCHEN}/set/generate", payload)
                await heard.tell(f"{KITCHEN}/set/sleep", payload)
            for topic in (
                "frame/nobody/set/next",
                "frame/kitchen/set/explode",
                "frame//set/next",
                "frame/kitchen/set/",
            ):
                await heard.tell(f"imageserver/{topic}", "PRESS")
            # it is heard in order: when this one was obeyed, the others were looked at
            await heard.tell(f"{KITCHEN}/set/sleep", "ON")
            await heard.until(lambda said: json.loads(said[KITCHEN])["sleep"] == "ON")
            assert await server.app[keys.JOURNAL].jobs.recent(5) == []
            assert kind.asked == []
    assert "a retained MQTT order is not obeyed" in caplog.text
    assert len(caplog.text) < 50_000


async def test_frames_do_not_notice_a_broker_that_comes_and_goes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Absent at the start, there, gone, there again with an empty memory: all is said anew, once is complained."""
    caplog.set_level("INFO", "imageserver.home")

    async def complained() -> bool:
        return "is not there for us" in caplog.text

    async with broker(tmp_path / "mqtt", started=False) as there:
        options = QUIET + FRAMES + there.options
        async with live(tmp_path, painter(), options=options, stored=1, clock=Hasty()) as server:
            assert await shown(server) is not None
            await eventually(complained)
            for _ in range(2):
                await there.start()
                async with there.listener() as heard:
                    await heard.until(
                        lambda said: (
                            said.get("imageserver/status") == b"online"
                            and KITCHEN in said
                            and "homeassistant/device/imageserver_kitchen/config" in said
                        )
                    )
                await there.stop()
                assert await shown(server) is not None
            assert await server.health("stored") >= 1
    said = [one for one in caplog.messages if "is not there for us" in one or "connected to the MQTT broker" in one]
    assert sum("is not there for us" in one for one in said) >= 2
    assert all(one != other for one, other in pairwise(said)), "the same is said once, however often it is tried"


async def test_a_wrong_password_is_said_once_and_never_shown(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The log says what is wrong; the password is in no log, no repr and not in the configuration as it is shown."""
    async with broker(tmp_path / "mqtt") as there:
        mqtt = f"mqtt: {{host: 127.0.0.1, port: {there.port}, username: me, password: hunter2-hunter2}}\n"
        async with live(tmp_path, options=QUIET + mqtt, stored=1, clock=Hasty()) as server:
            await there.refuses(4)  # and each time but the first nothing new is said
            assert await shown(server) is not None
            async with server.http.get("/healthz", headers=OWNER) as answer:
                assert (await answer.json())["restarts"] == {}
            assert "hunter2" not in repr(server.app[keys.OPTIONS].config)
    assert caplog.text.count("is not there for us") == 1
    assert "uthori" in caplog.text
    assert "hunter2" not in caplog.text


async def test_a_frame_that_was_taken_away_is_taken_away_there(tmp_path: Path) -> None:
    """After a restart with fewer frames and another discovery prefix nothing of the old ones is left at the broker."""
    async with broker(tmp_path / "mqtt") as there:
        options = QUIET + there.options
        async with live(tmp_path, options=options + FRAMES, stored=1, clock=Hasty()), there.listener() as heard:
            hall = slug("Прихожая")
            await heard.until(
                lambda said: (
                    "homeassistant/device/imageserver_kitchen/config" in said
                    and any(topic.startswith("homeassistant/") and hall in topic for topic in said)
                    and said.get("imageserver/status") == b"online"
                )
            )
        changed = options.replace("currency: RUB", "discovery: other")
        async with (
            live(tmp_path, options=changed + "frames: {kitchen: {}}\n", stored=1, clock=Hasty()),
            there.listener() as heard,
        ):
            await heard.until(
                lambda said: (
                    "other/device/imageserver_kitchen/config" in said
                    and not any(topic.startswith("homeassistant/") or hall in topic for topic in said)
                    and said.get("imageserver/status") == b"online"
                )
            )


async def test_what_a_provider_lacks_is_its_state(tmp_path: Path) -> None:
    """A refused key shows as paused with its reason, and an own limit as refused."""
    kinds = failing(refuse(AuthError, "unknown key"), "broken"), varied("capped")
    options = QUIET + FRAMES + "providers: {capped: {max_per_day: 0}, broken: {}}\n"
    async with (
        broker(tmp_path / "mqtt") as there,
        there.listener() as heard,
        live(tmp_path, *kinds, options=options + there.options, stored=1, clock=Hasty()) as server,
    ):
        await shown(server)
        await heard.until(
            lambda said: (
                b"paused" in said.get("imageserver/provider/broken", b"") and "imageserver/provider/capped" in said
            )
        )
        assert "unknown key" in heard.json("imageserver/provider/broken")["reason"]
        assert heard.json("imageserver/provider/capped")["state"] == "refused"


def test_topics_hold_any_name() -> None:
    """Names that look alike stay apart, plain ones stay as they are, and orders are read back."""
    topics = Topics(base="home/frames", discovery="homeassistant")
    names = ["kitchen", "Kitchen", "кухня", "кухни", "192.168.1.20", "192_168_1_20", "fe80::1", "a#b", "a+b", "a/b"]
    slugs = [slug(name) for name in names]
    assert slugs[0] == "kitchen"
    assert len({*slugs}) == len(names)
    assert all(re.fullmatch("[A-Za-z0-9_-]+", one) for one in slugs)
    for short in slugs:
        assert topics.read_order(topics.order(short, "next")) == (short, "next")
    for strange in ("home/frames/frame/a/set/eat", "home/frames/frame/a/next", "elsewhere/frame/a/set/next", ""):
        assert topics.read_order(strange) is None
