"""Memory that goes back to the system."""

from __future__ import annotations

import subprocess
import sys

import pytest

from imageserver import memory

PROGRAM = """
import gc, sys
from pathlib import Path
from imageserver.memory import keep_small, settle

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

keep_small()
held = [bytes(4096) for _ in range(20_000)]  # 80 MB in small pieces, as parsed files leave them
last = bytes(4096)
full = resident()
del held
settle()
print(full - resident(), gc.get_freeze_count())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="what a process holds is read from /proc")
def test_what_the_start_used_goes_back() -> None:
    """After settling most of what was freed is the system's again, and what lives is not looked through any more."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    given_back, frozen = map(int, done.stdout.split())
    assert given_back > 60_000_000
    assert frozen > 1000


def test_elsewhere_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no glibc the server starts all the same."""
    asked: list[object] = []
    monkeypatch.setattr("ctypes.CDLL", asked.append)
    monkeypatch.setattr(sys, "platform", "darwin")
    memory.keep_small()
    assert asked == []
