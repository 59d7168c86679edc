"""Every frame in the house at once, at the real program: sizes, ports, HTTP and TLS with a frame's short records."""

from __future__ import annotations

import asyncio
import io
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

from fakes.certificate import needs_openssl
from live import picture_bytes
from patient import patient_frame
from PIL import Image
from program import program
from short_records import short_records

from imageserver.certificates import make_certificate

STORED = 6


async def shown(port: int, count: int) -> list[tuple[tuple[int, int], int]]:
    """So many pictures as a frame gets them at a port: the size of each, and which of the stored ones it is."""
    frame = patient_frame(port)
    found = []
    for _ in range(count):
        with Image.open(io.BytesIO(await frame.picture("old"))) as picture:
            hue = picture.convert("HSV").getpixel((picture.width // 2, picture.height // 8))
            assert isinstance(hue, tuple)
            found.append((picture.size, round(hue[0] * STORED / 256) % STORED))
    return found


@needs_openssl
async def test_a_house_full_of_frames(tmp_path: Path, ports: list[int]) -> None:
    """Four frames at one address, each with its size, served from one store at the same time.

    Two have ports of their own, two share the first port: one in plain, one over TLS with records of 512 bytes.
    """
    data, images = tmp_path / "data", tmp_path / "images"
    for folder in (data, images):
        folder.mkdir()
    kitchen, hall = ports
    (data / "options.yml").write_text(
        f"""
disabled_providers: [atelier]
frames:
  kitchen: {{port: {kitchen}, panel: tft-128x160-565}}
  hall: {{port: {hall}, image_width: 480, image_height: 320, rotate: 90}}
""",
        encoding="utf-8",
    )
    for number in range(STORED):
        (images / f"{number}.jpg").write_bytes(picture_bytes(f"hsl({number * 360 // STORED}, 100%, 50%)"))
    make_certificate(
        tmp_path / "certs", names=["localhost"], addresses=[ip_address("127.0.0.1")], now=datetime.now(UTC)
    )
    async with program(data) as server, short_records(server.port) as (encrypted, records):
        in_kitchen, in_hall, plain, tls = await asyncio.gather(
            shown(kitchen, STORED), shown(hall, STORED), shown(server.port, 3), shown(encrypted, 3)
        )
    assert {size for size, _ in in_kitchen} == {(128, 160)}
    assert {size for size, _ in in_hall} == {(480, 320)}
    assert {size for size, _ in plain + tls} == {(320, 480)}
    assert sorted(which for _, which in in_kitchen) == list(range(STORED)), "everything once"
    assert len({which for _, which in plain + tls}) == STORED, "two at one address and port are one frame to the server"
    assert 0 < max(records) <= 512
