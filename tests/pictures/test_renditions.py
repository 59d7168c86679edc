"""Renditions: what is there already waits for nobody who is being made."""

from __future__ import annotations

import asyncio
import io
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from attrs import evolve
from PIL import Image

from imageserver.errors import RenditionsBusy
from imageserver.pictures.rendition import Drawing
from imageserver.pictures.renditions import Renditions
from imageserver.target import Target

SMALL = Target(width=32, height=48)


def original() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 96), "teal").save(out, "PNG")
    return out.getvalue()


async def test_what_lies_on_the_disk_does_not_queue_behind_what_is_made(tmp_path: Path) -> None:
    """With every renderer busy, a rendition that was made before is given at once; a new one waits its turn."""
    with ThreadPoolExecutor(1) as renderer, ThreadPoolExecutor(1) as disk:
        before = Renditions(tmp_path, renderer, disk)
        made = await before.get("1-a-b", SMALL, original)
        await before.close()
        go_on = threading.Event()
        renderer.submit(go_on.wait, 60)
        after = Renditions(tmp_path, renderer, disk)
        try:
            found = await asyncio.wait_for(after.get("1-a-b", SMALL, original), 30)
            assert await found.jpeg() == await made.jpeg()
            new = asyncio.ensure_future(after.get("2-a-b", SMALL, original))
            assert (await after.get("1-a-b", SMALL, original)).key == found.key
            assert not new.done()
        finally:
            go_on.set()
        assert await (await new).jpeg() == await made.jpeg()
        await after.close()


async def test_a_long_line_is_known_and_ends(tmp_path: Path) -> None:
    """Behind some others nobody should wait; behind very many nothing more is begun, but who is in line stays there."""
    with ThreadPoolExecutor(1) as renderer, ThreadPoolExecutor(1) as disk:
        renditions = Renditions(tmp_path, renderer, disk)
        go_on = threading.Event()
        renderer.submit(go_on.wait, 60)
        try:
            assert not renditions.is_crowded
            line = [asyncio.ensure_future(renditions.get(f"{number}-a-b", SMALL, original)) for number in range(256)]
            while renditions._in_line < 256:  # noqa: ASYNC110 - nobody tells of it, and nothing else is waited for
                await asyncio.sleep(0)
            assert renditions.is_crowded
            with pytest.raises(RenditionsBusy):
                await renditions.get("300-a-b", SMALL, original)
            again = asyncio.ensure_future(renditions.get("255-a-b", SMALL, original))
        finally:
            go_on.set()
        await asyncio.gather(*line, again)
        assert not renditions.is_crowded
        await renditions.get("300-a-b", SMALL, original)
        await renditions.close()


def files(folder: Path) -> list[str]:
    """The names of all renditions."""
    return sorted(path.name for path in folder.rglob("*.jpg"))


async def test_only_the_newest_drawing_is_kept(tmp_path: Path) -> None:
    """A new drawing takes the place of the last one on the same picture; plain renditions and other pictures stay."""
    with ThreadPoolExecutor(1) as executor:
        renditions = Renditions(tmp_path, executor)
        for name in ("1-a-b", "1-a-b-500500", "11-a-b"):
            await renditions.get(name, SMALL, original)
            for day in ("monday", "tuesday"):
                await renditions.get(name, SMALL, original, Drawing(key=day, draw=lambda image: (image, True)))
        assert files(tmp_path) == [
            "1-a-b-500500.jpg",
            "1-a-b-500500.tuesday.jpg",
            "1-a-b.jpg",
            "1-a-b.tuesday.jpg",
            "11-a-b.jpg",
            "11-a-b.tuesday.jpg",
        ]
        await renditions.close()


async def test_what_is_forgotten_is_gone_from_memory_and_disk(tmp_path: Path) -> None:
    """All renditions of the named originals go, of every size and drawing; those of their neighbours stay."""
    with ThreadPoolExecutor(1) as executor:
        renditions = Renditions(tmp_path, executor)
        names = ["1-a-b", "11-a-b", "111-a-b", "1111-a-b"]
        for name in names:
            for target in (SMALL, evolve(SMALL, quality=50)):
                await renditions.get(name, target, original)
                await renditions.get(name, target, original, Drawing(key="day", draw=lambda image: (image, True)))
        await renditions.forget("1-a-b", "111-a-b", "1111-a-b", "never-there")
        assert files(tmp_path) == ["11-a-b.day.jpg", "11-a-b.day.jpg", "11-a-b.jpg", "11-a-b.jpg"]
        asked: list[str] = []

        def asking(name: str) -> bytes:
            asked.append(name)
            return original()

        for name in names:
            await renditions.get(name, SMALL, partial(asking, name))
        assert asked == ["1-a-b", "111-a-b", "1111-a-b"]
        await renditions.close()
