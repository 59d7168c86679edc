"""Files of the store, answers kept aside, and durable writes."""

from __future__ import annotations

import json
import os
from itertools import count
from pathlib import Path

import pytest

from imageserver.pictures import quarantine
from imageserver.pictures.originals import find_original, name_for, write_original
from imageserver.pictures.quarantine import Quarantine
from imageserver.pictures.scan import scan_library


def test_a_jobs_file_has_one_name(tmp_path: Path) -> None:
    """Writing a job's picture twice leaves one file, which is found by the job alone, and by no other job."""
    write_original(tmp_path, name_for("job", 5.7, "webp"), b"first")
    found = write_original(tmp_path, name_for("job", 5.7, "webp"), b"second")
    assert find_original(tmp_path, "job", 5.7) == found
    assert find_original(tmp_path, "other", 5.7) is None
    assert [path.read_bytes() for path in (tmp_path / "original").iterdir()] == [b"second"]


def test_a_job_id_cannot_name_a_path() -> None:
    """Whatever stands in an id, the name has neither slashes nor dots of it."""
    name = name_for("../../etc/passwd\0", 1.0, "jpeg")
    assert name.startswith("original/f1-")
    assert name.count("/") == 1
    assert ".." not in name


def test_a_library_is_read_to_its_depth(tmp_path: Path) -> None:
    """A library's subfolders count, without hidden ones, those of a NAS, and links."""
    shown = ["a.jpg", "x/b.JPEG", "x/y/c.png"]
    for name in [*shown, ".trash/d.jpg", "@eaDir/e.jpg", "x/@eaDir/f.jpg", "x/note.txt", "x/.g.jpg"]:
        path = tmp_path / "library" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "h.jpg").write_bytes(b"x")
    (tmp_path / "library" / "linked").symlink_to(tmp_path / "outside")
    (tmp_path / "library" / "loop").symlink_to(tmp_path / "library")
    top = (tmp_path / "library").resolve()
    assert sorted(file.path for file in scan_library(tmp_path / "library")) == [f"{top}/{name}" for name in shown]
    with pytest.raises(OSError, match="missing"):
        next(scan_library(tmp_path / "missing"))


def test_an_answer_is_kept_with_the_reason(tmp_path: Path) -> None:
    """What is no picture is kept byte for byte, with who gave it and why it is no picture."""
    path = Quarantine(tmp_path / "quarantine").keep("../job", "painter", b"<html>", "это не картинка", is_paid=False)
    assert path.read_bytes() == b"<html>"
    assert path.parent == tmp_path / "quarantine"
    facts = json.loads(path.with_suffix(".json").read_text())
    assert facts == {"job": "../job", "provider": "painter", "reason": "это не картинка", "paid": False}


def test_what_cost_nothing_makes_room_and_what_was_paid_for_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A free service that gives nonsense for ever fills no disk; an answer that was bought is never thrown away."""
    monkeypatch.setattr(quarantine, "MOST_FREE", 3)
    monkeypatch.setattr(quarantine, "MOST_FREE_BYTES", 250)
    kept, moments = Quarantine(tmp_path), count(1_000_000)

    def keep(job: str, size: int, *, is_paid: bool) -> None:
        path = kept.keep(job, "p", b"x" * size, "no", is_paid=is_paid)
        os.utime(path, (moment := next(moments), moment))

    def jobs() -> set[str]:
        found = {json.loads(path.read_text())["job"] for path in tmp_path.glob("*.json")}
        assert len(list(tmp_path.glob("*.bin"))) == len(list(tmp_path.glob("*.json"))) == len(found)
        return found

    keep("bought", 400, is_paid=True)
    for number in range(5):
        keep(f"free{number}", 10, is_paid=False)
    assert jobs() == {"bought", "free2", "free3", "free4"}
    keep("large", 240, is_paid=False)
    assert jobs() == {"bought", "free4", "large"}
    keep("huge", 300, is_paid=False)
    assert jobs() == {"bought", "huge"}
    for path in tmp_path.glob("*.json"):  # nobody knows any more what they cost
        path.write_text("{")
    kept.keep("last", "p", b"x" * 250, "no", is_paid=False)
    assert len(list(tmp_path.glob("*.bin"))) == 3
