"""Runs the load client against a process and sees what both cost."""

from __future__ import annotations

import asyncio
import json
import math
import os
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import attrs
from attrs import frozen

from .load import Count, Job
from .machine import Usage
from .rounds import Round, percentile

ROOT = Path(__file__).resolve().parent.parent.parent


@frozen(kw_only=True)
class Case:
    """One thing to measure: who is driven, how, and with what going on beside it."""

    name: str
    server: int | None  # its process; None: not on this machine, or nobody's business
    job: Job
    beside: tuple[Job, ...] = ()


@asynccontextmanager
async def child(module: str, *arguments: str) -> AsyncIterator[Process]:
    """A module of this package as a process of its own, killed at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"tests.bench.{module}", *arguments, stdin=PIPE, stdout=PIPE, cwd=ROOT, limit=1 << 26
    )  # its answer is one long line
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def line_of(process: Process) -> str:
    """The next line that a process prints."""
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    if not line:
        raise RuntimeError("a part of the measurement ended early; its message stands above")
    return line.rstrip("\n")


_fastest = math.inf  # seconds of CPU that the same work took at its quickest so far


def _slowness() -> float:
    """By how much the machine is slower now than at its best: a host that lends its cores to others does not say so."""
    global _fastest  # noqa: PLW0603 - of this process, and of all its rounds
    begun = time.process_time()
    sum(number * number for number in range(300_000))
    spent = time.process_time() - begun
    _fastest = min(_fastest, spent)
    return 1 - _fastest / spent


def _apart(case: Case, client: int) -> None:
    """Server and client get a core each where nothing else is going on: some kernels would put both on one."""
    cores = sorted(os.sched_getaffinity(0))
    if case.server is None or len(cores) < 2:
        return
    os.sched_setaffinity(
        case.server, cores if case.beside else cores[:1]
    )  # its loop; its other threads go where they like
    os.sched_setaffinity(client, cores if case.beside else cores[1:])


async def measure(case: Case) -> Round:
    """One round of a case."""
    slowness = _slowness()
    async with AsyncExitStack() as stack:
        clients = []
        for job in (case.job, *case.beside):
            client = await stack.enter_async_context(child("load", json.dumps(attrs.asdict(job))))
            await line_of(client)  # ready
            clients.append(client)
        ours = [os.getpid(), *(client.pid for client in clients), *([case.server] if case.server else [])]
        _apart(case, clients[0].pid)
        before, begun = Usage.of(ours), time.perf_counter()
        for client in clients:
            assert client.stdin is not None
            client.stdin.write(b"go\n")
        said = await line_of(clients[0])
        # A client that has ended can be asked no more, so what it used is what it says itself.
        count, beside = Count(**json.loads(said)), [json.loads(await line_of(client)) for client in clients[1:]]
        seconds = time.perf_counter() - begun
        after = Usage.of(process for process in ours if process not in {client.pid for client in clients})
        clients_used = {
            client.pid: before.ours[client.pid] + cpu
            for client, cpu in zip(clients, [count.cpu, *(float(one["cpu"]) for one in beside)], strict=True)
        }
    after = attrs.evolve(after, ours={**after.ours, **clients_used})
    used = after.ours[case.server] - before.ours[case.server] if case.server else 0.0
    foreign = max(after.foreign_since(before, seconds), slowness)
    return Round(figures=_figures(count, used, beside), foreign=foreign)


def _figures(count: Count, used: float, beside: Sequence[dict[str, float]]) -> dict[str, float]:
    if count.wrong or not count.answers:
        raise RuntimeError(f"{count.wrong} answers were wrong, {count.answers} right: nothing to measure")
    figures = {
        "per_second": count.answers / count.seconds,
        "server_ms": 1000 * used / count.answers,
        "server_share": used / count.seconds,
        "client_share": count.cpu / count.seconds,
        "questions": float(len(count.first_ms)),
        "pending": float(count.pending),
        "gap": count.gap_ms,
        "kilobytes": count.bytes / 1000 / (count.answers + count.pending),
    }
    figures |= {f"first_p{100 * share:g}": percentile(count.first_ms, share) for share in (0.5, 0.99, 0.999)}
    if count.start_ms:
        both = [*count.start_ms, *count.first_ms]
        figures |= {f"any_p{100 * share:g}": percentile(both, share) for share in (0.5, 0.99, 0.999)}
    if beside:
        figures["beside_per_second"] = sum(one["answers"] for one in beside) / count.seconds
    return figures
