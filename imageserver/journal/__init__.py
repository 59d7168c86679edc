"""The journal: jobs, pictures, frames and notes in one SQLite file. The truth; everything else is a hint."""

from __future__ import annotations

from pathlib import Path

from imageserver.journal.database import Database
from imageserver.journal.frame_records import FrameRecords, LapRecord
from imageserver.journal.job_records import ASKED, JobRecords
from imageserver.journal.notes import Notes
from imageserver.journal.picture_records import STORE, Found, Picture, PictureRecords, ScanResult
from imageserver.journal.spending_records import SpendingRecords, Spent, Unit

__all__ = ["ASKED", "STORE", "Found", "Journal", "LapRecord", "Picture", "ScanResult", "Spent", "Unit"]


class Journal:
    """The journal's parts, behind one door."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._database = Database(path)
        self.jobs = JobRecords(self._database)
        self.pictures = PictureRecords(self._database)
        self.frames = FrameRecords(self._database)
        self.notes = Notes(self._database)
        self.spending = SpendingRecords(self._database)

    async def open(self) -> None:
        """Open or create the file. Raises JournalRefused, and leaves the file alone then."""
        await self._database.open()

    async def close(self) -> None:
        """Write what is waiting and close."""
        await self._database.close()

    @property
    def lost_writes(self) -> int:
        """How many notes could not be written since the start: a full disk, mostly."""
        return self._database.lost_writes
