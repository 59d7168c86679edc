"""A disk of 16 MB that a test can fill to the last byte."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from attrs import frozen


@frozen
class SmallDisk:
    """A tmpfs."""

    folder: Path

    @property
    def _filler(self) -> Path:
        return self.folder / "filler"

    def fill(self, leave: int = 0) -> None:
        """Write until nothing is left, or until only so many bytes are."""
        with self._filler.open("ab", buffering=0) as file:
            while (size := self.free() - leave) > 0:
                try:
                    file.write(bytes(min(size, 64 * 1024)))
                except OSError:
                    break

    def free(self) -> int:
        """What is free, in bytes."""
        stat = os.statvfs(self.folder)
        return stat.f_bavail * stat.f_frsize

    def empty(self) -> None:
        """Take away what `fill` wrote."""
        self._filler.unlink()

    def grow(self, megabytes: int) -> None:
        """Make it larger."""
        subprocess.run(["mount", "-o", f"remount,size={megabytes}m", str(self.folder)], check=True)


@contextmanager
def small_disk() -> Iterator[SmallDisk]:
    """Mounted while the context lasts. Skips where that is not allowed; with CI=true it fails instead."""
    folder = Path(tempfile.mkdtemp(prefix="imageserver-disk-"))
    try:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)],
            check=False,
            capture_output=True,
            text=True,
        )
        if mounted.returncode != 0:
            give_up = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
            give_up(f"a small disk needs root and the right to mount: {mounted.stderr.strip()}")
        try:
            yield SmallDisk(folder)
        finally:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
    finally:
        folder.rmdir()
