"""Files that threads open and close for a coroutine, closed even if the coroutine is cancelled meanwhile.

What a thread is asked for is forgotten when whoever waits for it is cancelled: a file that was being opened then has no
owner, and one that was to be closed may stay open.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

F = TypeVar("F")


@asynccontextmanager
async def opened(opening: Awaitable[F], close: Callable[[F], Awaitable[object]]) -> AsyncIterator[F]:
    """What `opening` brings, until the block ends; then `close` is called with it, and waited for.

    Raises what either raises, but nothing of `close` in the place of what the block raised. A cancellation is raised
    once the file is closed.
    """
    coming = asyncio.ensure_future(opening)
    try:
        await _ended(coming)
        yield coming.result()
    except BaseException:
        if coming.done() and not coming.cancelled() and coming.exception() is None:
            await _ended(asyncio.gather(close(coming.result()), return_exceptions=True))
        raise
    closing = asyncio.ensure_future(close(coming.result()))
    await _ended(closing)
    closing.result()


async def _ended(work: asyncio.Future[F]) -> None:
    """Wait until it has ended, however. Raises CancelledError only then."""
    was_cancelled = False
    while not work.done():
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError:
            was_cancelled = True
    if was_cancelled:
        raise asyncio.CancelledError
