"""From the store to the panel: what leaves the server is made for the frame that asks."""

from __future__ import annotations

import asyncio
import base64
import io
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from live import OWNER, Live, live
from PIL import Image
from program import program, run

from imageserver.cli import main
from imageserver.panel import accepted, proof
from imageserver.panel.best import best
from imageserver.web import keys


def dusk(size: tuple[int, int] = (640, 960)) -> Image.Image:
    """A sky without a cloud: what bands worst."""
    down = np.linspace(0, 1, size[1])[:, None, None]
    across = np.linspace(0.9, 1.1, size[0])[None, :, None]
    colours = np.array([30, 40, 90]) * (1 - down) + np.array([220, 130, 80]) * down
    return Image.fromarray(np.clip(colours * across, 0, 255).astype(np.uint8))


def store(folder: Path, picture: Image.Image, name: str = "dusk.png") -> None:
    (folder / "images").mkdir(exist_ok=True)
    picture.save(folder / "images" / name)


async def taken(room: Live, **headers: str) -> bytes:
    """The JPEG that a frame gets of the stored picture."""
    async with room.http.post("/operation/start", json={"type": "old"}, headers=headers) as answer:
        operation = (await answer.json())["id"]
    return await again(room, operation, **headers)


async def again(room: Live, operation: str, **headers: str) -> bytes:
    """The JPEG of an operation that was begun before."""
    while True:
        async with room.http.get(f"/operation/result/{operation}", headers=headers) as answer:
            said: dict[str, Any] = await answer.json()
        if said["status"] == "done":
            return base64.b64decode(said["response"]["image"])


async def test_what_a_frame_gets_is_made_for_its_panel(tmp_path: Path) -> None:
    """The decoder takes it, it is within the budget, and no band is left for an eye to see."""
    store(tmp_path, dusk())
    async with live(tmp_path) as room:
        jpeg = await taken(room)
    assert accepted.inspect(jpeg).size <= 120_000
    canvas = dusk().resize((320, 480), Image.Resampling.LANCZOS)
    near = proof.nearness(canvas, jpeg)
    ordinary = io.BytesIO()
    canvas.save(ordinary, "JPEG", quality=90)
    assert near.eye > 58
    assert proof.nearness(canvas, ordinary.getvalue()).eye < 45


async def test_a_tablet_gets_an_ordinary_picture(tmp_path: Path) -> None:
    """`panel: jpeg-8bit` of one frame: its colours are as they were, not shifted for a decoder that it has not."""
    store(tmp_path, Image.new("RGB", (600, 800), (200, 100, 40)))
    options = (
        "frames: {tablet: {panel: jpeg-8bit, image_width: 300, image_height: 400}, small: {panel: tft-128x160-565}}"
    )
    async with live(tmp_path, options=options) as room:
        tablet = Image.open(io.BytesIO(await taken(room, **{"X-Frame": "tablet"})))
        small = Image.open(io.BytesIO(await taken(room, **{"X-Frame": "small"})))
    assert tablet.size == (300, 400)
    assert tablet.getpixel((150, 200)) == pytest.approx((200, 100, 40), abs=2)
    assert small.size == (128, 160), "a panel brings its size"


async def test_the_best_is_made_in_the_background(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `render: best` the first answer is what can be made at once; the same id gives the best once it is there."""
    store(tmp_path, dusk((128, 160)))
    is_asked = threading.Event()

    def after_the_question(*arguments: Any) -> bytes:
        is_asked.wait(60)  # the best takes a tenth of a second, in which a busy machine has not yet answered
        return best(*arguments)

    monkeypatch.setattr("imageserver.panel.encoder.best", after_the_question)
    async with live(tmp_path, options="panel: tft-128x160-565\nrender: best") as room:
        operation = (await room.start(type="old"))["id"]
        first = await again(room, operation)
        is_asked.set()
        renditions = room.app[keys.STORE].renditions
        await asyncio.gather(*renditions._making.values())
        second = await again(room, operation)
        assert await again(room, operation) == second
    canvas = dusk((128, 160))
    assert proof.nearness(canvas, second).eye > proof.nearness(canvas, first).eye
    async with live(tmp_path, options="panel: tft-128x160-565\nrender: best") as room:
        assert await taken(room) == second, "found on the disk after a restart"


async def test_a_stop_does_not_wait_for_the_best(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was begun comes to its end; what only waits its turn is made another time."""
    for number in range(30):
        store(tmp_path, dusk((128, 161 + number)), f"{number}.png")
    async with live(tmp_path, options="panel: tft-128x160-565\nrender: best") as room:
        leisure = room.app[keys.STORE].renditions._leisure

        def at_the_stop(*arguments: Any) -> bytes:
            while not leisure._shutdown:  # or all of them might be made while a busy machine gives out the quick ones
                time.sleep(0.01)
            return best(*arguments)

        monkeypatch.setattr("imageserver.panel.encoder.best", at_the_stop)
        for _ in range(30):
            await taken(room)
    made = [path for path in (room.data / "renditions").rglob("*.jpg") if "-best-" in path.parent.parent.name]
    assert 0 < len(made) < 30


async def test_a_best_that_cannot_be_made_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The quick one stays, the log says so once, and it is not begun again with every request."""
    begun = []

    def fail(*_arguments: object) -> bytes:
        begun.append(1)
        raise MemoryError("no room")

    monkeypatch.setattr("imageserver.panel.encoder.best", fail)
    store(tmp_path, dusk((128, 160)))
    async with live(tmp_path, options="panel: tft-128x160-565\nrender: best") as room:
        first = await taken(room)
        await asyncio.gather(*room.app[keys.STORE].renditions._making.values(), return_exceptions=True)
        assert [await taken(room) for _ in range(3)] == [first] * 3
    assert len(begun) == 1
    assert caplog.text.count("cannot be made; the quick one stays") == 1


async def test_renditions_of_an_older_pipeline_are_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to ask for it; the old ones go when folders are counted."""
    store(tmp_path, dusk())
    monkeypatch.setattr("imageserver.target.PIPELINE", 1)
    async with live(tmp_path) as room:
        await taken(room)
        (old,) = (room.data / "renditions").rglob("*.jpg")
    dusk((320, 480)).save(old, "JPEG")
    monkeypatch.undo()
    async with live(tmp_path) as room:
        assert await taken(room) != old.read_bytes()
        await room.app[keys.STORE].renditions.keep_only(room.app[keys.FRAMES].targets())
        assert not old.exists()
        assert len(list((room.data / "renditions").rglob("*.jpg"))) == 1


async def test_the_owners_focal_point_counts(tmp_path: Path) -> None:
    """A crop keeps the spot that the owner names, by number or by path, until it is taken back."""
    wide = Image.new("RGB", (1200, 480), "black")
    wide.paste("red", (0, 0, 200, 480))
    wide.paste("blue", (1000, 0, 1200, 480))
    store(tmp_path, wide, "wide picture.png")
    async with live(tmp_path, options="fit_mode: crop") as room:
        seen = []
        for picture, at in (("1", "0.02,0.5"), ("wide picture.png", "0.98,0.5"), ("1", "none")):
            said = await focus(room, picture=picture, at=at)
            assert said[0] == 200
            assert said[1]["picture"] == 1
            jpeg = Image.open(io.BytesIO(await taken(room))).convert("RGB")
            red, _, blue = (channel.getextrema()[1] for channel in jpeg.split())
            seen.append((red > 128, blue > 128))  # type: ignore[operator]
        assert seen == [(True, False), (False, True), (False, False)]
        assert len(list((room.data / "renditions").rglob("*.jpg"))) == 1, "those of other crops are gone"
        for wrong, status in (({"picture": "2", "at": "none"}, 404), ({"picture": "1", "at": "0.5"}, 400)):
            assert (await focus(room, **wrong))[0] == status


async def focus(room: Live, **query: str) -> tuple[int, dict[str, Any]]:
    """POST /api/v1/pictures/focus as the owner."""
    async with room.http.post("/api/v1/pictures/focus", params=query, headers=OWNER) as answer:
        return answer.status, await answer.json()


async def test_a_budget_that_nothing_fits_in(tmp_path: Path) -> None:
    """The frame gets the smallest picture that there is, and not none."""
    store(tmp_path, Image.effect_noise((640, 960), 120).convert("RGB"))
    async with live(tmp_path, options="max_bytes: 4000") as room:
        jpeg = await taken(room)
    assert Image.open(io.BytesIO(jpeg)).size == (320, 480)
    accepted.inspect(jpeg)


class TestCommands:
    """`imageserver render` and `imageserver panel`."""

    def test_a_sheet_and_what_the_panel_shows(self, tmp_path: Path) -> None:
        """The figures are told, the sheet has four parts for each file, the panel's PNG has its levels only."""
        dusk().save(tmp_path / "dusk.png")
        sheet, jpeg, png = tmp_path / "sheet.png", tmp_path / "dusk.jpg", tmp_path / "panel.png"
        files = [str(tmp_path / "dusk.png")] * 2
        done = CliRunner().invoke(main, ["render", *files, "--sheet", str(sheet), "--save-jpeg", str(jpeg)])
        assert done.exit_code == 0, done.output
        assert done.output.count("320x480") == 2
        assert "eye" in done.output
        with Image.open(sheet) as drawn:
            assert drawn.size == (4 * 320 + 30, 2 * (480 + 24))
        done = CliRunner().invoke(main, ["panel", str(jpeg), "--save", str(png)])
        assert done.exit_code == 0, done.output
        with Image.open(png) as drawn:
            shown = np.asarray(drawn)
        assert shown.shape == (480, 320, 3)
        for channel, levels in enumerate((32, 64, 32)):
            assert len(np.unique(shown[..., channel])) <= levels

    def test_what_cannot_be_drawn_is_told(self, tmp_path: Path) -> None:
        """A progressive JPEG, and a file that is no picture."""
        dusk((64, 64)).save(tmp_path / "progressive.jpg", progressive=True)
        (tmp_path / "text.png").write_text("no picture")
        done = CliRunner().invoke(main, ["panel", str(tmp_path / "progressive.jpg"), "--save", str(tmp_path / "x.png")])
        assert done.exit_code == 1
        assert "refuses it" in done.output
        assert not (tmp_path / "x.png").exists()
        done = CliRunner().invoke(main, ["render", str(tmp_path / "text.png"), str(tmp_path / "progressive.jpg")])
        assert done.exit_code == 1
        assert "no JPEG, PNG or WEBP picture" in done.output
        assert "64" not in done.output.partition("progressive.jpg")[0]

    @pytest.mark.parametrize("text", ["0.5", "a,b", "0.5,1.5"])
    def test_a_focus_that_is_no_point(self, tmp_path: Path, text: str) -> None:
        """It says how one is written."""
        dusk((64, 64)).save(tmp_path / "dusk.png")
        done = CliRunner().invoke(main, ["render", str(tmp_path / "dusk.png"), "--focus", text])
        assert done.exit_code == 2
        assert "share" in done.output


async def test_the_page_shows_what_the_panel_shows(tmp_path: Path) -> None:
    """/current.png has the panel's levels only, comes from memory the second time, and is the JPEG for a tablet."""
    store(tmp_path, dusk())
    async with live(tmp_path) as room:
        async with room.http.get("/current.png") as answer:
            assert answer.status == 404
        jpeg = await taken(room)
        async with room.http.get("/current.png") as answer:
            assert answer.content_type == "image/png"
            assert Image.open(io.BytesIO(await answer.read())).tobytes() == proof.drawn(jpeg).tobytes()
        async with room.http.get("/current.png", headers={"If-None-Match": answer.headers["ETag"]}) as answer:
            assert answer.status == 304
    async with live(tmp_path, options="panel: jpeg-8bit") as room:
        await taken(room)
        async with room.http.get("/current.png") as answer:
            assert answer.content_type == "image/jpeg"


async def test_the_command_beside_the_real_program(tmp_path: Path) -> None:
    """`imageserver focus` finds the server, says what it did, and refuses with a sentence."""
    (tmp_path / "data").mkdir()
    store(tmp_path, dusk((128, 160)))
    async with program(tmp_path / "data"):
        code, out, _ = await run("focus", "dusk.png", "0.3,0.6", "--data", str(tmp_path / "data"))
        assert (code, out.strip()) == (0, "picture 1: 0.3,0.6 is kept")
        code, _, err = await run("focus", "cat.png", "none", "--data", str(tmp_path / "data"))
        assert code == 2
        assert "there is no picture cat.png" in err
