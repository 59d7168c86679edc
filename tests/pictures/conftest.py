from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pictures.room import Room, opened


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with opened(tmp_path) as room:
        yield room
