"""What a person waits for on a phone: the gallery of a big store, and the first word about a wish.

python -m tests.bench.bench_pages [--rounds N]

Each round starts the server anew on a store that it knows. The gallery is loaded as a browser does it: the page, then
its style, its scripts and all of its thumbnails over six connections, the small ones for below the screen too. Bytes
are those on the wire, headers included.
"""

from __future__ import annotations

import argparse
import asyncio
import html
import json
import os
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from attrs import define, field
from program import program

from .household import AS_INSTALLED, PICTURES, draw_pictures, write_options
from .load import Connection, Job, Reply, connect
from .machine import Usage, cpu_seconds
from .report import table
from .rounds import Round, Tally

STORED: Final = 10_000
_LANES: Final = 6  # connections to one server, as many as browsers open
_AGAIN, _WISHES = 20, 10  # of each round
_THUMBNAILS: Final = 48
_PAUSE: Final = 0.05  # seconds between two wishes: what the last one left behind is done
_WISH: Final = b'{"provider": "flood-a"}'


def measures(folder: Path) -> dict[str, Callable[[], Awaitable[Round]]]:
    """What to measure, by name."""
    return {"pages": _Pages(folder).measure}


@define
class _Pages:
    folder: Path
    _rounds: int = field(init=False, default=0)

    async def measure(self) -> Round:
        """One round."""
        if not self._rounds:
            await self._prepare()
        self._rounds += 1
        before, begun = Usage.of([os.getpid()]), time.perf_counter()
        async with program(self.folder / "data", AS_INSTALLED) as server:
            visitor = await _Visitor.come(server.port)
            rested = cpu_seconds(server.process.pid)
            figures = await visitor.gallery()
            figures["all_cpu_ms"] = 1000 * (cpu_seconds(server.process.pid) - rested)
            figures["again_ms"] = await visitor.again()
            # what nobody has looked at before, another one each round
            unseen = await visitor.gallery(f"/gallery?after={STORED - 2 * _THUMBNAILS * self._rounds}")
            figures["unseen_ms"] = unseen["all_ms"]
            figures |= await visitor.wishes()
            visitor.leave()
            seconds = time.perf_counter() - begun
            after = Usage.of([os.getpid(), server.process.pid])
        return Round(figures=figures, foreign=after.foreign_since(before, seconds))

    async def _prepare(self) -> None:
        """A store of so many pictures that a server has looked through, with the first page's thumbnails made."""
        write_options(self.folder / "data")
        await asyncio.to_thread(_fill, self.folder / "images")
        async with program(self.folder / "data", AS_INSTALLED) as server:
            visitor = await _Visitor.come(server.port)
            while await visitor.stored() < STORED:  # noqa: ASYNC110 - the server has no events that reach here
                await asyncio.sleep(0.1)
            await visitor.gallery()
            visitor.leave()


def _fill(images: Path) -> None:
    """Two hundred drawn pictures, each under fifty names."""
    draw_pictures(images)
    for number, path in enumerate(sorted(images.iterdir())):
        for copy in range(1, STORED // PICTURES):
            os.link(path, images / f"copy{copy:03}-{number:03}.jpg")


@define
class _Visitor:
    """A browser, as far as the server can tell."""

    _port: int
    _lanes: list[Connection]

    @classmethod
    async def come(cls, port: int) -> _Visitor:
        """Open the connections."""
        return cls(port, [await connect(Job(port=port, connections=1, seconds=0)) for _ in range(_LANES)])

    def leave(self) -> None:
        """Close them."""
        for lane in self._lanes:
            lane.close()

    async def stored(self) -> int:
        """How many pictures the server knows."""
        return int(json.loads((await self._asked("/healthz")).body)["stored"])

    async def again(self) -> float:
        """Milliseconds of the first page once it was asked for, the median."""
        return statistics.median([await self._page_ms() for _ in range(_AGAIN)])

    async def _page_ms(self) -> float:
        begun = time.perf_counter()
        await self._asked("/gallery")
        return 1000 * (time.perf_counter() - begun)

    async def gallery(self, path: str = "/gallery") -> dict[str, float]:
        """A page of the gallery with all that belongs to it: how long, how much."""
        begun = time.perf_counter()
        page = await self._asked(path)
        page_ms = 1000 * (time.perf_counter() - begun)
        text = page.body.decode()
        parts = {
            f"/{html.unescape(one)}" for one in re.findall(r'(?:href|src)="\./(static/[^"]+|[^"]+\.jpg[^"]*)"', text)
        }
        if sum("/thumbnail.jpg" in part for part in parts) != _THUMBNAILS:
            raise RuntimeError(f"{path} has no {_THUMBNAILS} thumbnails: {sorted(parts)[:3]}")
        queue, size = sorted(parts, reverse=True), page.size

        async def fetch(lane: Connection) -> int:
            got = 0
            while queue:
                got += (await self._asked(queue.pop(), lane)).size
            return got

        size += sum(await asyncio.gather(*map(fetch, self._lanes)))
        return {"page_ms": page_ms, "all_ms": 1000 * (time.perf_counter() - begun), "kilobytes": size / 1000}

    async def wishes(self) -> dict[str, float]:
        """Milliseconds from a wish to the end of the first event that tells of it."""
        waited = []
        for _ in range(_WISHES):
            waited.append(await self._wish())
            await asyncio.sleep(_PAUSE)
        return {"progress_ms": statistics.median(waited), "longest_progress_ms": max(waited)}

    async def _wish(self) -> float:
        begun = time.perf_counter()
        answer = await self._lanes[0].ask(_request("POST", "/api/v1/jobs", _WISH))
        if answer.status != 201:
            raise RuntimeError(f"a wish was answered {answer.status}: {answer.body[:200]!r}")
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(_request("GET", f"/api/v1/jobs/{json.loads(answer.body)['id']}/events"))
        await reader.readuntil(b"data: ")
        event = await reader.readuntil(b"\n\n")
        waited = 1000 * (time.perf_counter() - begun)
        while json.loads(event)["state"] not in ("done", "failed", "unknown"):
            await reader.readuntil(b"data: ")
            event = await reader.readuntil(b"\n\n")
        writer.close()
        # The first page of the gallery stays what it was.
        picture = json.loads(event)["picture"]
        if picture is None:
            raise RuntimeError(f"nothing was painted: {event!r}")
        await self._lanes[0].ask(_request("DELETE", f"/api/v1/pictures/{picture}"))
        return waited

    async def _asked(self, path: str, lane: Connection | None = None) -> Reply:
        reply = await (lane or self._lanes[0]).ask(_request("GET", path))
        if reply.status != 200:
            raise RuntimeError(f"{path} was answered {reply.status}: {reply.body[:200]!r}")
        return reply


def _request(method: str, path: str, body: bytes = b"") -> bytes:
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    return f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n{length}\r\n".encode() + body


async def _main(rounds: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="bench-pages-"))
    try:
        (measure,) = measures(folder).values()
        tally = Tally(wanted=rounds)
        while tally.wants_more:
            measured = await measure()
            tally.add(measured)
            sys.stderr.write(f"{json.dumps(measured.figures)}   others {measured.foreign:4.0%}\n")
        sys.stdout.write(f"{table({'pages': tally.summary()})}\n")
    finally:
        await asyncio.to_thread(shutil.rmtree, folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="quiet rounds (5)")
    asyncio.run(_main(parser.parse_args().rounds))
