"""The stock test frame against the whole server: in plain, over TLS, and over TLS with the records that it asks for."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from fakes.certificate import needs_openssl
from frame_client.fakes import FakeClock
from live import live, painter, picture_bytes
from patient import LONGEST
from PIL import Image
from program import program
from short_records import short_records

from imageserver.certificates import make_certificate
from imageserver.frame_client.conversation import run
from imageserver.frame_client.options import FrameOptions
from imageserver.frame_client.wire import Limits

QUIET = "disabled_providers: [atelier]\nimage_generate_threshold: 0\n"


async def drawn(port: int, screen: Path, **more: Any) -> tuple[int, str]:
    """The test frame's code and what it said; its clock lets every pause pass at once.

    So it may ask very often before a busy machine has the picture, and an openssl has begun to speak for it.
    """
    lines: list[str] = []
    limits = Limits(first_byte=LONGEST, pause=LONGEST, connect=LONGEST, handshake=LONGEST)
    options = FrameOptions(host="127.0.0.1", port=port, stock=True, save=screen, timeout=3600.0, limits=limits, **more)
    return await run(options, lines.append, clock=FakeClock()), "\n".join(lines)


def shows_teal_over_black(screen: Path, size: tuple[int, int]) -> bool:
    """What the tests' painter paints, at the panel's size."""
    with Image.open(screen) as picture:
        assert picture.size == size
        above, below = (picture.getpixel((size[0] // 2, size[1] * part // 8)) for part in (1, 7))
    assert isinstance(above, tuple)
    assert isinstance(below, tuple)
    return above[0] < 30 and above[1] > 100 and above[2] > 100 and max(below) < 30


@pytest.mark.parametrize("size", [(320, 480), (128, 160)])
async def test_both_panels_draw(tmp_path: Path, size: tuple[int, int]) -> None:
    """640x960 and 256x320, painted for this frame, read and halved as the firmware does it."""
    paint = painter()
    async with live(tmp_path, paint, options=QUIET) as server:
        code, said = await drawn(server.port, tmp_path / "screen.png", size=size, prompt="цапля", style="MONET")
    assert code == 0, said
    assert "note:" not in said
    assert f"picture: {2 * size[0]}x{2 * size[1]}, baseline" in said
    assert shows_teal_over_black(tmp_path / "screen.png", size)
    (asked,) = (request for request in paint.asked if request.prompt == "цапля, in the style of Claude Monet")
    assert (asked.width, asked.height) == (2 * size[0], 2 * size[1])


async def test_a_named_frame_draws_at_the_size_that_the_server_has(tmp_path: Path) -> None:
    """`--as`: the panel's size comes from the server, and the pictures count for that frame."""
    options = QUIET + "frames: {wall: {image_width: 128, image_height: 160}}"
    async with live(tmp_path, options=options, stored=1) as server:
        code, said = await drawn(server.port, tmp_path / "screen.png", name="wall")
        async with server.http.get("/frames") as answer:
            (line,) = json.loads(await answer.read())["frames"]
    assert code == 0, said
    assert "picture: 256x320" in said
    assert (line["frame"], line["fetched"]) == ("wall", 1)


@needs_openssl
async def test_over_tls_with_records_of_512_bytes(tmp_path: Path) -> None:
    """The real program on its one port: in plain, over TLS, and through a client that asks for short records."""
    data, images = tmp_path / "data", tmp_path / "images"
    for folder in (data, images):
        folder.mkdir()
    (data / "options.yml").write_text("disabled_providers: [atelier]\n", encoding="utf-8")
    (images / "one.jpg").write_bytes(picture_bytes())
    make_certificate(
        tmp_path / "certs", names=["localhost"], addresses=[ip_address("127.0.0.1")], now=datetime.now(UTC)
    )
    async with program(data) as server, short_records(server.port) as (port, records):
        for size in ((320, 480), (128, 160)):
            for door, tls in ((server.port, False), (server.port, True), (port, False)):
                code, said = await drawn(door, tmp_path / "screen.png", size=size, tls=tls)
                assert code == 0, said
                assert shows_teal_over_black(tmp_path / "screen.png", size)
    assert max(records) <= 512
    assert sum(records) > 8_000
