"""How long a frame waits after the server was started."""

from __future__ import annotations

import os
import time
from pathlib import Path

from attrs import frozen
from program import program

from .household import AS_INSTALLED, link_pictures, write_options
from .load import Connection, Job, connect, get, pair
from .machine import Usage, memory
from .rounds import Round

STORED = (1_000, 100_000)


@frozen
class Starts:
    """A store of so many pictures, and a server that is started with it again and again."""

    folder: Path
    stored: int

    def prepare(self) -> None:
        """Put the pictures there."""
        link_pictures(self.folder / "images", self.stored)

    async def first(self) -> Round:
        """The first start of all: nothing is known of the pictures."""
        write_options(self.folder / "data")
        return await self._start()

    async def again(self) -> Round:
        """A start with a journal that knows them."""
        return await self._start()

    async def _start(self) -> Round:
        before, begun = Usage.of([os.getpid()]), time.perf_counter()
        async with program(self.folder / "data", AS_INSTALLED) as server:
            connection = await connect(Job(port=server.port, connections=1, seconds=0))
            await _answered(connection)
            seconds = time.perf_counter() - begun
            after = Usage.of([os.getpid(), server.process.pid])
            figures = {"seconds": seconds, "cpu": after.ours[server.process.pid]}
            figures["megabytes"] = memory(server.process.pid)[1]
            connection.close()
        return Round(figures=figures, foreign=after.foreign_since(before, seconds))


async def _answered(connection: Connection) -> None:
    reply, path, _ = await pair(connection)
    while reply.is_pending:
        reply = await connection.ask(get(path))
    if not reply.is_done:
        raise RuntimeError(f"no picture came: {reply.body[:200]!r}")
