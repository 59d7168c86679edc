from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from imageserver.journal import Journal
from imageserver.journal.database import Database


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    journal = Journal(tmp_path / "journal.sqlite")
    await journal.open()
    yield journal
    await journal.close()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(tmp_path / "journal.sqlite")
    await database.open()
    yield database
    await database.close()
