"""What pages are made of: read when the first person looks.

It takes a tenth of a second, which no frame shall wait for at a start, and memory, which many servers never need.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web
from attrs import define, field


@define(eq=False)
class PageFiles:
    """Templates, translations and styles in memory."""

    _load: Callable[[], None]  # in a thread
    _loading: asyncio.Future[None] | None = field(init=False, default=None)

    async def ready(self) -> None:
        """They are there. What goes wrong is told to everybody who asks; the next one tries again."""
        if self._loading is None or (self._loading.done() and self._failed(self._loading)):
            self._loading = asyncio.ensure_future(asyncio.to_thread(self._load))
        if not self._loading.done():
            await asyncio.shield(self._loading)
        self._loading.result()

    async def close(self) -> None:
        """Nothing is being read any more."""
        if self._loading is not None:
            await asyncio.wait([self._loading])

    @staticmethod
    def _failed(loading: asyncio.Future[None]) -> bool:
        return loading.cancelled() or loading.exception() is not None


PAGE_FILES = web.AppKey("page_files", PageFiles)
