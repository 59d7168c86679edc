"""One server for each data folder: races of two real processes, and a lock that no killed process keeps."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import pytest
from program import HANG_LIMIT, environment, start

_RACES = 10  # of whole servers, and as many of the lock alone
# Two of these leave the line at the same moment: when their input closes. Both have imported everything by then.
RACER = """
import os, sys
from pathlib import Path
from imageserver.errors import DataFolderInUse
from imageserver.lock import DataLock
lock = DataLock(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
try:
    if "careless" not in sys.argv:
        lock.take()
except DataFolderInUse as error:
    print(error, flush=True)
    sys.exit(2)
print("won", flush=True)
sys.stdin.read()
"""


async def racer(data: Path, *more: str) -> Process:
    """A process at the starting line."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", RACER, str(data), *more, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment()
    )
    assert await line_of(process) == "ready"
    return process


async def line_of(process: Process) -> str:
    """The next line that it prints."""
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.readline(), HANG_LIMIT)).decode().strip()


async def at_the_line(data: Path, *more: str) -> list[Process]:
    """Two that are ready."""
    return list(await asyncio.gather(racer(data, *more), racer(data, *more)))


async def let_go(both: list[Process]) -> list[str]:
    """Let two go at once; returns what each said. Whoever won still runs."""
    for process in both:
        assert process.stdin is not None
        process.stdin.write(b"\n")
    return list(await asyncio.gather(*(line_of(process) for process in both)))


async def end(processes: list[Process]) -> None:
    """Kill what still runs, as a power cut would."""
    for process in processes:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def judged(data: Path, *more: str) -> tuple[float, float]:
    """One race: one winner, and a loser that names it with code 2. The winner is killed, and the folder is free.

    Returns the seconds from the start to the loser's end, and those that the next one takes for the lock.
    """
    both, begun = await at_the_line(data, *more), time.perf_counter()
    said = await let_go(both)
    try:
        assert said.count("won") == 1, said
        winner, loser = both if said[0] == "won" else both[::-1]
        assert await asyncio.wait_for(loser.wait(), HANG_LIMIT) == 2
        message = next(text for text in said if text != "won")
        # between taking the lock and writing the number down a loser may look: then it says so
        assert f"process {winner.pid})" in message or "process unknown)" in message, message
        assert winner.returncode is None
        lost = time.perf_counter() - begun
    finally:
        await end(both)
    again = await racer(data)
    assert again.stdin is not None
    begun = time.perf_counter()
    again.stdin.write(b"\n")
    try:
        assert await line_of(again) == "won"
        return lost, time.perf_counter() - begun
    finally:
        await end([again])


async def test_a_lock_has_one_winner(tmp_path: Path) -> None:
    """Of two processes that take the lock at the same moment one has it; killed, it leaves the folder free."""
    for _ in range(_RACES):
        await judged(tmp_path)


async def test_without_the_lock_both_would_win(tmp_path: Path) -> None:
    """The control: processes that do not take the lock both win, and the judge says no."""
    with pytest.raises(AssertionError, match="won"):
        await judged(tmp_path, "careless")


async def outcome(process: Process) -> str:
    """`listens` when it says where the frame must point, else its exit code and last words."""
    said = await line_of(process)
    if said.startswith("Frame:"):
        return "listens"
    assert process.stderr is not None
    words = (await process.stderr.read()).decode()
    return f"{await asyncio.wait_for(process.wait(), HANG_LIMIT)}: {words}"


async def test_two_servers_race_for_a_folder(tmp_path: Path) -> None:
    """Of two servers started at once on one folder one listens and the other ends with code 2 and its number.

    The winner is killed each time, so every further race also starts over what a killed server left behind.
    """
    (tmp_path / "images").mkdir()
    for number in range(_RACES):
        both = [await start(tmp_path / "data"), await start(tmp_path / "data")]
        try:
            said = await asyncio.gather(*(outcome(process) for process in both))
            assert sorted(text == "listens" for text in said) == [False, True], (number, said)
            winner = both[said.index("listens")]
            refusal = next(text for text in said if text != "listens")
            assert refusal.startswith("2: "), refusal
            assert "is in use by another server" in refusal
            assert f"process {winner.pid})" in refusal, refusal
            assert "Traceback" not in refusal
            os.kill(winner.pid, signal.SIGKILL)
        finally:
            await end(both)
