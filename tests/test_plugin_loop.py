from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator

import pytest
from loop_time import let_hours_pass

from imageserver.plugin_loop import NoAnswer, PluginCrashed, PluginLoop, in_daemon_thread


@pytest.fixture
async def loop() -> AsyncIterator[PluginLoop]:
    loop = PluginLoop("zoo")
    yield loop
    assert await loop.stop(30)
    assert "zoo" not in [thread.name for thread in threading.enumerate()]


async def answer() -> str:
    return threading.current_thread().name


async def test_calls_run_in_a_thread_of_their_own(loop: PluginLoop) -> None:
    """Every call runs in the one thread of this loop, never in the server's."""
    assert [await loop.call(answer, 30) for _ in range(3)] == ["zoo"] * 3


async def test_a_blocked_loop_does_not_hold_the_server(loop: PluginLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code that blocks its own loop costs the caller its deadline and no more; released, it serves again."""
    release, blocked = threading.Event(), threading.Event()

    async def blocks() -> None:
        blocked.set()
        release.wait(60)

    call = asyncio.ensure_future(loop.call(blocks, 3600))
    assert await asyncio.to_thread(blocked.wait, 30)  # a call that is given up before it began blocks nothing
    let_hours_pass(monkeypatch)
    with pytest.raises(NoAnswer):
        await call
    assert not await loop.responds(0.01)
    assert not await loop.stop(0.01)
    release.set()
    assert await loop.stop(30)


async def test_a_call_past_its_deadline_is_cancelled(loop: PluginLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A coroutine that never returns is cancelled at its deadline, and the loop turns on."""
    began, ended = threading.Event(), threading.Event()

    async def never_returns() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    call = asyncio.ensure_future(loop.call(never_returns, 3600))
    assert await asyncio.to_thread(began.wait, 30)  # one that has not begun has nothing to end
    let_hours_pass(monkeypatch)
    with pytest.raises(NoAnswer):
        await call
    assert await asyncio.to_thread(ended.wait, 30)
    assert await loop.responds(30)


class Strange(Exception):
    pass


@pytest.mark.parametrize(
    ("raised", "seen"),
    [
        (Strange("x"), Strange),
        (SystemExit(3), PluginCrashed),
        (KeyboardInterrupt(), PluginCrashed),
        (GeneratorExit(), PluginCrashed),
        (asyncio.CancelledError(), PluginCrashed),
        (TimeoutError("its own"), TimeoutError),
    ],
)
async def test_whatever_is_raised_is_an_exception_for_the_caller(
    raised: BaseException, seen: type[Exception], loop: PluginLoop
) -> None:
    """An exception arrives as itself, what would end a program or the caller as PluginCrashed, and no timeout of
    the plugin's own is taken for its deadline."""

    async def raises() -> None:
        raise raised

    with pytest.raises(seen) as caught:
        await loop.call(raises, 30)
    assert not isinstance(caught.value, NoAnswer)
    assert await loop.responds(30)


async def test_an_exit_in_a_callback_does_not_end_the_loop(loop: PluginLoop) -> None:
    """sys.exit in a callback, or a plugin that stops its own loop, leaves a loop that answers."""

    async def leaves() -> None:
        asyncio.get_running_loop().call_soon(sys.exit)

    await loop.call(leaves, 30)
    assert await loop.call(answer, 30) == "zoo"

    async def stops() -> None:
        asyncio.get_running_loop().stop()

    await loop.call(stops, 30)
    assert await loop.call(answer, 30) == "zoo"


async def test_the_callers_own_cancellation_is_passed_on(loop: PluginLoop) -> None:
    """A caller that is cancelled ends at once, and so does what it called."""
    began, ended = threading.Event(), threading.Event()

    async def waits() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    call = asyncio.ensure_future(loop.call(waits, 3600))
    await asyncio.get_running_loop().run_in_executor(None, began.wait, 30)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await loop.responds(30)
    assert ended.is_set()


async def test_stop_ends_what_is_left(loop: PluginLoop) -> None:
    """What a plugin left running in the background is cancelled at the end; stopping twice is harmless."""
    ended = threading.Event()
    kept: list[asyncio.Future[None]] = []

    async def background() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def starts() -> None:
        kept.append(asyncio.ensure_future(background()))
        await asyncio.sleep(0)

    await loop.call(starts, 30)
    assert await loop.stop(30)
    assert ended.is_set()
    assert await PluginLoop("never started").stop(1)


@pytest.mark.parametrize(
    ("raised", "seen"),
    [(Strange("x"), Strange), (SystemExit(0), PluginCrashed), (StopIteration(), PluginCrashed)],
)
async def test_a_daemon_thread_tells_what_was_raised(raised: BaseException, seen: type[Exception]) -> None:
    """Blocking code of a stranger gives its result or raises, also what a future cannot carry."""

    def raises() -> None:
        raise raised

    # Not "zoo": such a thread may end a moment after its answer, and the next test counts those that are called so.
    with pytest.raises(seen):
        await in_daemon_thread("lion", raises, 30)
    assert await in_daemon_thread("lion", lambda: 5, 30) == 5


async def test_a_daemon_thread_that_hangs_is_left_behind() -> None:
    """Blocking code that hangs costs its deadline; what it gives later is nobody's."""
    release = threading.Event()
    with pytest.raises(NoAnswer):
        await in_daemon_thread("hangs", lambda: release.wait(60), 0.01)
    release.set()
    for thread in threading.enumerate():
        if thread.name == "hangs":
            await asyncio.get_running_loop().run_in_executor(None, thread.join)
