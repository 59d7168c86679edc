"""Calls that run into their timeout: the loop's own clock is put forward, so nobody waits and no slow moment matters.

A short timeout would be a race: on a busy machine it may be over before the connection stands, and then it is another
error; or the timeout of the connection and the one of the whole call are over in the same moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from imageserver.testing import NEVER_ACCEPTS, FakeService

T = TypeVar("T")
TIMEOUT = 20.0  # seconds that rooms give a call, so that one which is to succeed does
_ROUNDED = 1.0  # aiohttp ends long timeouts at a whole second
_STEP = 0.5  # seconds; several lie between the timeout of a connection and that of its call
_TURNS = 100  # of the loop in each step: what a timeout has ended comes to its end, which needs no network


async def run_out(call: Coroutine[Any, Any, T], fake: FakeService, *, has_taken: Callable[[], bool] | None = None) -> T:
    """What a call ends in whose service does not answer. Its time passes once the service has its request.

    `has_taken` says whether that was read to its end, where the test looks at what came of it. A service that never
    accepts gets no request: then the time begins to pass with the call.
    """
    before = len(fake.ledger.requests)
    is_there = has_taken or (lambda: len(fake.ledger.requests) > before)
    task = asyncio.create_task(call)
    while fake.mode != NEVER_ACCEPTS and not is_there() and not task.done():  # noqa: ASYNC110 - no event tells of it
        await asyncio.sleep(0)
    return await time_over(task)


async def time_over(task: asyncio.Task[T]) -> T:
    """Let so much time pass as a call has, and no more: what is done afterwards has its own time."""
    loop = asyncio.get_running_loop()
    machines, now = loop.time, loop.time()

    def stopped() -> float:
        return now

    def ahead() -> float:
        return machines() + by

    loop.time = stopped  # type: ignore[method-assign]  # for this loop, which is this test's
    end = now + TIMEOUT + _ROUNDED
    while now < end and not task.done():
        now += _STEP
        for _ in range(_TURNS):
            await asyncio.sleep(0)
    by = now - machines()
    loop.time = ahead  # type: ignore[method-assign]
    return await task
