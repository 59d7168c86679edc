"""What pages are made of is read once, in a thread, when somebody looks."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
from live import live

from imageserver.web.page_files import PAGE_FILES, PageFiles


async def test_it_is_read_once_and_elsewhere() -> None:
    """Ten who come at once wait for one reading, and that is not on the loop's thread."""
    threads: list[int] = []
    files = PageFiles(lambda: threads.append(threading.get_ident()))
    await asyncio.gather(*(files.ready() for _ in range(10)))
    await files.ready()
    assert len(threads) == 1
    assert threads[0] != threading.get_ident()
    await files.close()


async def test_what_goes_wrong_is_tried_again() -> None:
    """A file that cannot be read now spoils this page and not the next one."""
    problems = [OSError("too many open files")]

    def load() -> None:
        if problems:
            raise problems.pop()

    files = PageFiles(load)
    with pytest.raises(OSError, match="too many open files"):
        await files.ready()
    await files.ready()
    await files.close()


async def test_one_who_leaves_spoils_it_for_nobody() -> None:
    """Whoever waits beside somebody who gives up gets the page."""
    gate = threading.Event()
    files = PageFiles(gate.wait)  # type: ignore[arg-type]  # what it gives is nobody's business
    gone, stays = asyncio.ensure_future(files.ready()), asyncio.ensure_future(files.ready())
    await asyncio.sleep(0)
    gone.cancel()
    gate.set()
    await stays
    assert gone.cancelled() or gone.done()
    await files.close()


async def test_frames_never_wait_for_it(tmp_path: Path) -> None:
    """A frame is served by a server whose pages nobody has looked at, and nothing was read for it."""
    async with live(tmp_path, stored=1) as room:
        read: list[str] = []
        room.app[PAGE_FILES]._load = lambda: read.append("pages")
        await room.done((await room.start(type="old"))["id"])
        async with room.http.get("/frame.jpg") as answer:
            assert answer.status == 200
        async with room.http.get("/healthz") as answer:
            assert answer.status == 200
        assert read == []
        async with room.http.get("/frames") as answer:  # for people: the control
            assert answer.status == 200
        assert read == ["pages"]
