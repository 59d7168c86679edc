"""How fast the server is, beside a bare aiohttp handler and, with --peer, another server with the same wire.

python -m tests.bench.bench_server [--peer http://HOST:PORT] [--rounds N] [--json FILE] [--plot FILE]

Everything takes turns within each round, so that what the machine does beside it meets all alike. Linux only: what a
process costs is read from /proc.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import attrs
from attrs import evolve, frozen
from program import Program, program

from imageserver.web.frame_api import DEFAULT_CHUNK

from . import bench_frames, bench_pages, growth, rendering, starting
from .driving import Case, child, line_of, measure
from .household import AS_INSTALLED, PICTURES, SIZES, SMALL, draw_pictures, make_certificate, write_options
from .load import Job, connect, get, pair
from .machine import described, memory
from .plot import side_by_side
from .report import growth_table, shares, table
from .rounds import Round, Summary, Tally
from .tls import client_context, largest_record

_SHOWN: Final = (
    "per_second",
    "seconds",
    "cpu_ms",
    "page_ms",
)  # the first of them that a case has is shown while it is measured
_SECONDS: Final = 1.0  # of each round of each case
_RENDERING_SECONDS: Final = 3.0  # long enough for a thousand first bytes
_PAIRS: Final = Job(port=0, connections=8, seconds=_SECONDS)
_RESULT: Final = Job(port=0, connections=16, seconds=_SECONDS)
_PACED: Final = Job(port=0, connections=4, seconds=_RENDERING_SECONDS, frames=(SMALL,), pause=0.01)
# So many frames that two thousand first bytes come together, each with eight seconds to rest instead of thirty.
_CROWD: Final = Job(port=0, connections=400, seconds=24.0, frames=(SMALL,), rest=8.0, pause=0.1)
_FLOOD: Final = Job(port=0, connections=2, seconds=_CROWD.seconds, only_starts=True, pause=0.02)

Measure = Callable[[], Awaitable[Round]]


@frozen
class Ready:
    """The server with all its renditions made, and one finished answer of it."""

    server: Program
    path: str
    answer: bytes
    idle: float  # MB, before anybody asked


@asynccontextmanager
async def _ready(folder: Path) -> AsyncIterator[Ready]:
    async with program(folder / "data", AS_INSTALLED) as server:
        idle = memory(server.process.pid)[0]
        connection = await connect(Job(port=server.port, connections=1, seconds=0))
        path = ""
        for frame in (SMALL, ""):
            for _ in range(2 * PICTURES):  # twice: what was streamed from disk once is kept in memory
                reply, path, _ = await pair(connection, frame)
                while reply.is_pending:
                    reply = await connection.ask(get(path, frame))
        reply, path, _ = await pair(connection, SMALL)
        connection.close()
        yield Ready(server, path, _unchunked(reply.body), idle)


def _unchunked(body: bytes) -> bytes:
    whole, place = b"", 0
    while size := int(body[place : (end := body.index(b"\r\n", place))], 16):
        whole += body[end + 2 : end + 2 + size]
        place = end + 2 + size + 2
    return whole


def _cases(ready: Ready, bare: int, ports: list[int]) -> list[Case]:
    pid, port, path = ready.server.process.pid, ready.server.port, ready.path
    mine = evolve(_RESULT, port=port, path=path, frames=(SMALL,))
    theirs = evolve(_RESULT, path="/")
    cases = [
        Case(name="pairs", server=pid, job=evolve(_PAIRS, port=port, frames=(SMALL,))),
        Case(name="pairs of 120 KB", server=pid, job=evolve(_PAIRS, port=port)),
    ]
    ways = (
        ("", False, False, ports[0], ports[2]),
        (", TLS", True, False, ports[1], ports[3]),
        (", 512-byte records", True, True, ports[1], ports[3]),
    )
    for ending, tls, short, plain, canned in ways:
        asked = {"result": (pid, mine), "bare": (bare, evolve(theirs, port=plain))}
        asked["client alone"] = bare, evolve(theirs, port=canned)
        for name, (process, job) in asked.items():
            cases.append(Case(name=name + ending, server=process, job=evolve(job, tls=tls, short_records=short)))
    rendering = evolve(_PAIRS, port=port, connections=16, frames=SIZES, seconds=_RENDERING_SECONDS, pause=0.5)
    paced = evolve(_PACED, port=port)
    return [
        *cases,
        Case(name="while rendering", server=pid, job=paced, beside=(rendering,)),
        Case(name="while rendering, hot", server=pid, job=evolve(paced, path=path), beside=(rendering,)),
    ]


def _floods(ready: Ready) -> list[Case]:
    port = ready.server.port
    rendering = evolve(_PAIRS, port=port, connections=16, frames=SIZES, seconds=_CROWD.seconds, pause=0.5)
    floods = [
        evolve(_FLOOD, port=port, wish=json.dumps({"type": "provider", "provider": code}))
        for code in ("flood-a", "flood-b")
    ]
    crowd = evolve(_CROWD, port=port)
    return [Case(name="everything at once", server=ready.server.process.pid, job=crowd, beside=(rendering, *floods))]


async def _peers(address: str) -> list[Case]:
    """The same for another server; its process is nobody we know, so its CPU counts as others'."""
    parts = urlsplit(address)
    job = evolve(_PAIRS, host=parts.hostname or "127.0.0.1", port=parts.port or 80)
    connection = await connect(job)
    reply, path, _ = await pair(connection)
    while reply.is_pending:
        await asyncio.sleep(1)
        reply = await connection.ask(get(path))
    connection.close()
    return [
        Case(name="the peer's pairs", server=None, job=job),
        Case(name="the peer's result", server=None, job=evolve(job, connections=16, path=path)),
    ]


async def _in_turns(measures: Mapping[str, Measure], rounds: int, tries: int) -> dict[str, Summary]:
    """Each once, then each again, until all have enough quiet rounds or were tried so many times as often."""
    tallies = {name: Tally(wanted=rounds, tries=tries) for name in measures}
    while any(tally.wants_more for tally in tallies.values()):
        for name, tally in tallies.items():
            if tally.wants_more:
                measured = await measures[name]()
                tally.add(measured)
                figure = next((measured.figures[name] for name in _SHOWN if name in measured.figures), 0.0)
                sys.stderr.write(f"{name:30}{figure:10.2f}   others {measured.foreign:4.0%}\n")
    return {name: tally.summary() for name, tally in tallies.items()}


async def _served(folder: Path, options: argparse.Namespace) -> dict[str, Summary]:
    data = folder / "data"
    write_options(data)
    certificates = await make_certificate(data)
    draw_pictures(folder / "images")
    found: dict[str, Summary] = {}
    async with _ready(folder) as ready:
        answer = folder / "answer"
        answer.write_bytes(ready.answer)
        async with child("bare", str(answer), str(DEFAULT_CHUNK), str(certificates)) as bare:
            cases = _cases(ready, bare.pid, [int(port) for port in (await line_of(bare)).split()])
            cases += await _peers(options.peer) if options.peer else []
            context = client_context(short_records=True)
            largest = largest_record(ready.server.port, get(ready.path, SMALL), context)
            sys.stderr.write(f"asked for records of 512 bytes; the largest has {largest} with what encryption adds\n")
            if largest > 600:
                raise RuntimeError("the server does not heed max_fragment_length")
            # What renders goes on for a while after its round, and the pictures of the flood are new, so frames are
            # shown them first: each would spoil what comes after it.
            quiet, loud = [case for case in cases if not case.beside], [case for case in cases if case.beside]
            for some in (quiet, loud, _floods(ready)):
                found |= await _in_turns(
                    {case.name: partial(measure, case) for case in some}, options.rounds, options.tries
                )
        memories = {"idle": ready.idle, "peak": memory(ready.server.process.pid)[1]}
    found["memory"] = Summary(figures=memories, foreign=None, rounds=1, noisy=0, thrown_away=0)
    return found


async def _started(folder: Path, rounds: int, tries: int) -> dict[str, Summary]:
    measures: dict[str, Measure] = {}
    for stored in starting.STORED:
        starts = starting.Starts(folder / f"start{stored}", stored)
        starts.prepare()
        measures |= {f"first, {stored:,}": starts.first, f"again, {stored:,}": starts.again}
    return await _in_turns(measures, rounds, tries)


async def _with_frames(folder: Path, images: Path, tries: int) -> dict[str, Summary]:
    async with bench_frames.serving(folder / "data", images) as server:
        return await _in_turns(bench_frames.measures(server), 1, tries)  # each takes a minute and a half


async def _grown(folder: Path) -> dict[int, dict[str, growth.Cost]]:
    costs = {}
    for stored in growth.STORED:
        costs[stored] = await growth.measured(folder / f"growth{stored}", stored)
        sys.stderr.write(f"growth with {stored:,} pictures is measured\n")
        shutil.rmtree(folder / f"growth{stored}")
    return costs


async def _all(options: argparse.Namespace) -> tuple[dict[str, Summary], dict[int, dict[str, growth.Cost]]]:
    with tempfile.TemporaryDirectory(prefix="bench-server-") as name:
        folder = Path(name)
        found = await _served(folder / "served", options)
        draw_pictures(folder / "frames" / "images")
        found |= await _with_frames(folder / "frames", folder / "frames" / "images", options.tries)
        found |= await _in_turns(rendering.measures(folder / "originals"), options.rounds, options.tries)
        found |= await _started(folder, options.rounds, options.tries)
        found |= await _in_turns(bench_pages.measures(folder / "pages"), options.rounds, options.tries)
        return found, await _grown(folder)


def main() -> None:
    """Measure everything, print the tables, write the files that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", help="another server with the same wire, as http://HOST:PORT")
    parser.add_argument("--rounds", type=int, default=5, help="quiet rounds of each case (5)")
    parser.add_argument("--tries", type=int, default=3, help="times as many, at most, where rounds are noisy (3)")
    parser.add_argument("--json", type=Path, help="where the figures go")
    parser.add_argument("--plot", type=Path, help="where the plot of growth goes (PNG)")
    options = parser.parse_args()
    if not Path("/proc/self/stat").exists():
        parser.exit(1, "This needs Linux: what a process costs is read from /proc.\n")
    found, costs = asyncio.run(_all(options))
    sys.stdout.write(f"{table(found)}\n\n{shares(found)}\n\n{growth_table(costs)}\n")
    if options.json:
        said: dict[str, Any] = {
            "when": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": described(),
            "cases": {name: attrs.asdict(one) for name, one in found.items()},
            "growth": {stored: {name: attrs.asdict(one) for name, one in of.items()} for stored, of in costs.items()},
        }
        options.json.write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
    if options.plot:
        side_by_side(
            {
                "ms of CPU for each, by stored pictures": growth.lines(costs),
                "ms, by frames": bench_frames.growth(found),
            }
        ).save(options.plot)


if __name__ == "__main__":
    main()
