"""The sheet: what was sent and what the panel shows, side by side."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageChops

from imageserver.frame_client.conversation import run
from imageserver.frame_client.half import HalfPanel
from imageserver.frame_client.options import FrameOptions
from imageserver.frame_client.panel import Panel
from imageserver.frame_client.sheet import _quality, sheet

from .fakes import PATIENT, FakeClock, drawn, jpeg_of, plain, result_json, serve_bytes, started_json

MARGIN = 16


def test_both_pictures_are_on_it() -> None:
    """The picture on the left, the screen on the right, captions below, and nothing over anything."""
    jpeg, panel = jpeg_of(drawn()), Panel()
    made = sheet(jpeg, panel.draw(jpeg), panel.screen)
    assert made.size == (2 * 320 + 3 * MARGIN, 480 + 3 * 20 + 2 * MARGIN)
    left = made.crop((MARGIN, MARGIN, MARGIN + 320, MARGIN + 480))
    right = made.crop((2 * MARGIN + 320, MARGIN, 2 * MARGIN + 640, MARGIN + 480))
    assert right.tobytes() == panel.screen.tobytes()
    assert left.tobytes() != right.tobytes()
    mean = ImageChops.difference(left, right).convert("L").resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    assert isinstance(mean, int)
    assert mean < 12
    for column in (0, 1):
        start = MARGIN + column * (320 + MARGIN)
        words = made.crop((start, MARGIN + 480, start + 320, made.height)).convert("L")
        assert words.getextrema() == (0, 255)


def test_a_stock_frames_picture_stands_at_the_panels_size() -> None:
    """Halved for the eye, and a narrow panel leaves room for the captions."""
    jpeg, panel = jpeg_of(drawn(256, 320)), HalfPanel(128, 160)
    made = sheet(jpeg, panel.draw(jpeg), panel.screen)
    assert made.size == (2 * 240 + 3 * MARGIN, 160 + 3 * 20 + 2 * MARGIN)
    right = made.crop((2 * MARGIN + 240, MARGIN, 2 * MARGIN + 240 + 128, MARGIN + 160))
    assert right.tobytes() == panel.screen.tobytes()


@pytest.mark.parametrize("quality", [1, 37, 90, 95, 100])
def test_the_quality_is_found(tmp_path: Path, quality: int) -> None:
    """From the luma table, which each quality makes in its own way; another table has none."""
    file = tmp_path / "a.jpg"
    file.write_bytes(jpeg_of(drawn(64, 64), quality=quality))
    with Image.open(file) as picture:
        assert _quality(picture) == f"quality {quality}"
    file.write_bytes(jpeg_of(drawn(64, 64), qtables=[list(range(3, 67)), [9] * 64]))
    with Image.open(file) as picture:
        assert _quality(picture) == "tables of its own"


async def test_the_command_writes_it(tmp_path: Path) -> None:
    """--sheet: a PNG, and a line that says so."""
    lines: list[str] = []
    async with serve_bytes(plain(started_json()), plain(result_json(jpeg_of(drawn())))) as fake:
        options = FrameOptions(host="127.0.0.1", port=fake.port, sheet=tmp_path / "both.png", limits=PATIENT)
        assert await run(options, lines.append, clock=FakeClock()) == 0
    assert lines[-1] == f"saved {tmp_path / 'both.png'}: what was sent and what the panel shows"
    with Image.open(tmp_path / "both.png") as saved:
        assert (saved.format, saved.width) == ("PNG", 2 * 320 + 3 * MARGIN)
