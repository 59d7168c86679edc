"""The rooms that people use of the store: opened together, before the store's first scan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from pathlib import Path

from attrs import frozen

from imageserver.clock import Clock
from imageserver.journal import Journal
from imageserver.pictures.album import Album
from imageserver.pictures.store import PictureStore
from imageserver.pictures.trash import Trash
from imageserver.pictures.upload import Uploads


@frozen(kw_only=True)
class PeoplesRooms:
    """What people do with pictures, beside looking at walls."""

    trash: Trash
    album: Album
    uploads: Uploads


async def open_for_people(
    store: PictureStore,
    journal: Journal,
    libraries: Callable[[], Mapping[str, object]],
    renditions: Path,
    *,
    clock: Clock,
    token: Callable[[int], bytes],
    disk: Executor,
    brush: Executor,
) -> PeoplesRooms:
    """Finish what the last run left in the middle. Raises JournalUnavailable."""
    trash = Trash(store=store, journal=journal, clock=clock, executor=disk)
    await trash.open()
    uploads = Uploads(store=store, trash=trash, journal=journal, clock=clock, token=token, disk=disk, brush=brush)
    await uploads.open()
    album = Album(
        store=store,
        trash=trash,
        journal=journal,
        libraries=libraries,
        renditions=renditions,
        disk=disk,
        brush=brush,
    )
    return PeoplesRooms(trash=trash, album=album, uploads=uploads)
