"""Starts servers for the sweep: loaded once, then one child process for each order, ready in a fraction of a second.

A program of its own. It reads one JSON order a line, `{"data": folder, "forget": null | "intent" | "answer"}`, and
writes three lines for each: `{"pid"}`, then `{"port", "threads"}` when the server listens, `{"status"}` when it has
ended. The server is the whole one, as `imageserver serve` runs it; only its threads are there from the start, so that
each can be traced by itself. What it may be told to forget is what makes the sweep go red.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest.mock import patch

import imageserver.app
from imageserver.answers import Answers
from imageserver.commands import run_server
from imageserver.default_plugins import yandexart  # noqa: F401 - loaded before the first fork, as everything else
from imageserver.journal.job_records import JobRecords
from imageserver.money import Purchase

# linux/prctl.h
_PR_SET_PDEATHSIG = 1
_PR_SET_PTRACER = 0x59616D61
_ANYBODY = -1


class OneThread(ThreadPoolExecutor):
    """An executor whose only thread exists before its first work: the same thread does the same work in every run."""

    def __init__(self, _size: int, thread_name_prefix: str) -> None:
        super().__init__(1, thread_name_prefix=thread_name_prefix)
        self.submit(int).result()


async def no_intent(
    _records: JobRecords, _job_id: str, _provider: str, _at: float, _purchase: Purchase | None = None
) -> bool:
    """A begin_call that commits nothing: what a server without the intent would do."""
    return True


def no_answer(_answers: Answers, _job: str) -> bytes | None:
    """An Answers.read that never finds one: what a server that does not adopt answers would do."""
    return None


def tied_to_parent() -> None:
    """End with whoever started this, and let strace attach where only parents may trace."""
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    libc.prctl(_PR_SET_PTRACER, ctypes.c_ulong(_ANYBODY))


def say(**facts: Any) -> None:
    os.write(1, json.dumps(facts).encode() + b"\n")


def run(order: dict[str, Any]) -> None:
    """Be a server. Does not return."""
    tied_to_parent()
    patch.object(imageserver.app, "ThreadPoolExecutor", OneThread).start()
    if order["forget"] == "intent":
        patch.object(JobRecords, "begin_call", no_intent).start()
    if order["forget"] == "answer":
        patch.object(Answers, "read", no_answer).start()

    said: list[str] = []

    def tell(line: str) -> None:
        said.append(line)
        if len(said) == 3:
            port = int(said[1].rsplit(":", 1)[1])
            threads = {thread.name: thread.native_id for thread in threading.enumerate()}
            threads["MainThread"] = os.getpid()  # after a fork Python 3.11 still has the parent's number
            say(port=port, threads=threads)

    run_server(str(Path(order["data"])), {"host": "127.0.0.1", "port": 0}, tell)


def main() -> None:
    tied_to_parent()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            say(pid=os.getpid())
            try:
                run(json.loads(line))
            finally:
                os._exit(1)
        _, status = os.waitpid(child, 0)
        say(status=os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
