"""A file that is opened for somebody who is cancelled is closed all the same."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import pytest
from attrs import define, field

from imageserver.pictures.open_files import opened
from imageserver.pictures.rendition import Rendition


@define
class Busy:
    """The only thread that opens files, which does nothing else until it is let go on."""

    thread: ThreadPoolExecutor
    _go: threading.Event = field(factory=threading.Event)

    def hold_up(self) -> None:
        self._go.clear()
        self.thread.submit(self._go.wait)

    def go_on(self) -> None:
        self._go.set()


@pytest.fixture
def busy() -> Iterator[Busy]:
    with ThreadPoolExecutor(1) as thread:
        one = Busy(thread)
        yield one
        one.go_on()


def open_of(folder: Path) -> list[Path]:
    """The files below it that this process has open."""
    found = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # the one that lists the folder is closed by now
            found.append(descriptor.readlink())
    return [path for path in found if path.is_relative_to(folder)]


async def cancelled(task: asyncio.Task[None], busy: Busy, times: int) -> None:
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    busy.go_on()
    with pytest.raises(asyncio.CancelledError):
        await task


def on_disk(folder: Path) -> Rendition:
    (folder / "rendition.jpg").write_bytes(bytes(500_000))
    return Rendition(key="k", size=500_000, path=folder / "rendition.jpg")


async def take(rendition: Rendition, first: asyncio.Event) -> None:
    blocks = rendition.base64_blocks(1024)
    try:
        async for _ in blocks:
            first.set()
    finally:
        await blocks.aclose()


@pytest.mark.parametrize("times", [1, 2])
async def test_who_is_cancelled_while_a_rendition_is_opened(tmp_path: Path, busy: Busy, times: int) -> None:
    """The thread has not come to it yet; a second cancellation changes nothing."""
    asyncio.get_running_loop().set_default_executor(busy.thread)
    busy.hold_up()
    task = asyncio.create_task(take(on_disk(tmp_path), asyncio.Event()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await cancelled(task, busy, times)
    assert open_of(tmp_path) == []


@pytest.mark.parametrize("times", [1, 2])
async def test_who_is_cancelled_while_a_thread_opens_it(tmp_path: Path, busy: Busy, times: int) -> None:
    """The thread is at it and cannot be called back: what it brings is closed."""
    path = tmp_path / "slow"
    path.touch()
    reached, go = threading.Event(), threading.Event()

    def slow() -> BinaryIO:
        reached.set()
        go.wait()
        return path.open("rb")

    async def read() -> None:
        run = asyncio.get_running_loop().run_in_executor
        async with opened(run(busy.thread, slow), lambda file: run(busy.thread, file.close)):
            pytest.fail("it was cancelled before")

    task = asyncio.create_task(read())
    await asyncio.to_thread(reached.wait)
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert not task.done()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert open_of(tmp_path) == []


@pytest.mark.parametrize("times", [1, 2])
async def test_who_is_cancelled_in_the_middle_of_a_rendition(tmp_path: Path, busy: Busy, times: int) -> None:
    """Once in a read, and once more while the file is being closed."""
    asyncio.get_running_loop().set_default_executor(busy.thread)
    first = asyncio.Event()
    task = asyncio.create_task(take(on_disk(tmp_path), first))
    await first.wait()
    assert open_of(tmp_path) == [tmp_path / "rendition.jpg"]
    busy.hold_up()
    await cancelled(task, busy, times)
    assert open_of(tmp_path) == []


async def test_what_cannot_be_opened_is_told() -> None:
    """Nothing is closed, and the error is the one that came."""
    closed = []

    async def fails() -> str:
        raise FileNotFoundError

    async def close(file: str) -> None:
        closed.append(file)

    with pytest.raises(FileNotFoundError):
        async with opened(fails(), close):
            pass
    assert closed == []


async def test_what_goes_wrong_at_the_end_is_told() -> None:
    """A file whose last bytes did not fit says so when it is closed."""

    async def name() -> str:
        return "file"

    async def close(_file: str) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        async with opened(name(), close):
            pass


async def test_what_the_block_raised_is_told(busy: Busy) -> None:
    """A close that fails too hides neither an error nor a cancellation."""

    async def name() -> str:
        return "file"

    async def close(_file: str) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(ValueError, match="mine"):
        async with opened(name(), close):
            raise ValueError("mine")

    async def waits(first: asyncio.Event) -> None:
        async with opened(name(), close):
            first.set()
            await asyncio.Event().wait()

    first = asyncio.Event()
    task = asyncio.create_task(waits(first))
    await first.wait()
    await cancelled(task, busy, 1)
