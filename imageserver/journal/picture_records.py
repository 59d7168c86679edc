"""Pictures in the journal: where each lies, when it was first seen, who made it, whether it can be shown."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import evolve, field, frozen

from imageserver.jobs import Job
from imageserver.journal.database import Database
from imageserver.journal.job_records import settle_in

STORE = "store"  # the root of pictures in the store; any other root is the code of a provider with folders

_COLUMNS = (
    "id, root, path, size, mtime_ns, first_seen, provider, job, prompt, negative, model, seed, details, broken, sha256"
)


@frozen(kw_only=True)
class Picture:
    """One picture that can hang on a wall."""

    id: int
    root: str
    path: str  # below the root, with "/"
    size: int  # bytes
    mtime_ns: int
    first_seen: float
    provider: str | None = None  # None: the owner put it there
    job: str | None = None
    prompt: str | None = None
    negative: str | None = None
    model: str | None = None
    seed: int | None = None
    details: Mapping[str, str] = field(factory=dict)
    broken: str | None = None
    sha256: str | None = None  # of what a provider gave

    @property
    def is_ours(self) -> bool:
        """Whether this server made the file."""
        return self.provider is not None


@frozen(kw_only=True)
class Found:
    """A picture file as a scan sees it."""

    path: str
    size: int
    mtime_ns: int


@frozen(kw_only=True)
class ScanResult:
    """What a scan changed."""

    added: tuple[int, ...]
    changed: tuple[int, ...]
    gone: tuple[int, ...]


class PictureRecords:
    """What the journal knows about pictures."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, picture_id: int) -> Picture | None:
        """The picture, or None when it is gone."""
        row = await self._database.read(
            lambda connection: connection.execute(
                f"SELECT {_COLUMNS} FROM pictures WHERE id = ?",
                (picture_id,),
            ).fetchone()
        )
        return None if row is None else _picture(row)

    async def usable(self) -> list[tuple[int, str]]:
        """Id and root of every picture that can be shown."""
        return await self._database.read(
            lambda connection: connection.execute("SELECT id, root FROM pictures WHERE broken IS NULL").fetchall()
        )

    async def broken(self) -> list[Picture]:
        """Every picture that cannot be shown, with the reason."""
        rows = await self._database.read(
            lambda connection: connection.execute(
                f"SELECT {_COLUMNS} FROM pictures WHERE broken IS NOT NULL ORDER BY id"
            ).fetchall()
        )
        return [_picture(row) for row in rows]

    async def with_bytes(self, sha256: str) -> int | None:
        """The first picture of a provider that has these very bytes, or None."""
        row = await self._database.read(
            lambda connection: connection.execute(
                "SELECT min(id) FROM pictures WHERE sha256 = ? AND broken IS NULL", (sha256,)
            ).fetchone()
        )
        return None if row[0] is None else int(row[0])

    async def add_and_settle(self, picture: Picture, job: Job) -> int:
        """Commit a new picture and the end of its job together; returns the picture's id.

        `picture.id` and `job.picture` are ignored: the journal gives the id.
        """

        def work(connection: sqlite3.Connection) -> int:
            picture_id = _insert(connection, picture)
            settle_in(connection, evolve(job, picture=picture_id))
            return picture_id

        return await self._database.write(work)

    async def last_id(self) -> int:
        """The highest id given so far."""
        (last,) = await self._database.read(
            lambda connection: connection.execute("SELECT coalesce(max(id), 0) FROM pictures").fetchone()
        )
        return int(last)

    async def take_scan(self, root: str, found: Iterable[Found], now: float, last_id: int) -> ScanResult:
        """Make the journal agree with what lies in a root. Files are taken in the order given.

        `last_id` was the highest id when the folder was read: pictures added since are not missed in the list.
        """
        files = list(found)
        return await self._database.write(lambda connection: _take_scan(connection, root, files, now, last_id))

    async def set_broken(self, picture_id: int, reason: str | None) -> None:
        """Note why a picture cannot be shown."""
        await self._database.write(
            lambda connection: connection.execute("UPDATE pictures SET broken = ? WHERE id = ?", (reason, picture_id))
        )

    async def oldest(self, root: str, count: int, spare: Iterable[int]) -> list[Picture]:
        """Up to `count` pictures of a root, first seen first, without those to be spared."""
        spared = set(spare)

        def work(connection: sqlite3.Connection) -> list[Picture]:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM pictures WHERE root = ? ORDER BY id LIMIT ?",
                (root, count + len(spared)),
            )
            return [picture for picture in map(_picture, rows) if picture.id not in spared][:count]

        return await self._database.read(work)

    async def forget(self, picture_ids: Iterable[int]) -> None:
        """Delete the records of pictures whose files are gone."""
        ids = [(picture_id,) for picture_id in picture_ids]
        await self._database.write(lambda connection: connection.executemany("DELETE FROM pictures WHERE id = ?", ids))

    async def count(self, root: str) -> int:
        """How many pictures of a root there are, broken ones too."""
        (number,) = await self._database.read(
            lambda connection: connection.execute("SELECT count(*) FROM pictures WHERE root = ?", (root,)).fetchone()
        )
        return int(number)


def _insert(connection: sqlite3.Connection, picture: Picture) -> int:
    # A file whose commit was lost in a crash, or that a scan saw first, keeps its id.
    (picture_id,) = connection.execute(
        "INSERT INTO pictures (root, path, size, mtime_ns, first_seen, provider, job, prompt, negative, model, seed,"
        " details, sha256) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (root, path) DO UPDATE SET"
        " size = excluded.size, mtime_ns = excluded.mtime_ns, provider = excluded.provider, job = excluded.job,"
        " prompt = excluded.prompt, negative = excluded.negative, model = excluded.model, seed = excluded.seed,"
        " details = excluded.details, sha256 = excluded.sha256, broken = NULL RETURNING id",
        (
            picture.root,
            picture.path,
            picture.size,
            picture.mtime_ns,
            picture.first_seen,
            picture.provider,
            picture.job,
            picture.prompt,
            picture.negative,
            picture.model,
            picture.seed,
            json.dumps(dict(picture.details), ensure_ascii=False),
            picture.sha256,
        ),
    ).fetchone()
    return int(picture_id)


def _take_scan(connection: sqlite3.Connection, root: str, files: list[Found], now: float, last_id: int) -> ScanResult:
    known: dict[str, tuple[int, int, int]] = {
        path: (picture_id, size, mtime_ns)
        for picture_id, path, size, mtime_ns in connection.execute(
            "SELECT id, path, size, mtime_ns FROM pictures WHERE root = ?", (root,)
        )
    }
    added: list[int] = []
    changed: list[int] = []
    for file in files:
        before = known.pop(file.path, None)
        if before is None:
            cursor = connection.execute(
                "INSERT INTO pictures (root, path, size, mtime_ns, first_seen) VALUES (?, ?, ?, ?, ?)",
                (root, file.path, file.size, file.mtime_ns, now),
            )
            added.append(int(cursor.lastrowid or 0))
        elif before[1:] != (file.size, file.mtime_ns):
            connection.execute(
                "UPDATE pictures SET size = ?, mtime_ns = ?, broken = NULL WHERE id = ?",
                (file.size, file.mtime_ns, before[0]),
            )
            changed.append(before[0])
    gone = [picture_id for picture_id, _size, _mtime_ns in known.values() if picture_id <= last_id]
    connection.executemany("DELETE FROM pictures WHERE id = ?", [(picture_id,) for picture_id in gone])
    return ScanResult(added=tuple(added), changed=tuple(changed), gone=tuple(gone))


def _picture(row: tuple[Any, ...]) -> Picture:
    values = dict(zip(_COLUMNS.split(", "), row, strict=True))
    values["details"] = json.loads(values["details"])
    return Picture(**values)
