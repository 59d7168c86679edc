"""The real program in a process of its own, and its command line."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from attrs import define
from patient import patient_frame

from imageserver.frame_client.client import FrameClient

HANG_LIMIT = 60.0  # seconds; nothing here takes a fraction of it


@define
class Program:
    """A running `imageserver serve`."""

    process: Process
    port: int
    said: list[str]

    @property
    def frame(self) -> FrameClient:
        return patient_frame(self.port)


def environment() -> dict[str, str]:
    """The environment without what would change the server's mind."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("IMAGESERVER_", "PORT"))}


async def start(data: Path, *more: str, extra: Mapping[str, str] | None = None, code: str = "") -> Process:
    """`python -m imageserver serve` on a free port, with `extra` in its environment; `code` runs in its place."""
    what = ("-c", code) if code else ("-m", "imageserver")
    return await asyncio.create_subprocess_exec(
        sys.executable, *what, "serve", "--data", str(data), "--host", "127.0.0.1", "--port", "0", *more,
        stdout=PIPE, stderr=PIPE, env=environment() | dict(extra or {}),
    )  # fmt: skip


@asynccontextmanager
async def program(data: Path, extra: Mapping[str, str] | None = None, code: str = "") -> AsyncIterator[Program]:
    """The program, once it has said where it listens; killed at the end if it still runs."""
    process = await start(data, extra=extra, code=code)
    assert process.stdout is not None
    assert process.stderr is not None
    draining = asyncio.ensure_future(process.stderr.read())  # a full pipe would stop it
    try:
        said = [(await asyncio.wait_for(process.stdout.readline(), HANG_LIMIT)).decode() for _ in range(3)]
        assert said[0], (await draining).decode()
        yield Program(process=process, port=int(said[1].rsplit(":", 1)[1]), said=said)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        await draining


async def run(*arguments: str, cwd: Path | None = None) -> tuple[int, str, str]:
    """One command of the command line: exit code, standard output, standard error."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "imageserver", *arguments, stdout=PIPE, stderr=PIPE, env=environment(), cwd=cwd
    )
    out, err = await asyncio.wait_for(process.communicate(), HANG_LIMIT)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()
