"""What Linux says of this machine and its processes: CPU seconds, memory, whose work the cores did."""

from __future__ import annotations

import os
import platform
import re
import ssl
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path

from attrs import frozen

_TICK = os.sysconf("SC_CLK_TCK")


@frozen(kw_only=True)
class Usage:
    """CPU seconds since the boot, or since a process began."""

    everybody: float
    ours: Mapping[int, float]

    @classmethod
    def of(cls, processes: Iterable[int]) -> Usage:
        """As it stands now."""
        return cls(everybody=_busy(), ours={process: cpu_seconds(process) for process in processes})

    def foreign_since(self, before: Usage, seconds: float) -> float:
        """The share of all cores that others used. A process that is new among ours counts from its beginning."""
        ours = sum(now - before.ours.get(process, 0.0) for process, now in self.ours.items())
        return max(0.0, (self.everybody - before.everybody - ours) / (seconds * (os.cpu_count() or 1)))


def cpu_seconds(process: int) -> float:
    """What a process and its threads used, in its own code and in the kernel's."""
    # The name, in brackets, may hold spaces; what follows it does not.
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def memory(process: int) -> tuple[float, float]:
    """Megabytes in memory: now, and at the most so far."""
    text = Path(f"/proc/{process}/status").read_text()
    found = dict(re.findall(r"^(VmRSS|VmHWM):\s+(\d+) kB", text, re.MULTILINE))
    return int(found["VmRSS"]) / 1024, int(found["VmHWM"]) / 1024


def described() -> dict[str, str]:
    """The machine and the versions that the figures depend on."""
    model = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return {
        "processor": model[1] if model else platform.machine(),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "openssl": ssl.OPENSSL_VERSION,
        **{name: version(name) for name in ("imageserver", "aiohttp", "aiofiles", "pillow", "numpy")},
    }


def _busy() -> float:
    # user, nice, system, and what a host machine took away. Interrupts belong to no process, so they are left out.
    fields = Path("/proc/stat").read_text().partition("\n")[0].split()
    return (int(fields[1]) + int(fields[2]) + int(fields[3]) + int(fields[8])) / _TICK
