"""What the running server knows of its frames, jobs and providers, or what its journal says while none runs."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
from attrs import field, frozen

from imageserver.errors import ImageServerError, JournalRefused, JournalUnavailable
from imageserver.frames import Frames
from imageserver.journal import Journal
from imageserver.running import Running
from imageserver.sightings import seems_shared, usual_interval

_SECONDS = 15.0  # for each question to the server
_MOST_JOBS = 1000
_MOST_FRAMES = 10_000
_LARGEST = 256 * 1024 * 1024  # bytes of a journal that is copied


@frozen(kw_only=True)
class Household:
    """What is known. Frames are as GET /frames tells them, jobs as GET /api/v1/jobs."""

    frames: list[dict[str, Any]] = field(factory=list)
    jobs: list[dict[str, Any]] = field(factory=list)  # newest first
    plugins: Mapping[str, list[dict[str, Any]]] = field(factory=dict)  # of a running server
    newest_purchase: float | None = None  # seconds since 1970; from the journal at rest


def ask_server(server: Running) -> Household:
    """Ask a running server. Raises ImageServerError."""

    async def ask() -> Household:
        frames = await server.ask("GET", "/frames", seconds=_SECONDS)
        jobs = await server.ask("GET", f"/api/v1/jobs?count={_MOST_JOBS}", seconds=_SECONDS)
        plugins = await server.ask("GET", "/api/v1/plugins", seconds=_SECONDS)
        return Household(frames=frames["frames"], jobs=jobs["jobs"], plugins=plugins)

    return asyncio.run(ask())


class JournalTooLarge(ImageServerError):
    """A copy of it would take more room than looking is worth."""

    def __init__(self, size: int) -> None:
        super().__init__(f"the journal has {size} bytes")
        self.size = size


def read_at_rest(data: Path, frames: Frames) -> Household:
    """Read a copy of the journal: the real one is left as it is, to the last byte.

    Raises JournalRefused, JournalTooLarge, OSError.
    """
    there = [data / name for name in ("journal.sqlite", "journal.sqlite-wal") if (data / name).exists()]
    if not there or there[0].name != "journal.sqlite":
        return Household()
    if (size := sum(path.stat().st_size for path in there)) > _LARGEST:
        raise JournalTooLarge(size)
    with tempfile.TemporaryDirectory(prefix="imageserver-doctor-") as place:
        for path in there:
            shutil.copyfile(path, Path(place) / path.name)
        return asyncio.run(_read(Path(place) / "journal.sqlite", frames))


async def _read(file: Path, frames: Frames) -> Household:
    journal = Journal(file)
    await journal.open()
    try:
        seen = {one.frame: one for one in await journal.sightings.latest(_MOST_FRAMES)}
        jobs = [attrs.asdict(job) for job in await journal.jobs.recent(_MOST_JOBS)]
        newest = await journal.spending.newest()
    except JournalUnavailable as error:
        raise JournalRefused(str(error)) from None
    finally:
        await journal.close()
    named = [frame.key for frame in frames.all_named()]
    return Household(
        frames=[
            {
                **(attrs.asdict(seen[key]) if key in seen else {"last_seen": None}),
                "frame": key,
                "named": key in named,
                "usual_interval": usual_interval(seen[key]) if key in seen else None,
                "late": False,  # while no server runs, nobody can be seen
                "shared": key in seen and seems_shared(seen[key]),
            }
            for key in dict.fromkeys([*named, *seen])
        ],
        jobs=jobs,
        newest_purchase=newest or None,
    )
