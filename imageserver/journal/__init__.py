"""The journal: jobs, pictures, frames and notes in one SQLite file. The truth; everything else is a hint."""

from __future__ import annotations

from concurrent.futures import Executor
from pathlib import Path

from imageserver.journal.access_records import AccessRecord, AccessRecords, SessionRecord, TokenRecord
from imageserver.journal.album_pages import Page, Query
from imageserver.journal.album_records import AlbumRecords
from imageserver.journal.copies import Damaged
from imageserver.journal.counter_records import CounterRecords
from imageserver.journal.database import SQLITE_VERSION, Database
from imageserver.journal.frame_records import FrameRecords, LapRecord
from imageserver.journal.home import beside
from imageserver.journal.job_records import ASKED, JobRecords
from imageserver.journal.notes import Notes
from imageserver.journal.opening import UNCONFIRMED
from imageserver.journal.picture_records import STORE, TRASH, Picture, PictureRecords
from imageserver.journal.scan_records import PIECE, Found, ScanRecords
from imageserver.journal.schema import refuse_newer_journal
from imageserver.journal.sighting_records import Sighting, SightingRecords
from imageserver.journal.spending_records import SpendingRecords, Spent, Unit

__all__ = [
    "ASKED",
    "PIECE",
    "SQLITE_VERSION",
    "STORE",
    "TRASH",
    "UNCONFIRMED",
    "AccessRecord",
    "Damaged",
    "Found",
    "Journal",
    "LapRecord",
    "Page",
    "Picture",
    "Query",
    "SessionRecord",
    "Sighting",
    "Spent",
    "TokenRecord",
    "Unit",
    "refuse_newer_journal",
]


class Journal:
    """The journal's parts, behind one door."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._database = Database(path)
        self.jobs = JobRecords(self._database)
        self.pictures = PictureRecords(self._database)
        self.albums = AlbumRecords(self._database)
        self.scans = ScanRecords(self._database)
        self.frames = FrameRecords(self._database)
        self.sightings = SightingRecords(self._database)
        self.notes = Notes(self._database)
        self.spending = SpendingRecords(self._database)
        self.counters = CounterRecords(self._database)
        self.access = AccessRecords(self._database)

    async def open(self) -> None:
        """Open or create the file. Raises JournalRefused, and leaves the file alone then."""
        await self._database.open()

    async def close(self) -> None:
        """Write what is waiting and close."""
        await self._database.close()

    async def answers(self) -> bool:
        """Wait for a word from the journal's thread. False: it answers, but the file cannot be read."""
        return await self._database.answers()

    @property
    def lost_writes(self) -> int:
        """How many notes could not be written since the start: a full disk, mostly."""
        return self._database.lost_writes

    @property
    def changes(self) -> tuple[int, int]:
        """How many rows were changed since the start, and how many of them somebody waited for."""
        return self._database.changes, self._database.weighty

    @property
    def snapshot(self) -> Path:
        """Where a copy is kept, for the day on which the journal itself cannot be used."""
        return beside(self.path, "snapshot")

    async def copy_to(self, target: Path, executor: Executor | None = None) -> None:
        """Put a verified copy at `target`, durably; the work goes on meanwhile.

        Raises OSError, Damaged and JournalUnavailable; what was at `target` is still there then.
        """
        await self._database.copy_to(target, executor)
