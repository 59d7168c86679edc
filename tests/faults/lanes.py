"""The processes of the sweep: drivers with their servers, and strace beside them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from attrs import define

HANG_LIMIT = 60.0  # seconds; nothing here takes a fraction of it
CALLS = (
    "write,writev,pwrite64,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,ftruncate,"
    "sendto,sendmsg,connect,recvfrom,recvmsg"
)


def why_not() -> str | None:
    """Why this machine cannot kill at system calls; None when it can."""
    if sys.platform != "linux" or shutil.which("strace") is None:
        return "strace is missing: apt install strace"
    tried = subprocess.run(["strace", "-qq", "-o", os.devnull, "true"], capture_output=True, text=True, check=False)
    return f"strace may not trace here: {tried.stderr.strip()}" if tried.returncode else None


@define(kw_only=True)
class Server:
    """A server that listens; gone when `ended` returns."""

    pid: int
    port: int
    threads: dict[str, int]
    _lines: asyncio.StreamReader
    _timer: asyncio.TimerHandle | None = None  # kills it at its time

    def kill(self) -> None:
        """kill -9."""
        _kill(self.pid)

    async def ended(self) -> int:
        """Wait for its end; the exit code, or the number of the signal with a minus."""
        said = await _next(self._lines)
        if self._timer is not None:
            self._timer.cancel()  # the number may be another process's by then
        return int(said["status"])


@define(kw_only=True)
class Lane:
    """One driver: a server at a time."""

    _process: Process

    async def start(self, data: Path, *, forget: str | None = None) -> Server:
        """A server on this folder."""
        server = await self.start_and_kill(data, None, forget=forget)
        assert server is not None, "the server did not start"
        return server

    async def start_and_kill(self, data: Path, delay: float | None, *, forget: str | None = None) -> Server | None:
        """A server that is killed `delay` seconds after its process began; None when it did not come to listen."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = {"data": str(data), "forget": forget}
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        pid = int((await _next(self._process.stdout))["pid"])
        timer = None if delay is None else asyncio.get_running_loop().call_later(delay, _kill, pid)
        said = await _next(self._process.stdout)
        if "port" not in said:
            return None
        return Server(pid=pid, port=said["port"], threads=said["threads"], lines=self._process.stdout, timer=timer)


@asynccontextmanager
async def program(*arguments: str) -> AsyncIterator[Process]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("IMAGESERVER_", "PORT"))}
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdin=PIPE, stdout=PIPE, env=environment, start_new_session=True
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()  # its servers are tied to it
        await process.communicate()


async def attached(thread: int, *options: str) -> Process:
    """strace, when it traces."""
    strace = await asyncio.create_subprocess_exec(
        "strace", "-e", f"trace={CALLS}", "-p", str(thread), *options, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE
    )
    assert strace.stderr is not None
    said = await asyncio.wait_for(strace.stderr.readline(), HANG_LIMIT)
    assert b"attached" in said, said
    return strace


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


async def _next(lines: asyncio.StreamReader) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(await asyncio.wait_for(lines.readline(), HANG_LIMIT))
    return said
