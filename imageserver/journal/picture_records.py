"""Pictures in the journal: where each lies, when it was first seen, who made it, whether it can be shown."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from typing import Any

from attrs import evolve, field, frozen

from imageserver.jobs import Job
from imageserver.journal.database import Database
from imageserver.journal.job_records import settle_in

STORE = "store"  # the root of pictures in the store; any other root is the code of a provider with folders …
TRASH = ".trash"  # … or this: deleted, and not for good yet. No code has a point in it

COLUMNS = (
    "id, root, path, size, mtime_ns, first_seen, provider, job, prompt, negative, model, seed, details, broken, "
    "sha256, focus, favourite, hidden, deleted, why, template"
)
MOST_IDS = 10_000  # read at once: some milliseconds of the journal's thread
_HIGHEST = (1 << 63) - 1  # that SQLite gives
# The few that cannot be shown, told from the many by an index: SQLite would rather look at them all.
_BROKEN = "pictures INDEXED BY pictures_broken WHERE broken IS NOT NULL"
_HIDDEN = "pictures INDEXED BY pictures_hidden WHERE hidden = 1 AND broken IS NULL AND root = :root"


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
    focus: tuple[float, float] | None = None  # what a crop must keep: shares of width and height as a person sees it
    favourite: bool = False  # never rotated away
    hidden: bool = False  # never chosen for a frame
    deleted: float | None = None  # when it went into the trash
    why: str | None = None  # it was made
    template: str | None = None  # the prompt as the library had it, where something was drawn for it

    @cached_property
    def version(self) -> str:
        """Another one when the file changed, or what a crop must keep; a part of files' names."""
        shares = (f"{round(share * 1000):03d}" for share in self.focus or ())
        return "-".join((f"{self.id}-{self.size:x}-{self.mtime_ns:x}", *shares))

    @property
    def is_ours(self) -> bool:
        """Whether this server made the file."""
        return self.provider is not None


class PictureRecords:
    """What the journal knows about pictures."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, picture_id: int) -> Picture | None:
        """The picture, or None when it is gone."""
        row = await self._database.read(
            lambda connection: connection.execute(
                f"SELECT {COLUMNS} FROM pictures WHERE id = ?",
                (picture_id,),
            ).fetchone()
        )
        return None if row is None else picture_of(row)

    async def get_all(self, picture_ids: Iterable[int]) -> list[Picture]:
        """These pictures, without those that are gone; the lowest id first."""
        ids = json.dumps(list(picture_ids))
        rows = await self._database.read(
            lambda connection: connection.execute(
                f"SELECT {COLUMNS} FROM pictures WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id", (ids,)
            ).fetchall()
        )
        return [picture_of(row) for row in rows]

    async def broken(self) -> list[Picture]:
        """Every picture that cannot be shown, with the reason."""
        rows = await self._database.read(
            lambda connection: connection.execute(
                f"SELECT {COLUMNS} FROM {_BROKEN} AND root != ? ORDER BY id", (TRASH,)
            ).fetchall()
        )
        return [picture_of(row) for row in rows]

    async def with_bytes(self, sha256: str) -> int | None:
        """The first picture of a provider that has these very bytes, or None."""
        row = await self._database.read(
            lambda connection: connection.execute(
                "SELECT min(id) FROM pictures WHERE sha256 = ? AND broken IS NULL AND root != ?", (sha256, TRASH)
            ).fetchone()
        )
        return None if row[0] is None else int(row[0])

    async def add_and_settle(self, picture: Picture, job: Job) -> int:
        """Commit a new picture and the end of its job together; returns the picture's id.

        `picture.id` and `job.picture` are ignored: the journal gives the id.
        """

        def work(connection: sqlite3.Connection) -> int:
            picture_id = insert_picture(connection, evolve(picture, why=job.why, template=job.template))
            settle_in(connection, evolve(job, picture=picture_id))
            return picture_id

        return await self._database.write(work)

    async def set_broken(self, picture_id: int, reason: str | None) -> None:
        """Note why a picture cannot be shown."""
        await self._database.write(
            lambda connection: connection.execute("UPDATE pictures SET broken = ? WHERE id = ?", (reason, picture_id))
        )

    async def named(self, path: str) -> int | None:
        """The picture that lies there: below the store, or with its whole path in a library. None: there is none."""
        row = await self._database.read(
            lambda connection: connection.execute("SELECT min(id) FROM pictures WHERE path = ?", (path,)).fetchone()
        )
        return None if row[0] is None else int(row[0])

    async def set_focus(self, picture_id: int, focus: tuple[float, float] | None) -> None:
        """Note what a crop of this picture must keep."""
        text = None if focus is None else f"{focus[0]:.4f} {focus[1]:.4f}"
        await self._database.write(
            lambda connection: connection.execute("UPDATE pictures SET focus = ? WHERE id = ?", (text, picture_id))
        )

    async def ids(self, root: str, *, after: int = 0, up_to: int = _HIGHEST, most: int = MOST_IDS) -> list[int]:
        """The lowest ids of a root, broken pictures' too, above `after` and up to `up_to`; at most so many."""
        # One text, so that SQLite goes through them without taking the GIL anew for every row.
        query = (
            "SELECT group_concat(id) FROM"
            " (SELECT id FROM pictures WHERE root = ? AND id > ? AND id <= ? ORDER BY id LIMIT ?)"
        )
        (text,) = await self._database.read(
            lambda connection: connection.execute(query, (root, after, up_to, min(most, MOST_IDS))).fetchone()
        )
        return read_ids(text)

    async def oldest(self, root: str, count: int, spare: Collection[int]) -> list[int]:
        """The ids of up to `count` pictures of a root, first seen first, without those to be spared."""
        found: list[int] = []
        after = 0
        while len(found) < count and (page := await self.ids(root, after=after, most=count + len(spare))):
            found += [picture_id for picture_id in page if picture_id not in spare]
            after = page[-1]
        return found[:count]

    async def forget(self, picture_ids: Iterable[int]) -> None:
        """Delete the records of pictures whose files are gone."""
        ids = json.dumps(list(picture_ids))
        await self._database.write(
            lambda connection: connection.execute(
                "DELETE FROM pictures WHERE id IN (SELECT value FROM json_each(?))", (ids,)
            )
        )

    async def has_any(self, root: str) -> bool:
        """Whether there is any picture of a root, a broken one too."""
        return await self._database.read(
            lambda connection: (
                connection.execute("SELECT 1 FROM pictures WHERE root = ? LIMIT 1", (root,)).fetchone() is not None
            )
        )

    async def count_unshown(self, root: str) -> int:
        """How many pictures of a root are broken or hidden."""
        query = f"SELECT (SELECT count(*) FROM {_BROKEN} AND root = :root) + (SELECT count(*) FROM {_HIDDEN})"
        (number,) = await self._database.read(lambda connection: connection.execute(query, {"root": root}).fetchone())
        return int(number)


def read_ids(text: str | None) -> list[int]:
    """What SQLite's group_concat gives for ids, the lowest first."""
    return sorted(map(int, text.split(","))) if text else []


def insert_picture(connection: sqlite3.Connection, picture: Picture) -> int:
    """Write a picture down inside a transaction; returns its id."""
    # A file whose commit was lost in a crash, or that a scan saw first, keeps its id.
    (picture_id,) = connection.execute(
        "INSERT INTO pictures (root, path, size, mtime_ns, first_seen, provider, job, prompt, negative, model, seed,"
        " details, sha256, why, template) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (root, path) DO UPDATE SET"
        " size = excluded.size, mtime_ns = excluded.mtime_ns, provider = excluded.provider, job = excluded.job,"
        " prompt = excluded.prompt, negative = excluded.negative, model = excluded.model, seed = excluded.seed,"
        " details = excluded.details, sha256 = excluded.sha256, why = excluded.why, template = excluded.template,"
        " broken = NULL RETURNING id",
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
            picture.why,
            picture.template,
        ),
    ).fetchone()
    return int(picture_id)


def picture_of(row: tuple[Any, ...]) -> Picture:
    """The picture of a row with COLUMNS."""
    values = dict(zip(COLUMNS.split(", "), row, strict=True))
    values["details"] = json.loads(values["details"])
    values["focus"] = tuple(map(float, values["focus"].split())) if values["focus"] else None
    values["favourite"], values["hidden"] = bool(values["favourite"]), bool(values["hidden"])
    return Picture(**values)
