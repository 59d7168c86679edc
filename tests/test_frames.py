"""Several frames: who is asking, what it gets, and what is known of it."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
from journal.records import usable
from live import Gate, Live, ShiftedClock, live, painter, waiting
from PIL import Image, ImageColor

from imageserver import AuthError, delivery
from imageserver.config import reader
from imageserver.frames import Frames
from imageserver.sightings import Sightings, usual_interval
from imageserver.testing import FakeClock
from imageserver.web import keys

TWO = """
image_generate_threshold: 0
frames:
  kitchen:
    address: 127.0.0.2
    image_width: 128
    image_height: 160
  hall:
    address: [127.0.0.3, 127.0.0.4]
    rotate: 90
    image_weight: 480
    image_height: 320
"""


@pytest.fixture
def at_leisure(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rendition may take as long as a busy machine needs: nobody is put off with another picture or another word."""
    monkeypatch.setattr(delivery, "_RENDITION_SECONDS", 60.0)


@asynccontextmanager
async def coming_from(room: Live, address: str) -> AsyncIterator[aiohttp.ClientSession]:
    """A client on another address of this machine."""
    connector = aiohttp.TCPConnector(local_addr=(address, 0))
    async with aiohttp.ClientSession(f"http://127.0.0.1:{room.port}", connector=connector) as http:
        yield http


async def taken(http: aiohttp.ClientSession, **wish: str) -> Image.Image:
    """What a frame gets for its wish."""
    async with http.post("/operation/start", json=wish or {"type": "auto"}) as answer:
        said = await answer.json()
    return await result(http, said["id"])


async def result(http: aiohttp.ClientSession, operation: str) -> Image.Image:
    """The picture of an operation, once it is there."""
    while True:
        async with http.get(f"/operation/result/{operation}") as answer:
            said = json.loads(await answer.text())
        if said["status"] != "pending":
            return Image.open(io.BytesIO(base64.b64decode(said["response"]["image"])))


def large_noise(folder: Path) -> str:
    """A stored picture whose answer is far larger than what the sockets of both ends hold; options that keep it so."""
    (folder / "images").mkdir()
    Image.effect_noise((2400, 2400), 120).save(folder / "images" / "noise.png")
    return """
disabled_providers: [atelier]  # what it paints is small, and would be shown as soon as it is done
panel: jpeg-8bit
image_width: 2400
image_height: 2400
quality: 100
max_bytes: 10000000
"""


async def break_off(port: int, path: str) -> None:
    """A frame that lost its power in the middle of a download: the server can not have written all of it by then."""
    with socket.socket() as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.settimeout(0)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(raw, ("127.0.0.1", port))
        await loop.sock_sendall(raw, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert await loop.sock_recv(raw, 200)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, not an end


async def listed(room: Live) -> dict[str, dict[str, object]]:
    """GET /frames, by frame."""
    async with room.http.get("/frames") as answer:
        return {line["frame"]: line for line in (await answer.json())["frames"]}


async def test_frames_of_different_sizes_are_fed_from_one_store(tmp_path: Path) -> None:
    """Each address gets pictures of its own size from the same store, and no picture twice in a lap."""
    async with live(tmp_path, options=TWO, stored=3) as room:
        async with coming_from(room, "127.0.0.2") as kitchen, coming_from(room, "127.0.0.4") as hall:
            assert (await taken(kitchen, type="old")).size == (128, 160)
            assert (await taken(hall, type="old")).size == (480, 320)
            assert (await taken(room.http, type="old")).size == (320, 480)
            colours = {(await taken(kitchen, type="old")).convert("RGB").getpixel((60, 20)) for _ in range(2)}
        assert len(colours) == 2
        renditions = {path.name.split("-")[0] for path in (room.data / "renditions").iterdir()}
        assert renditions == {"128x160", "480x320", "320x480"}


async def test_one_rendition_for_frames_of_the_same_size(tmp_path: Path) -> None:
    """Two named frames that take the same share every rendition."""
    options = "frames: {one: {address: 127.0.0.2}, two: {address: 127.0.0.3}}"
    async with live(tmp_path, options=options, stored=1) as room:
        async with coming_from(room, "127.0.0.2") as one, coming_from(room, "127.0.0.3") as two:
            await taken(one, type="old")
            await taken(two, type="old")
        assert len(list((room.data / "renditions").rglob("*.jpg"))) == 1


async def test_a_named_frame_by_its_own_address_line(tmp_path: Path) -> None:
    """/frame/{name}.jpg gives that frame's picture from wherever it is fetched; an unknown name is a clear 404."""
    async with live(tmp_path, options=TWO, stored=1) as room:
        async with room.http.get("/frame/kitchen.jpg") as answer:
            assert Image.open(io.BytesIO(await answer.read())).size == (128, 160)
        async with room.http.get("/frame/garage.jpg") as answer:
            assert answer.status == 404
            assert "kitchen, hall" in (await answer.json())["error"]["message"]


async def test_a_program_may_say_which_frame_it_is(tmp_path: Path) -> None:
    """The header X-Frame counts before the address; a name that is not there does no harm."""
    async with live(tmp_path, options=TWO, stored=1) as room:
        for name, size in (("hall", (480, 320)), ("garage", (320, 480))):
            async with room.http.get("/frame.jpg", headers={"X-Frame": name}) as answer:
                assert Image.open(io.BytesIO(await answer.read())).size == size


async def test_two_frames_behind_one_address_on_two_ports(tmp_path: Path, ports: list[int]) -> None:
    """The port that a request comes in on tells frames apart that share an address."""
    left, right = ports
    options = f"frames: {{left: {{port: {left}, image_width: 200, image_height: 200}}, right: {{port: {right}}}}}"
    async with live(tmp_path, options=options, stored=2, ports=ports) as room:
        for port, size in zip(ports, [(200, 200), (320, 480)], strict=True):
            async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http:
                assert (await taken(http, type="old")).size == size
        lines = await listed(room)
        assert lines["left"]["fetched"] == lines["right"]["fetched"] == 1


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("rotate: 90", ["bottom left", "top left", "top right", "bottom right"]),
        ("rotate: 180", ["bottom right", "bottom left", "top left", "top right"]),
        ("rotate: 270", ["top right", "bottom right", "bottom left", "top left"]),
        ("mirror: true", ["top right", "top left", "bottom left", "bottom right"]),
    ],
)
async def test_a_frame_that_hangs_turned(tmp_path: Path, said: str, expected: list[str]) -> None:
    """What stood at the corners (clockwise from the top left) stands where the panel needs it."""
    colours = {"top left": "red", "top right": "lime", "bottom right": "blue", "bottom left": "white"}
    picture = Image.new("RGB", (400, 400))
    for place, colour in colours.items():
        x, y = 200 * ("right" in place), 200 * ("bottom" in place)
        picture.paste(colour, (x, y, x + 200, y + 200))
    (tmp_path / "images").mkdir()
    picture.save(tmp_path / "images" / "corners.png")
    options = f"frames: {{turned: {{address: 127.0.0.2, image_width: 64, image_height: 64, {said}}}}}"
    async with live(tmp_path, options=options) as room, coming_from(room, "127.0.0.2") as http:
        shown = (await taken(http, type="old")).convert("RGB")
    corners = [shown.getpixel(place) for place in ((10, 10), (54, 10), (54, 54), (10, 54))]
    assert [_nearest(corner) for corner in corners] == [colours[place] for place in expected]


async def test_colours_are_inverted_and_lightened(tmp_path: Path) -> None:
    """`invert` gives the opposite of every colour, `gamma` above 1 lighter middle tones."""
    (tmp_path / "images").mkdir()
    Image.new("RGB", (64, 64), (200, 100, 40)).save(tmp_path / "images" / "flat.png")
    options = """
frames:
  opposite: {address: 127.0.0.2, invert: true}
  light: {address: 127.0.0.3, gamma: 2.2}
"""
    async with live(tmp_path, options=options) as room:
        async with coming_from(room, "127.0.0.2") as http:
            opposite = (await taken(http, type="old")).convert("RGB").getpixel((30, 30))
        async with coming_from(room, "127.0.0.3") as http:
            light = (await taken(http, type="old")).convert("RGB").getpixel((30, 30))
    assert opposite == pytest.approx((55, 155, 215), abs=12)
    assert light == pytest.approx((228, 167, 110), abs=12)


async def test_a_frame_gets_no_more_bytes_than_it_may(tmp_path: Path) -> None:
    """`max_bytes` holds for a picture that would be larger, and the others keep their quality."""
    (tmp_path / "images").mkdir()
    Image.effect_noise((640, 960), 120).save(tmp_path / "images" / "noise.png")
    # what the atelier paints may be small by itself, and would be shown as soon as it is done
    options = "disabled_providers: [atelier]\nframes: {small: {address: 127.0.0.2, max_bytes: 20000}}"
    async with live(tmp_path, options=options) as room:
        async with room.http.get("/frame.jpg") as answer:
            usual = len(await answer.read())
        async with coming_from(room, "127.0.0.2") as http, http.get("/frame.jpg") as answer:
            assert len(await answer.read()) <= 20_000 < usual


async def test_a_frame_shows_only_its_providers_pictures(tmp_path: Path) -> None:
    """`providers` decides who is asked and which stored pictures are shown; who names a provider gets it anyway."""
    options = """
image_generate_threshold: 0
frames:
  children: {address: 127.0.0.2, providers: [fairy]}
"""
    fairy, news = painter("fairy"), painter("news")
    async with live(tmp_path, fairy, news, options=options, stored=4) as room:
        async with coming_from(room, "127.0.0.2") as http:
            for _ in range(3):
                await taken(http, type="auto")
            assert (len(fairy.asked), len(news.asked)) == (3, 0)
            made = await usable(room.app[keys.JOURNAL])
            own = {picture for picture, _root, maker in made if maker == "fairy"}
            for _ in range(6):
                async with http.post("/operation/start", json={"type": "old"}) as answer:
                    operation = (await answer.json())["id"]
                await result(http, operation)
                assert await room.picture_of(operation) in own
            await taken(http, type="provider", provider="news")
        assert len(news.asked) == 1


async def test_a_frame_with_nothing_of_its_own_gets_no_strangers_picture(tmp_path: Path) -> None:
    """A frame whose provider has made nothing yet is painted for, or told; the store's other pictures stay away."""
    options = "frames: {children: {address: 127.0.0.2, providers: [fairy]}}"
    async with live(tmp_path, painter("fairy", paid=True), options=options, stored=4) as room:
        async with coming_from(room, "127.0.0.2") as http:
            async with http.post("/operation/start", json={"type": "old"}) as answer:
                operation = (await answer.json())["id"]
            await result(http, operation)
            job = await room.job(operation)
        assert job.picture is None
        assert job.card == "nothing_stored"


async def test_an_unknown_provider_of_a_frame_is_told(tmp_path: Path) -> None:
    """The owner hears which frame names it, with the line."""
    from imageserver.plugins import load_plugins
    from imageserver.registry import select_providers

    (tmp_path / "options.yml").write_text("port: 8099\nframes:\n  kitchen: {providers: [foldr]}\n")
    config = reader.load(tmp_path, flags={}, environment={}, now=datetime.now(UTC))
    found = select_providers(await load_plugins(tmp_path / "none"), config)
    (problem,) = found.problems
    assert str(problem) == (
        "options.yml:3: frames.kitchen.providers: there is no provider called foldr; did you mean folder?"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("frames: 5", "options.yml:1: frames: expected names of frames with a colon, got 5"),
        ("frames: {a.b: {}}", 'options.yml:1: frames.a.b: a name has letters, digits, "_" and "-", at most 40'),
        ("frames: {a: {adress: 10.0.0.1}}", 'options.yml:1: frames.a.adress: no such key; did you mean "address"?'),
        (
            "frames: {a: {address: kitchen.local}}",
            'options.yml:1: frames.a.address: expected an address such as 192.168.1.20, got "kitchen.local"',
        ),
        ("frames: {a: {rotate: 45}}", "options.yml:1: frames.a.rotate: expected one of 0, 90, 180, 270, got 45"),
        ("frames: {a: {port: 8099}}", "options.yml:1: frames.a.port: 8099 is used by the server itself already"),
        (
            "frames:\n  a: {port: 8100}\n  b: {port: 8100}",
            "options.yml:3: frames.b.port: 8100 is used by frames.a already",
        ),
        (
            "frames:\n  a: {address: 10.0.0.1}\n  b: {address: [10.0.0.2, 10.0.0.1]}",
            "options.yml:3: frames.b.address: 10.0.0.1 is the address of frames.a already; give one of them a port",
        ),
        ("frames:\n  a: {}\n  A: {}", "options.yml:3: frames.A: stands here again; the first is in line 2"),
        (
            "frames: {a: {providers: []}}",
            "options.yml:1: frames.a.providers: name at least one provider, or leave the key out for all of them",
        ),
        (
            'frames: {a: {sleep_time: [{time_range: {start_time: "25:00", end_time: "07:00"}}]}}',
            "options.yml:1: frames.a.sleep_time.time_range.start_time: "
            'expected a time from "00:00" to "23:59", in quotes, got "25:00"',
        ),
    ],
)
def test_mistakes_are_told_with_their_line(tmp_path: Path, text: str, said: str) -> None:
    """Every mistake names file, line, frame and key."""
    (tmp_path / "options.yml").write_text(text, encoding="utf-8")
    _config, problems = reader.read(tmp_path, flags={}, environment={}, now=datetime.now(UTC))
    assert [str(problem) for problem in problems] == [said]


def test_who_it_says_it_is_counts_before_port_and_address(tmp_path: Path) -> None:
    """Name, then port, then address; an IPv4 address seen through IPv6 is the same."""
    (tmp_path / "options.yml").write_text(
        "frames:\n  a: {address: 10.0.0.1}\n  b: {port: 8100, address: 10.0.0.1}\n  c: {}\n", encoding="utf-8"
    )
    config = reader.load(tmp_path, flags={}, environment={}, now=datetime.now(UTC))
    frames = Frames(config.options, config.frames)
    assert frames.asking("10.0.0.1").name == "a"
    assert frames.asking("::ffff:10.0.0.1").name == "a"
    assert frames.asking("10.0.0.1", port=8100).name == "b"
    assert frames.asking("10.0.0.1", port=8100, name="c").name == "c"
    assert frames.asking("10.0.0.9").name is None
    assert frames.asking("10.0.0.9").key == "10.0.0.9"


async def test_its_own_wish_is_not_new_to_a_limited_frame(tmp_path: Path) -> None:
    """What was just painted for it is not shown once more as the newest of its stored pictures."""
    options = "image_generate_threshold: 0\nframes: {children: {address: 127.0.0.2, providers: [fairy]}}"
    async with (
        live(tmp_path, painter("fairy"), options=options, stored=2) as room,
        coming_from(room, "127.0.0.2") as http,
    ):
        for _ in range(3):
            await taken(http, type="ydart")
            for _ in range(2):
                async with http.post("/operation/start", json={"type": "old"}) as answer:
                    operation = (await answer.json())["id"]
                await result(http, operation)
                assert not (await room.job(operation)).why.endswith("; new")


async def test_a_limited_frame_keeps_to_its_own_when_its_provider_fails(tmp_path: Path) -> None:
    """A stored picture of its own comes before the last resort's."""
    options = "image_generate_threshold: 0\nframes: {children: {address: 127.0.0.2, providers: [fairy]}}"
    kind = painter("fairy")
    async with live(tmp_path, kind, options=options, stored=2) as room, coming_from(room, "127.0.0.2") as http:
        await taken(http, type="ydart")
        registry = room.app[keys.RELOADER]._registry
        registry.hosts["fairy"].breaker.failed(AuthError("no key"))
        async with http.post("/operation/start", json={"type": "ydart"}) as answer:
            operation = (await answer.json())["id"]
        await result(http, operation)
        job = await room.job(operation)
        assert job.picture is not None
        picture = await room.app[keys.STORE].picture(job.picture)
        assert picture is not None
        assert picture.provider == "fairy"


async def test_a_frame_may_name_the_last_resort(tmp_path: Path) -> None:
    """For a frame that names it, the painter that works for nothing is one like the others."""
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "one.png").write_bytes(_png())
    options = f"""
image_generate_threshold: 0
providers: {{folder: {{local_image_folder: {photos}}}}}
frames:
  nursery: {{address: 127.0.0.2, providers: [folder, atelier], prompts: [a hedgehog at tea]}}
"""
    async with live(tmp_path, options=options, stored=1) as room, coming_from(room, "127.0.0.2") as http:
        async with http.post("/operation/start", json={"type": "auto"}) as answer:
            operation = (await answer.json())["id"]
        job = await room.job(operation)
        assert job.candidates == ("atelier",)
        assert job.prompt == "a hedgehog at tea"
        await room.ended(operation)


def test_address_and_port_together(tmp_path: Path) -> None:
    """Both tell a frame; an address that two share is that of the one without a port, in whichever spelling."""
    (tmp_path / "options.yml").write_text(
        "frames:\n  a: {port: 8101, address: 10.0.0.1}\n  b: {address: '::ffff:10.0.0.2'}\n"
        "  c: {port: 8102, address: 10.0.0.2}\n",
        encoding="utf-8",
    )
    config = reader.load(tmp_path, flags={}, environment={}, now=datetime.now(UTC))
    frames = Frames(config.options, config.frames)
    assert frames.asking("10.0.0.1", port=8099).name == "a"
    assert frames.asking("10.0.0.2", port=8099).name == "b"
    assert frames.asking("10.0.0.2", port=8102).name == "c"


def test_keys_that_are_made_up_are_few_frames(tmp_path: Path) -> None:
    """At one address the first few keys are frames of their own, all others the address."""
    config = reader.load(tmp_path, flags={}, environment={}, now=datetime.now(UTC))
    frames = Frames(config.options)
    asked = [frames.asking("10.0.0.1", key=f"key {number}").key for number in range(100)]
    assert len(set(asked)) == 9
    assert asked[:3] == [frames.asking("10.0.0.1", key=f"key {number}").key for number in range(3)]
    assert asked[-1] == "10.0.0.1"
    assert frames.asking("10.0.0.2", key="key 99").key != "10.0.0.2"


class TestScreens:
    """What hangs on a frame that only fetches an address."""

    @pytest.mark.usefixtures("at_leisure")
    async def test_a_dark_frame_stays_dark(self, tmp_path: Path) -> None:
        """Its black picture hangs there for the second and third question too."""
        options = """
sleep_time: [{time_range: {start_time: "00:00", end_time: "23:59"}, black_image_mode: true}]
"""
        async with live(tmp_path, options=options, stored=2) as room:
            for _ in range(3):
                async with room.http.get("/frame.jpg") as answer:
                    assert _darkest(Image.open(io.BytesIO(await answer.read())))

    @pytest.mark.usefixtures("at_leisure")
    async def test_two_who_look_at_once_ask_once(self, tmp_path: Path) -> None:
        """A tablet and a browser at one frame's address: one picture is made, and it hangs there."""
        gate = Gate()
        kind = waiting(gate)
        async with live(tmp_path, kind, options="image_generate_threshold: 0", stored=2) as room:

            async def look() -> bytes:
                async with room.http.get("/frame.jpg") as answer:
                    return await answer.read()

            meanwhile = await asyncio.gather(*(look() for _ in range(4)))
            await gate.reached.wait()  # nobody who looks waits for that
            assert len(kind.asked) == 1
            gate.open()
            painted = [job for job in await room.app[keys.JOURNAL].jobs.recent(9) if job.kind == "auto"]
            assert len(painted) == 1
            await room.ended(painted[0].id)
            assert await look() not in meanwhile
            assert await look() == await look()

    async def test_a_download_that_is_broken_off(self, tmp_path: Path) -> None:
        """A tablet that leaves in the middle is counted as one that did."""
        async with live(tmp_path, options=large_noise(tmp_path)) as room:
            async with room.http.get("/frame.jpg") as answer:
                assert len(await answer.read()) > 4_500_000
            await break_off(room.port, "/frame.jpg")
            while (line := (await listed(room))["127.0.0.1"])["aborted"] == 0:
                pass
            assert line["fetched"] == 1


class TestSleeping:
    """Sleep windows of the server and of one frame."""

    NIGHT = 'time_range: {start_time: "23:00", end_time: "06:59"}'

    @staticmethod
    def clock_at(hour: int, minute: int) -> ShiftedClock:
        now = datetime.now(UTC)
        wanted = now.replace(hour=hour, minute=minute, second=0)
        return ShiftedClock(shift=(wanted - now).total_seconds())

    async def test_auto_gives_a_stored_picture_and_asks_nobody(self, tmp_path: Path) -> None:
        """In the window `auto` shows what is stored; whoever asks for a picture gets one made."""
        paint = painter()
        options = f"image_generate_threshold: 0\nsleep_time: [{{{self.NIGHT}}}]"
        async with live(tmp_path, paint, options=options, stored=2, clock=self.clock_at(23, 0)) as room:
            said = await room.start(type="auto")
            assert said["status"] == "done"
            assert (await room.job(said["id"])).why.startswith("the frame sleeps until 06:59")
            assert not paint.asked
            await room.done((await room.start(type="ydart"))["id"])
            assert len(paint.asked) == 1

    async def test_a_black_picture_where_it_is_wanted(self, tmp_path: Path) -> None:
        """With black_image_mode the frame is dark; `old` still shows a picture."""
        options = f"sleep_time: [{{{self.NIGHT}, black_image_mode: true}}]"
        async with live(tmp_path, painter(), options=options, stored=2, clock=self.clock_at(2, 30)) as room:
            black = await taken(room.http, type="auto")
            assert black.size == (320, 480)
            assert _darkest(black)
            assert (await taken(room.http, type="old")).convert("L").getextrema()[1] > 50  # type: ignore[operator]

    async def test_both_ends_are_included(self, tmp_path: Path) -> None:
        """06:59 sleeps, 07:00 does not."""
        options = f"image_generate_threshold: 0\nsleep_time: [{{{self.NIGHT}}}]"
        for minute, asleep in (((6, 59), True), ((7, 0), False)):
            folder = tmp_path / f"{minute[0]}{minute[1]}"
            folder.mkdir()
            paint = painter()
            async with live(folder, paint, options=options, stored=1, clock=self.clock_at(*minute)) as room:
                await room.done((await room.start(type="auto"))["id"])
            assert (len(paint.asked) == 0) == asleep

    async def test_a_frames_own_windows_replace_the_servers(self, tmp_path: Path) -> None:
        """`sleep_time: []` of a frame keeps it awake while the others sleep."""
        paint = painter()
        options = f"""
image_generate_threshold: 0
sleep_time: [{{{self.NIGHT}, black_image_mode: true}}]
frames:
  night: {{address: 127.0.0.2, sleep_time: []}}
  also: {{address: 127.0.0.3, sleep_time: }}
"""
        async with live(tmp_path, paint, options=options, stored=1, clock=self.clock_at(1, 0)) as room:
            async with coming_from(room, "127.0.0.2") as http:
                await taken(http, type="auto")
            assert len(paint.asked) == 1
            async with coming_from(room, "127.0.0.3") as http:
                assert _darkest(await taken(http, type="auto"))
            assert len(paint.asked) == 1


class TestTestCard:
    """The card that tells what a panel does."""

    async def test_over_the_wire_and_by_address(self, tmp_path: Path) -> None:
        """Asked for as a type and with `?test`, at the frame's size; another frame's card has another number."""
        async with live(tmp_path, options=TWO, stored=1) as room:
            cards = {}
            async with coming_from(room, "127.0.0.2") as http:
                over_the_wire = await taken(http, type="test")
            for name in ("kitchen", "hall"):
                async with room.http.get(f"/frame/{name}.jpg?test") as answer:
                    cards[name] = Image.open(io.BytesIO(await answer.read()))
            assert cards["kitchen"].size == (128, 160)
            assert cards["hall"].size == (480, 320)
            assert cards["kitchen"].tobytes() == over_the_wire.tobytes()

    async def test_it_stands_upright_on_a_turned_frame(self, tmp_path: Path) -> None:
        """The frame `hall` hangs turned: back in the owner's view red is left of blue, and below the arrow."""
        async with live(tmp_path, options=TWO) as room, room.http.get("/frame/hall.jpg?test") as answer:
            panel = Image.open(io.BytesIO(await answer.read())).convert("RGB")
        seen = panel.transpose(Image.Transpose.ROTATE_90)
        assert seen.size == (320, 480)
        reds, blues = _centre_of(seen, "red"), _centre_of(seen, "blue")
        assert reds[0] < blues[0]
        assert reds[1] == pytest.approx(blues[1], abs=8)
        assert reds[1] > 200


class TestSeen:
    """What is known of frames that ask."""

    @pytest.mark.usefixtures("at_leisure")  # it hears no "pending", and so asks twice
    async def test_a_frame_without_a_name_is_seen(self, tmp_path: Path) -> None:
        """Address, requests, pictures; after a restart too."""
        async with live(tmp_path, stored=1) as room:
            await taken(room.http, type="old")
            line = (await listed(room))["127.0.0.1"]
            assert (line["named"], line["requests"], line["fetched"], line["aborted"]) == (False, 2, 1, 0)
            assert line["late"] is False
        async with live(tmp_path) as room:
            assert (await listed(room))["127.0.0.1"]["fetched"] == 1

    async def test_a_named_frame_that_never_asked_is_listed(self, tmp_path: Path) -> None:
        """The owner sees that it is missing, on the page too."""
        async with live(tmp_path, options=TWO, stored=1) as room:
            assert (await listed(room))["kitchen"]["last_seen"] is None
            async with room.http.get("/house") as answer:
                assert "<dd>never</dd>" in await answer.text()

    async def test_a_download_that_is_broken_off(self, tmp_path: Path) -> None:
        """It counts as aborted and not as a picture."""
        async with live(tmp_path, options=large_noise(tmp_path)) as room:
            operation = (await room.start(type="old"))["id"]
            assert len(str(await room.done(operation))) > 4_500_000
            await break_off(room.port, f"/operation/result/{operation}")
            while (line := (await listed(room))["127.0.0.1"])["aborted"] == 0:
                pass  # every question lets the server go on
            assert (line["fetched"], line["aborted"]) == (1, 1)

    async def test_late_after_three_of_its_intervals(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        """A frame with a rhythm is late after three beats, told once, and back when it asks again."""
        async with live(tmp_path, stored=1) as room:
            clock = FakeClock()
            seen = Sightings(journal=room.app[keys.JOURNAL], clock=clock)
            for _ in range(5):
                seen.saw("kitchen", "10.0.0.1")
                seen.visited("kitchen")
                clock.set(clock.now() + 600)
            known = seen.of("kitchen")
            assert known is not None
            assert usual_interval(known) == 600
            clock.set(clock.now() + 1100)  # 1700 s since it was seen
            await seen.look_over()
            assert "is late" not in caplog.text
            clock.set(clock.now() + 200)
            await seen.look_over()
            await seen.look_over()
            assert caplog.text.count("frame kitchen is late: it usually comes every 10 min") == 1
            seen.saw("kitchen", "10.0.0.1")
            with caplog.at_level("INFO"):
                await seen.look_over()
            assert "frame kitchen is back" in caplog.text

    async def test_a_press_of_the_button_is_no_rhythm(self, tmp_path: Path) -> None:
        """Visits within a minute are one; and while no server ran, nobody could be seen."""
        async with live(tmp_path, stored=1) as room:
            clock = FakeClock()
            seen = Sightings(journal=room.app[keys.JOURNAL], clock=clock)
            for _ in range(6):
                seen.saw("kitchen", "10.0.0.1")
                seen.visited("kitchen")
                clock.set(clock.now() + 5)
            known = seen.of("kitchen")
            assert known is not None
            assert usual_interval(known) is None
            for _ in range(5):
                clock.set(clock.now() + 600)
                seen.saw("kitchen", "10.0.0.1")
                seen.visited("kitchen")
            seen.write()
            clock.set(clock.now() + 50_000)
            later = Sightings(journal=room.app[keys.JOURNAL], clock=clock)
            await later.open()
            known = later.of("kitchen")
            assert known is not None
            assert not later.is_late(known)
            clock.set(clock.now() + 1900)
            assert later.is_late(known)

    async def test_two_frames_behind_one_address_are_suspected(self, tmp_path: Path) -> None:
        """Two that ask in turns, each for its own operation, are told from one that only forgets."""
        async with live(tmp_path, stored=2) as room:
            for _ in range(3):
                await taken(room.http, type="old")
            assert (await listed(room))["127.0.0.1"]["shared"] is False
            for _ in range(3):
                one, other = (await room.start(type="old"))["id"], (await room.start(type="old"))["id"]
                await room.result(one)
                await room.result(other)
            assert (await listed(room))["127.0.0.1"]["shared"] is True


def _png() -> bytes:
    out = io.BytesIO()
    Image.effect_noise((100, 100), 50).save(out, "PNG")
    return out.getvalue()


def _darkest(picture: Image.Image) -> bool:
    """Whether the panel shows its darkest level everywhere: steps begin at 8 of 256, for green at 4."""
    red, green, blue = (top for _, top in picture.convert("RGB").getextrema())  # type: ignore[misc]
    return max(red, blue) < 8 and green < 4


def _nearest(pixel: object) -> str:
    """The name of the colour that a pixel of a JPEG stands for."""
    names = {"red": (255, 0, 0), "lime": (0, 255, 0), "blue": (0, 0, 255), "white": (255, 255, 255)}
    assert isinstance(pixel, tuple)
    return min(names, key=lambda name: sum((a - b) ** 2 for a, b in zip(names[name], pixel, strict=True)))


def _centre_of(picture: Image.Image, colour: str) -> tuple[float, float]:
    """The middle of everything that has about this colour."""
    pixels = picture.load()
    assert pixels is not None
    wanted = ImageColor.getrgb(colour)
    places = [
        (x, y)
        for x in range(picture.width)
        for y in range(picture.height)
        if max(abs(a - b) for a, b in zip(pixels[x, y], wanted, strict=False)) < 60  # type: ignore[arg-type]
    ]
    return sum(x for x, _ in places) / len(places), sum(y for _, y in places) / len(places)
