"""Pictures at a frame's size: made once, kept on disk and, the hot ones, in memory as finished base64.

All of it can be thrown away at any time; it is made again from the originals.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from attrs import define, evolve, field

from imageserver.errors import RenditionsBusy
from imageserver.pictures.rendition import Drawing, Order, Rendition
from imageserver.pictures.rendition_folder import RenditionFolder
from imageserver.target import Target

_HOT_BYTES = 16 * 1024 * 1024  # of base64 in memory: a hundred pictures at 320×480
_REMEMBERED_COLD = 4096  # names of renditions that were streamed from disk once; at the second time they become hot
_MOST_WAITING = 256  # renditions that are being made or wait for it, before no more are begun
_SHORT_LINE = 8  # of them for frames: a slow machine makes as many in a second

_log = logging.getLogger(__name__)


@define
class _Hot:
    """The renditions in memory, the ones used last at the end."""

    renditions: OrderedDict[str, Rendition] = field(factory=OrderedDict)
    bytes: int = 0

    def get(self, key: str) -> Rendition | None:
        found = self.renditions.get(key)
        if found is not None:
            self.renditions.move_to_end(key)
        return found

    def keep(self, rendition: Rendition) -> None:
        self.drop(rendition.key)
        self.renditions[rendition.key] = rendition
        self.bytes += len(rendition.base64 or b"")
        while self.bytes > _HOT_BYTES:
            self.drop(next(iter(self.renditions)))

    def drop(self, key: str) -> None:
        dropped = self.renditions.pop(key, None)
        if dropped is not None:
            self.bytes -= len(dropped.base64 or b"")


class Renditions:
    """Gives renditions, making each at most once at a time."""

    def __init__(self, folder: Path, executor: Executor, disk: Executor | None = None) -> None:
        """`executor` is for what takes a processor, `disk` for short looks at files, which must not queue behind."""
        self._disk = RenditionFolder(folder)
        self._executor = executor
        self._looks = disk or executor
        self._hot = _Hot()
        self._making: dict[str, asyncio.Future[Rendition | None]] = {}
        self._in_line = 0  # those of them that frames wait for
        self._streamed: OrderedDict[str, None] = OrderedDict()
        self._hopeless: OrderedDict[str, None] = OrderedDict()  # best ones that could not be made, until the next start
        # One after the other, and nobody waits for it: a rendition made with `best` takes seconds.
        self._leisure = ThreadPoolExecutor(1, thread_name_prefix="leisure")

    async def get(
        self,
        name: str,
        target: Target,
        original: Callable[[], bytes],
        drawing: Drawing | None = None,
        focus: tuple[float, float] | None = None,
    ) -> Rendition:
        """The rendition called `name` (an original's identity, without a point) for `target`.

        `original` reads the original, in a thread. With `render: best` the first call gives what can be made at once,
        and a later one the best. Raises PictureBroken when it cannot be shown, OSError when it cannot be read, and
        RenditionsBusy when too many others are being made.
        """
        order = Order(
            key=_key(name, target, drawing),
            target=target,
            original=original,
            drawing=drawing,
            focus=focus,
        )
        hot = self._hot.get(order.key)
        if hot is not None:
            return hot
        found = await self._once(f"find {order.key}", lambda: self._found(order))
        if found is not None:
            return found
        if target.render == "best":
            self._begin_best(order)
            return await self.get(name, evolve(target, render="panel"), original, drawing, focus)
        if self._in_line >= _MOST_WAITING and order.key not in self._making:
            raise RenditionsBusy("too many pictures are being made at a frame's size; ask again in a while")
        made = await self._once(order.key, lambda: self._made_in_line(order))
        assert made is not None
        return made

    @property
    def is_crowded(self) -> bool:
        """Whether one that is begun now has so many before it that nobody should wait for it."""
        return self._in_line > _SHORT_LINE

    def at_hand(self, name: str, target: Target) -> Rendition | None:
        """A rendition without a drawing, if memory has it. With `render: best` only the best counts as one."""
        return self._hot.get(_key(name, target, None))

    async def forget(self, *names: str) -> None:
        """Throw away every rendition of these originals."""
        forgotten = set(names)
        for key in [key for key in self._hot.renditions if _original_of(key) in forgotten]:
            self._hot.drop(key)
        await asyncio.get_running_loop().run_in_executor(self._executor, self._disk.delete, forgotten)

    async def keep_only(self, targets: list[Target]) -> None:
        """Throw away the renditions of sizes and settings that no frame has any more."""
        wanted = {target.key for target in targets}
        await asyncio.get_running_loop().run_in_executor(self._executor, self._disk.delete_others, wanted)

    async def close(self) -> None:
        """Let what is being made come to its end; what waits to be made better is made another time."""
        self._leisure.shutdown(wait=False, cancel_futures=True)
        if self._making:
            await asyncio.wait(self._making.values())

    def _begin_best(self, order: Order) -> None:
        if order.key in self._making or order.key in self._hopeless or len(self._making) >= _MOST_WAITING:
            return
        making = self._own(order.key, self._made(order, self._leisure))
        making.add_done_callback(lambda done: self._best_ended(order.key, done))

    def _best_ended(self, key: str, done: asyncio.Future[Rendition | None]) -> None:
        if done.cancelled() or (error := done.exception()) is None:
            return
        _log.warning("the best rendition %s cannot be made; the quick one stays: %s", key, error)
        self._hopeless[key] = None
        if len(self._hopeless) > _REMEMBERED_COLD:
            self._hopeless.popitem(last=False)

    async def _once(self, key: str, begin: Callable[[], Coroutine[Any, Any, Rendition | None]]) -> Rendition | None:
        making = self._making.get(key)
        if making is None:
            making = self._own(key, begin())
        return await asyncio.shield(making)

    def _own(self, key: str, work: Coroutine[Any, Any, Rendition | None]) -> asyncio.Future[Rendition | None]:
        # The future, not the caller, owns the work: one frame that gives up must not spoil it for the others.
        making = asyncio.ensure_future(work)
        self._making[key] = making
        making.add_done_callback(lambda done: self._ended(key, done))
        return making

    def _ended(self, key: str, done: asyncio.Future[Rendition | None]) -> None:
        del self._making[key]
        if not done.cancelled():
            done.exception()  # every caller may have gone; the error was theirs

    async def _found(self, order: Order) -> Rendition | None:
        loop, hot = asyncio.get_running_loop(), order.key in self._streamed
        found = await loop.run_in_executor(self._looks, partial(self._disk.find, order.key, hot=hot))
        return None if found is None else self._kept(found)

    async def _made_in_line(self, order: Order) -> Rendition:
        self._in_line += 1
        try:
            return await self._made(order, self._executor)
        finally:
            self._in_line -= 1

    async def _made(self, order: Order, executor: Executor) -> Rendition:
        loop, hot = asyncio.get_running_loop(), order.key in self._streamed
        return self._kept(await loop.run_in_executor(executor, partial(self._disk.find_or_make, order, hot=hot)))

    def _kept(self, rendition: Rendition) -> Rendition:
        if not rendition.is_whole:
            return rendition
        if rendition.base64 is not None:
            self._hot.keep(rendition)
            self._streamed.pop(rendition.key, None)
        else:
            self._streamed[rendition.key] = None
            if len(self._streamed) > _REMEMBERED_COLD:
                self._streamed.popitem(last=False)
        return rendition


def _key(name: str, target: Target, drawing: Drawing | None) -> str:
    return f"{target.key}/{name}.{drawing.key}" if drawing else f"{target.key}/{name}"


def _original_of(key: str) -> str:
    return key.rpartition("/")[2].partition(".")[0]
