from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from imageserver.errors import DataFolderInUse
from imageserver.lock import DataLock

HOLDER = """
import sys
from pathlib import Path
from imageserver.lock import DataLock
lock = DataLock(Path(sys.argv[1]))
lock.take()
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_server_is_refused(tmp_path: Path) -> None:
    """A folder held by another process is refused with its number, and free the moment that one is killed."""
    data = tmp_path / "data"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(DataFolderInUse, match=f"process {holder.pid}\\b"):
            DataLock(data).take()
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        lock = DataLock(data)
        lock.take()
        assert (data / ".lock").read_text() == str(os.getpid())
        lock.release()


def test_a_released_folder_can_be_taken(tmp_path: Path) -> None:
    """Released, a folder can be taken again, by another lock too; releasing twice is harmless."""
    first, second = DataLock(tmp_path), DataLock(tmp_path)
    first.take()
    with pytest.raises(DataFolderInUse):
        second.take()
    first.release()
    first.release()
    second.take()
    second.release()


def test_a_folder_without_end_is_made(tmp_path: Path) -> None:
    """The data folder and those above it are made when they are missing."""
    lock = DataLock(tmp_path / "a" / "b")
    lock.take()
    lock.release()
    assert (tmp_path / "a" / "b").is_dir()
