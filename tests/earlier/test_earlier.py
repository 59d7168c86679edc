"""What every earlier version wrote opens today, with a copy made first; what a newer one wrote is left alone."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pytest
from backup.house import house, untouched
from PIL import Image
from program import run

from imageserver.journal import Journal
from imageserver.journal.schema import VERSION

HERE = Path(__file__).parent
EARLIER = sorted(path.name for path in HERE.iterdir() if (path / "journal.sql").exists())
OPTIONS = "disabled_providers: [atelier]\n"


def made_again(name: str, folder: Path) -> Path:
    """The data folder that an earlier version left, with pictures as large and as old as its journal says."""
    data = folder / "data"
    data.mkdir(parents=True)
    (data / "options.yml").write_text(OPTIONS, encoding="utf-8")
    shutil.copy(HERE / name / "prompts.json", data)
    with contextlib.closing(sqlite3.connect(data / "journal.sqlite", isolation_level=None)) as connection:
        connection.executescript("PRAGMA journal_mode=WAL;" + (HERE / name / "journal.sql").read_text("utf-8"))
        pictures = connection.execute("SELECT path, size, mtime_ns FROM pictures WHERE root = 'store'").fetchall()
    for path, size, mtime_ns in pictures:
        file = folder / "images" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        jpeg = io.BytesIO()
        Image.new("RGB", (16, 24), "teal").save(jpeg, "JPEG", quality=10)
        file.write_bytes(jpeg.getvalue().ljust(size, b"\0"))  # what follows a JPEG's end is not looked at
        os.utime(file, ns=(mtime_ns, mtime_ns))
    return data


def rows(path: Path, query: str) -> list[Any]:
    with contextlib.closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as connection:
        return connection.execute(query).fetchall()


def test_every_format_and_every_tag_is_there() -> None:
    """All formats of the journal up to today's have a folder, and so has every tagged version."""
    assert {f"format-{number}" for number in range(1, VERSION + 1)} <= set(EARLIER)
    listed = subprocess.run(["git", "tag"], cwd=HERE, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        assert set(listed.stdout.split()) <= set(EARLIER), "see tests/earlier/README.md"


@pytest.mark.parametrize("name", EARLIER)
async def test_it_opens(name: str, tmp_path: Path) -> None:
    """Pictures with who made them, laps, prompts and spending are there; the old journal is kept beside the new one."""
    data = made_again(name, tmp_path)
    path = data / "journal.sqlite"
    found = rows(path, "PRAGMA user_version")[0][0]
    tables = {table for (table,) in rows(path, "SELECT name FROM sqlite_master WHERE type = 'table'")}
    before = {table: rows(path, f"SELECT * FROM {table}") for table in tables if not table.startswith("sqlite_")}
    pictures = rows(path, "SELECT id, path, provider, prompt, size FROM pictures ORDER BY id")
    assert len(pictures) == 5
    spent = rows(path, "SELECT price FROM spending") if "spending" in tables else []

    journal = Journal(path)
    await journal.open()
    opened = [await journal.pictures.get(number) for number, *_ in pictures]
    assert [(one.id, one.path, one.provider, one.prompt, one.size) for one in opened if one] == pictures
    laps = {lap.frame for lap in await journal.frames.laps(10)}
    assert laps == {row[0] for row in before["frames"]}
    assert len(await journal.jobs.recent(100)) == len(before["jobs"])
    newest = await journal.spending.newest()
    assert (newest > 0) is bool(spent)
    await journal.close()

    kept = path.with_name(f"journal.sqlite-format-{found}")
    assert kept.exists() is (found < VERSION)
    if kept.exists():
        assert rows(kept, "PRAGMA integrity_check") == [("ok",)]
        assert {table: rows(kept, f"SELECT * FROM {table}") for table in before} == before
        assert kept.stat().st_mode & 0o777 == 0o600


async def test_a_server_runs_on_the_oldest(tmp_path: Path) -> None:
    """The whole program starts on what the first format left, and its frames have their pictures."""
    data = made_again("format-1", tmp_path)
    async with house(data) as it:
        assert len((await it.get("/api/v1/pictures?count=100"))["pictures"]) == 5
        assert [one["prompt"] for one in (await it.get("/api/v1/prompts"))["prompts"]] == ["a heron", "a stork"]
        assert (await it.get("/healthz"))["unconfirmed"] is None
        assert await it.shown(await it.asked("old"))


@pytest.mark.parametrize("where", ["journal", "wal"])
async def test_newer_data_is_refused_untouched(where: str, tmp_path: Path) -> None:
    """A newer version's folder: code 2, one sentence, and not a byte is written, not even the lock or a line of log.

    What that version wrote last may stand in the -wal file only: it was killed.
    """
    data = made_again(f"format-{VERSION}", tmp_path)
    connection = sqlite3.connect(data / "journal.sqlite", isolation_level=None)
    if where == "wal":
        connection.execute("PRAGMA wal_autocheckpoint=0")
    connection.execute("CREATE TABLE wonders (name TEXT)")
    connection.execute(f"PRAGMA user_version={VERSION + 1}")
    shutil.copytree(data, tmp_path / "newer" / "data")  # as it is when the process is killed now
    connection.close()
    shutil.copytree(tmp_path / "images", tmp_path / "newer" / "images")
    data = tmp_path / "newer" / "data"
    (data / "journal.sqlite-shm").unlink(missing_ok=True)
    if where == "wal":
        assert rows(data / "journal.sqlite", "PRAGMA user_version") == [(VERSION,)]
    with untouched(tmp_path / "newer"):
        for command in (("serve", "--port", "0"), ("backup", str(tmp_path / "no.tar")), ("jobs",)):
            code, _out, err = await run(command[0], *command[1:], "--data", str(data))
            assert code == 2, command
            assert f"newer version (format {VERSION + 1}, this one knows {VERSION})" in err, command
        assert not (data / ".lock").exists()
    assert not (tmp_path / "newer" / "log").exists()
    assert json.dumps(sorted(path.name for path in (tmp_path / "newer").iterdir())) == '["data", "images"]'
