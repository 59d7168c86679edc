"""An event loop in a daemon thread of its own, for code of strangers: what blocks there holds nobody else up."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_log = logging.getLogger(__name__)


class PluginCrashed(Exception):
    """A plugin raised something that would have ended a program, such as SystemExit, or cut its own call off."""


class NoAnswer(TimeoutError):
    """A plugin did not answer within its deadline. A plain TimeoutError is one that its own code raised."""


class PluginLoop:
    """Started by the first call; ends with `stop`, or with the process when its code hangs."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._ends = False

    async def call(self, coroutine: Callable[[], Coroutine[Any, Any, T]], deadline: float) -> T:
        """Run `coroutine()` on the plugin's loop. Raises NoAnswer after `deadline` seconds, whatever it does.

        Raises what the coroutine raises, PluginCrashed for what is no Exception and after `stop`.
        """
        if self._ends:
            raise PluginCrashed("it was ended")
        future = asyncio.run_coroutine_threadsafe(_contained(coroutine), self._start())
        answer = asyncio.wrap_future(future)
        try:
            await asyncio.wait({answer}, timeout=deadline)
            if not answer.done():
                raise NoAnswer(f"{self._name} gave no answer within {deadline:g} s")
            if answer.cancelled():  # by the plugin's own code; passed on, it would end whoever called
                raise PluginCrashed("it cancelled its own call")
            error = answer.exception()
            if error is not None and not isinstance(error, Exception):
                raise PluginCrashed(f"{type(error).__name__}: {error}") from error
            return answer.result()
        finally:
            answer.cancel()

    def call_from_thread(self, coroutine: Callable[[], Coroutine[Any, Any, T]], deadline: float) -> T:
        """As `call`, for a thread that may wait: one without an event loop."""
        if self._ends:
            raise PluginCrashed("it was ended")
        future = asyncio.run_coroutine_threadsafe(_contained(coroutine), self._start())
        done, _ = concurrent.futures.wait({future}, timeout=deadline)
        if not done:
            future.cancel()
            raise NoAnswer(f"{self._name} gave no answer within {deadline:g} s")
        if future.cancelled():
            raise PluginCrashed("it cancelled its own call")
        error = future.exception()
        if error is not None and not isinstance(error, Exception):
            raise PluginCrashed(f"{type(error).__name__}: {error}") from error
        return future.result()

    async def responds(self, within: float) -> bool:
        """Whether the loop still turns."""
        if self._loop is None:
            return True
        try:
            await self.call(_nothing, within)
        except NoAnswer:
            return False
        return True

    async def stop(self, within: float) -> bool:
        """End the loop. False when its code does not let go: the daemon thread is then left behind."""
        if self._loop is None or self._thread is None:
            return True
        self._ends = True
        with contextlib.suppress(RuntimeError):  # it has ended already
            self._loop.call_soon_threadsafe(self._loop.stop)
        thread = self._thread
        # A thread for the waiting, and a daemon too: the default executor would be joined at the end of the process.
        gone = asyncio.Event()
        here = asyncio.get_running_loop()

        def wait() -> None:
            thread.join(within)
            with contextlib.suppress(RuntimeError):
                here.call_soon_threadsafe(gone.set)

        threading.Thread(target=wait, name=f"{self._name} end", daemon=True).start()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within + 1):
                await gone.wait()
        return not thread.is_alive()

    def _start(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            loop = asyncio.new_event_loop()
            self._loop = loop

            def run() -> None:
                asyncio.set_event_loop(loop)
                while not self._ends:
                    self._contain(loop.run_forever)
                self._contain(lambda: loop.run_until_complete(_cancel_others()))
                self._contain(lambda: loop.run_until_complete(loop.shutdown_asyncgens()))
                loop.close()

            self._thread = threading.Thread(target=run, name=self._name, daemon=True)
            self._thread.start()
        return self._loop

    def _contain(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # sys.exit in a callback: the loop goes on, or no call would ever be answered
            _log.error("%s: its code raised %s: %s", self._name, type(error).__name__, error)


async def in_daemon_thread(name: str, work: Callable[[], T], deadline: float) -> T:
    """Run blocking code of a stranger. Raises NoAnswer after `deadline` seconds; the thread is left behind then."""
    loop = asyncio.get_running_loop()
    result: asyncio.Future[T] = loop.create_future()

    def settle(value: T | None, error: BaseException | None) -> None:
        if not result.done():
            if error is None:
                result.set_result(value)  # type: ignore[arg-type]  # None only where T is None
            else:
                result.set_exception(error)

    def run() -> None:
        value: T | None = None
        error: Exception | None = None
        try:
            value = work()
        except StopIteration as raised:  # a future takes every exception but this one
            error = PluginCrashed(f"StopIteration: {raised}")
        except Exception as raised:
            error = raised
        except BaseException as raised:  # SystemExit must not end the thread silently
            error = PluginCrashed(f"{type(raised).__name__}: {raised}")
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, value, error)

    threading.Thread(target=run, name=name, daemon=True).start()
    try:
        await asyncio.wait({result}, timeout=deadline)
        if not result.done():
            raise NoAnswer(f"{name} took longer than {deadline:g} s")
        return result.result()
    finally:
        result.cancel()


async def _contained(coroutine: Callable[[], Coroutine[Any, Any, T]]) -> T:
    try:
        return await coroutine()
    except (SystemExit, KeyboardInterrupt) as error:  # these two would end the loop that carries the call
        raise PluginCrashed(f"{type(error).__name__}: {error}") from error


async def _nothing() -> None:
    return


async def _cancel_others() -> None:
    others = [other for other in asyncio.all_tasks() if other is not asyncio.current_task()]
    for other in others:
        other.cancel()
    await asyncio.gather(*others, return_exceptions=True)
