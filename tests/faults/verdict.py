"""What lies in a data folder after a kill, and whether what came of it keeps the promise."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

from attrs import frozen


@frozen(kw_only=True)
class Look:
    """What lies in a data folder while no server runs on it."""

    jobs: dict[str, dict[str, Any]]
    spending: list[tuple[str, str]]  # job, state
    has_whole_answer: bool

    @classmethod
    def at(cls, data: Path) -> Look:
        """Read a copy of the journal, because reading a journal after a crash would already repair it."""
        with tempfile.TemporaryDirectory() as copy:
            for path in data.glob("journal.sqlite*"):
                shutil.copy(path, copy)
            with contextlib.closing(sqlite3.connect(Path(copy, "journal.sqlite"))) as connection:
                connection.row_factory = sqlite3.Row
                jobs = {row["id"]: dict(row) for row in connection.execute("SELECT * FROM jobs")}
                spending = [tuple(row) for row in connection.execute("SELECT job, state FROM spending")]
        return cls(jobs=jobs, spending=spending, has_whole_answer=any(map(_is_whole, data.glob("answers/*"))))


def violations(cuts: list[Look], after: Look, charges: int) -> list[str]:
    """What is wrong with a job that was cut off as it looks in `cuts`, and came to its end as `after`."""
    wrong = [f"charged {charges} times"] if charges > 1 else []
    if len(after.spending) < charges or any(state != "spent" for _job, state in after.spending):
        wrong.append(f"charged {charges} times, counted as {after.spending}")
    if not cuts[-1].jobs and (after.jobs or charges):
        wrong.append("a job that was never accepted came to something")
    for cut in cuts:
        for job, was in cut.jobs.items():
            now = after.jobs.get(job, {"state": "gone", "picture": None, "provider": None, "card": None})
            if charges == 1 and now["state"] == "done" and now["picture"] and now["provider"] == "yandexart":
                continue
            is_kept = was["ticket"] or was["state"] == "done" or cut.has_whole_answer
            was_asking = was["state"] in ("calling", "unknown") or cut is not cuts[-1]
            unknown = now["state"] == "unknown" and now["card"] == "answer_lost" and len(after.spending) == 1
            if is_kept or not was_asking or not unknown:
                wrong.append(f"cut off as {was['state']}, ticket {was['ticket']}, came to {now}")
    return wrong


def _is_whole(answer: Path) -> bool:
    try:
        return "data" in json.loads(answer.read_bytes())
    except ValueError:
        return False
