"""A backup as a file: a tar archive that any tool opens, and a list of hashes that `sha256sum --check` reads.

First comes `backup.json`, which says what it is, last `SHA256SUMS`, which makes it whole. Writing
holds no more than a piece of it in memory, however many files there are. Plain blocking code.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from pathlib import Path
from typing import IO, Any, BinaryIO

from attrs import field, frozen

FOLDER = "imageserver-backup"  # in which everything lies when it is unpacked
ABOUT, SUMS = "backup.json", "SHA256SUMS"
FORMAT = 1


@frozen(kw_only=True)
class About:
    """What backup.json says."""

    made: float  # seconds since 1970
    version: str  # of the server
    folders: dict[str, str] = field(factory=dict)  # where each part lay
    libraries: dict[str, str] = field(factory=dict)  # what is not in it: folders of the owner's, by provider

    def written(self) -> bytes:
        """As it stands in the file."""
        said = {
            "what": FOLDER,
            "format": FORMAT,
            "made": self.made,
            "version": self.version,
            "folders": self.folders,
            "libraries": self.libraries,
        }
        return (json.dumps(said, indent=1) + "\n").encode()


class Writer:
    """Writes a backup. `sums` is a file for the list of hashes, which grows with the number of files."""

    def __init__(self, file: BinaryIO, sums: IO[bytes]) -> None:
        self._tar = tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115 - closed by `finish`
        self._sums = sums
        self.files = 0

    def add_bytes(self, name: str, data: bytes, *, mtime: int) -> None:
        """A file that lies in memory."""
        self._add(name, io.BytesIO(data), len(data), 0o600, mtime * 10**9)

    def add_file(self, name: str, path: Path) -> bool:
        """A file of the disk as it is at this moment. False when it is not there. Raises OSError."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            return False
        with os.fdopen(descriptor, "rb") as file:
            facts = os.fstat(descriptor)
            self._add(name, file, facts.st_size, facts.st_mode & 0o777, facts.st_mtime_ns)
        return True

    def finish(self, *, mtime: int) -> None:
        """Add the list of hashes and close. The file itself stays open."""
        size = self._sums.tell()
        self._sums.seek(0)
        self._put(self._info(SUMS, size, 0o600, mtime * 10**9), self._sums)
        self._tar.close()

    def _add(self, name: str, file: BinaryIO | IO[bytes], size: int, mode: int, mtime_ns: int) -> None:
        reader = _Exactly(file, size)
        self._put(self._info(name, size, mode, mtime_ns), reader)
        self._sums.write(sum_line(reader.digest.hexdigest(), name))
        self.files += 1

    def _info(self, name: str, size: int, mode: int, mtime_ns: int) -> tarfile.TarInfo:
        info = tarfile.TarInfo(f"{FOLDER}/{name}")
        info.size, info.mode, info.mtime = size, mode, max(0, mtime_ns // 10**9)
        # To the nanosecond, or each picture would look changed to the next scan.
        info.pax_headers = {"mtime": f"{info.mtime}.{max(0, mtime_ns) % 10**9:09d}"}
        return info

    def _put(self, info: tarfile.TarInfo, file: Any) -> None:
        self._tar.addfile(info, file)
        self._tar.members.clear()  # type: ignore[attr-defined]  # not in its stubs; or it would remember each of a hundred thousand


class _Exactly:
    """Reads just so many bytes, and hashes them. A file that grows meanwhile is cut, one that shrinks gets zeros."""

    def __init__(self, file: BinaryIO | IO[bytes], size: int) -> None:
        self._file, self._left = file, size
        self.digest = hashlib.sha256()

    def read(self, size: int) -> bytes:
        size = min(size, self._left)
        data = self._file.read(size)
        data += bytes(size - len(data))
        self._left -= size
        self.digest.update(data)
        return data


def sum_line(digest: str, name: str) -> bytes:
    """A line as `sha256sum` writes and reads it."""
    escaped = name.replace("\\", "\\\\").replace("\n", "\\n")
    mark = "\\" if escaped != name else ""
    return f"{mark}{digest}  {escaped}\n".encode(errors="surrogateescape")


def name_in(line: bytes) -> str:
    """The name in such a line."""
    text = line.decode(errors="surrogateescape").rstrip("\n")
    if not text.startswith("\\"):
        return text[66:]
    return text[67:].replace("\\\\", "\0").replace("\\n", "\n").replace("\0", "\\")
