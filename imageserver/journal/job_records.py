"""Jobs in the journal. Claiming here decides who works on a job; `settle` here is the one end every job comes to."""

from __future__ import annotations

import json
import sqlite3
from operator import attrgetter

import attrs

from imageserver.errors import TooManyWaiting
from imageserver.job_ids import LIFETIME
from imageserver.jobs import UNFINISHED, Job, JobState, Kind
from imageserver.journal.database import Database
from imageserver.journal.notes import write_note
from imageserver.journal.spending_records import release_in, reserve_in, spend_in
from imageserver.money import Purchase

_COLUMNS = tuple(field.name for field in attrs.fields(Job))
_VALUES = attrgetter(*_COLUMNS)
_CANDIDATES, _TRANSLATIONS = _COLUMNS.index("candidates"), _COLUMNS.index("translations")
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM jobs"
_NEWEST = 20_000  # jobs that are looked at for what hangs where: some ten milliseconds
_PIECE = 2000  # jobs that are deleted in one commit: some ten milliseconds
ASKED = "asked:"  # the notes that hold when each provider was last asked begin with this
_INSERT = f"INSERT INTO jobs ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"
_OPEN = f"state IN ({', '.join(repr(str(state)) for state in UNFINISHED)})"


class JobRecords:
    """What the journal knows about jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, job: Job, *, limit: int | None = None, notes: dict[str, str] | None = None) -> None:
        """Write a new job down, and `notes` with it in one commit.

        Raises TooManyWaiting when `limit` unfinished jobs are there already.
        """

        def work(connection: sqlite3.Connection) -> None:
            if limit is not None:
                (waiting,) = connection.execute(f"SELECT count(*) FROM jobs WHERE {_OPEN}").fetchone()
                if waiting >= limit:
                    raise TooManyWaiting(f"{waiting} jobs wait already")
            connection.execute(_INSERT, _row(job))
            for name, value in (notes or {}).items():
                write_note(connection, name, value)

        await self._database.write(work)

    def note(self, job: Job) -> None:
        """Write a finished job down without waiting for the disk: a stored picture's id carries all that matters."""
        self._database.post(lambda connection: connection.execute(_INSERT, _row(job)))

    async def get(self, job_id: str) -> Job | None:
        """The job, or None."""
        found = await self._database.read(
            lambda connection: connection.execute(f"{_SELECT} WHERE id = ?", (job_id,)).fetchone()
        )
        return None if found is None else _job(found)

    async def unfinished(self) -> list[Job]:
        """Every job that is not settled, oldest first."""
        return await self._list(f"{_OPEN} ORDER BY created", ())

    async def unknown(self) -> list[Job]:
        """Jobs whose paid answer was lost, newest first, as long as jobs are kept."""
        return await self._list("state = ? ORDER BY created DESC", (JobState.UNKNOWN,))

    async def recent(self, count: int) -> list[Job]:
        """The last `count` jobs, newest first."""
        return await self._list("1 ORDER BY created DESC, rowid DESC LIMIT ?", (count,))

    async def begin_call(self, job_id: str, provider: str, at: float, purchase: Purchase | None = None) -> bool:
        """Commit the intent to ask a provider at the moment `at`, and what it costs, before anything is sent.

        False when the job is settled already. Raises CapReached, and nothing is committed then.
        """

        def work(connection: sqlite3.Connection) -> bool:
            if purchase is not None:
                spend_in(connection, job_id)  # a call of this job that nobody released may have been charged
                reserve_in(connection, job_id, purchase)
            write_note(connection, f"{ASKED}{provider}", repr(at))
            changed = connection.execute(
                f"UPDATE jobs SET state = ?, provider = ?, error = NULL WHERE id = ? AND {_OPEN}",
                (JobState.CALLING, provider, job_id),
            )
            return changed.rowcount == 1

        return await self._database.write(work)

    async def keep_ticket(self, job_id: str, ticket: str) -> None:
        """Commit a provider's ticket; from now on the job survives everything."""
        await self._database.write(
            lambda connection: connection.execute(
                f"UPDATE jobs SET state = ?, ticket = ? WHERE id = ? AND {_OPEN}",
                (JobState.WAITING, ticket, job_id),
            )
        )

    async def note_failure(self, job: Job) -> None:
        """Commit that a provider failed and charged nothing: the job goes on with the next, after a restart too."""

        def work(connection: sqlite3.Connection) -> None:
            release_in(connection, job.id)
            connection.execute(
                f"UPDATE jobs SET state = ?, provider = ?, error = ?, message = ?, why = ? WHERE id = ? AND {_OPEN}",
                (JobState.QUEUED, job.provider, job.error, job.message, job.why, job.id),
            )

        await self._database.write(work)

    async def settle(self, job: Job) -> bool:
        """Commit a job's end. False when it was settled before; the first one counts."""

        def work(connection: sqlite3.Connection) -> bool:
            return settle_in(connection, job)

        return await self._database.write(work)

    def fetched(self, job_id: str, now: float) -> None:
        """A frame has taken the result."""
        self._database.post(
            lambda connection: connection.execute("UPDATE jobs SET fetched = ? WHERE id = ?", (now, job_id)),
            instead_of=("fetched", job_id),
        )

    def rename_frame(self, old: str, new: str) -> None:
        """Jobs of a frame are those of another key from now on, as far as anybody asks for them by it."""
        self._database.post(
            lambda connection: connection.execute(
                "UPDATE jobs SET frame = ? WHERE frame = ? AND"
                f" (rowid > (SELECT max(rowid) FROM jobs) - {_NEWEST} OR {_OPEN})",
                (new, old),
            )
        )

    async def last_fetched(self) -> tuple[int, float] | None:
        """The picture that a frame took last, and when."""
        row = await self._database.read(
            lambda connection: connection.execute(
                "SELECT picture, fetched FROM jobs WHERE picture IS NOT NULL AND fetched IS NOT NULL"
                " ORDER BY fetched DESC LIMIT 1"
            ).fetchone()
        )
        return None if row is None else (int(row[0]), float(row[1]))

    async def last_fetched_by_frames(self, most: int) -> list[tuple[str, str, int | None, float]]:
        """What each frame took last: frame, job, picture, when; those that came last at the end.

        Only the newest jobs are looked at: a start does not wait until all have been gone through.
        """
        rows = await self._database.read(
            lambda connection: connection.execute(
                # of a group with one max() SQLite gives the other columns from the very row that has it
                "SELECT frame, id, picture, max(fetched) AS at"
                " FROM (SELECT frame, id, picture, fetched FROM jobs ORDER BY rowid DESC LIMIT ?)"
                " WHERE fetched IS NOT NULL GROUP BY frame ORDER BY at DESC LIMIT ?",
                (_NEWEST, most),
            ).fetchall()
        )
        return list(reversed(rows))

    async def cards_lately(self, frame: str, among: int, besides: str) -> list[str]:
        """The cards among the last `among` pictures that a frame was given, the job `besides` left out."""
        rows = await self._database.read(
            lambda connection: connection.execute(
                "SELECT card FROM (SELECT card, picture"
                " FROM (SELECT rowid AS number, * FROM jobs ORDER BY rowid DESC LIMIT ?)"
                f" WHERE frame = ? AND id != ? AND NOT {_OPEN} ORDER BY number DESC LIMIT ?)"
                " WHERE card IS NOT NULL AND picture IS NULL",
                (_NEWEST, frame, besides, among),
            ).fetchall()
        )
        return [card for (card,) in rows]

    async def last_errors(self) -> dict[str, tuple[str, float]]:
        """By provider, what it said when it failed last, and when that job began; of the newest jobs only."""
        rows = await self._database.read(
            lambda connection: connection.execute(
                "SELECT provider, message, max(created)"
                " FROM (SELECT provider, message, error, created FROM jobs ORDER BY rowid DESC LIMIT ?)"
                " WHERE provider IS NOT NULL AND error IS NOT NULL AND message IS NOT NULL GROUP BY provider",
                (_NEWEST,),
            ).fetchall()
        )
        return {provider: (message, created) for provider, message, created in rows}

    async def awaited_pictures(self, now: float) -> set[int]:
        """Pictures that a frame is still to fetch: these no rotation may delete."""
        rows = await self._database.read(
            lambda connection: connection.execute(
                "SELECT picture FROM jobs WHERE picture IS NOT NULL AND fetched IS NULL AND created > ?",
                (now - LIFETIME,),
            ).fetchall()
        )
        return {picture for (picture,) in rows}

    async def forget_before(self, when: float) -> int:
        """Delete settled jobs created before `when`; returns how many."""
        return await self._delete(f"created < ? AND NOT {_OPEN}", (when,))

    async def trim(self, most: int) -> int:
        """Delete the oldest of what is more than `most` jobs, as far as they only say which frame took which stored
        picture; returns how many.
        """
        newest = await self._database.read(
            lambda connection: connection.execute("SELECT coalesce(max(rowid), 0) FROM jobs").fetchone()[0]
        )
        return await self._delete(
            "rowid <= ? AND fetched IS NOT NULL AND provider IS NULL AND state = ?", (newest - most, JobState.DONE)
        )

    async def _delete(self, condition: str, values: tuple[object, ...]) -> int:
        """Delete in pieces: whoever wants to buy a picture meanwhile waits for one of them at most."""
        query = f"DELETE FROM jobs WHERE rowid IN (SELECT rowid FROM jobs WHERE {condition} LIMIT {_PIECE})"
        deleted, piece = 0, _PIECE
        while piece == _PIECE:
            piece = await self._database.write(lambda connection: connection.execute(query, values).rowcount)
            deleted += piece
        return deleted

    async def _list(self, condition: str, values: tuple[object, ...]) -> list[Job]:
        query = f"{_SELECT} WHERE {condition}"
        rows = await self._database.read(lambda connection: connection.execute(query, values).fetchall())
        return [_job(row) for row in rows]


def settle_in(connection: sqlite3.Connection, job: Job) -> bool:
    """Settle a job inside a transaction that does more. What is still reserved for it counts as spent."""
    spend_in(connection, job.id)
    changed = connection.execute(
        "UPDATE jobs SET state = ?, why = ?, provider = ?, picture = ?, card = ?, error = ?, message = ?, settled = ?"
        f" WHERE id = ? AND {_OPEN}",
        (job.state, job.why, job.provider, job.picture, job.card, job.error, job.message, job.settled, job.id),
    )
    return changed.rowcount == 1


def _row(job: Job) -> tuple[object, ...]:
    values = list(_VALUES(job))
    values[_CANDIDATES] = " ".join(job.candidates)
    values[_TRANSLATIONS] = json.dumps(dict(job.translations), ensure_ascii=False) if job.translations else "{}"
    return tuple(values)


def _job(row: tuple[object, ...]) -> Job:
    values = dict(zip(_COLUMNS, row, strict=True))
    values["kind"] = Kind(str(values["kind"]))
    values["state"] = JobState(str(values["state"]))
    values["candidates"] = tuple(str(values["candidates"]).split())
    values["translations"] = json.loads(str(values["translations"]))
    return Job(**values)  # type: ignore[arg-type]  # the table's column types are the class's
