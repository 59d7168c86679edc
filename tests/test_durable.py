from __future__ import annotations

import os
from pathlib import Path

import pytest

from imageserver.durable import write_durably


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    """A longer file is replaced by a shorter one with the asked-for rights, and nothing is left beside it."""
    path = tmp_path / "имя.bin"
    path.write_bytes(b"x" * 1000)
    write_durably(path, b"new", mode=0o600)
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_it_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes are flushed before the name changes, and the folder after it."""
    path = tmp_path / "a"
    path.write_bytes(b"old")
    seen: list[bytes] = []
    flush = os.fsync

    def noting(descriptor: int) -> None:
        seen.append(path.read_bytes())
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", noting)
    write_durably(path, b"new")
    assert seen == [b"old", b"new"]


def test_a_failure_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk fails the old file is untouched and no temporary one stays."""
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_durably(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_in_the_way_stays(tmp_path: Path) -> None:
    """A folder of that name is no file to replace: OSError, and nothing is left behind."""
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_durably(tmp_path / "a", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
