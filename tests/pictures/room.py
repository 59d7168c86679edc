"""A store in a temporary folder, with a real journal and real threads."""

from __future__ import annotations

import io
import os
import random
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

from PIL import Image

from imageserver.jobs import Job
from imageserver.journal import Journal, Picture
from imageserver.pictures.peoples_rooms import open_for_people
from imageserver.pictures.rendition import Drawing
from imageserver.pictures.renditions import Renditions
from imageserver.pictures.rotation import Rotation
from imageserver.pictures.store import Made, PictureStore
from imageserver.pictures.turns import Turns
from imageserver.target import Target
from imageserver.testing import FakeClock

TARGET = Target(width=32, height=48)


def jpeg(colour: int = 100) -> bytes:
    """A small real picture."""
    file = io.BytesIO()
    Image.new("RGB", (40, 60), (colour % 256, 90, 30)).save(file, "JPEG")
    return file.getvalue()


def made(data: bytes) -> Made:
    """What a provider gave."""
    return Made(
        data=data, format="jpeg", provider="painter", prompt="p", negative=None, model="m", seed=1, details={"a": "b"}
    )


class Room:
    """The rooms that keep pictures, wired as the application wires them."""

    def __init__(self, base: Path, executor: ThreadPoolExecutor, patience: float | None = None) -> None:
        self.base = base
        self.folder = base / "images"
        self.clock = FakeClock()
        self.journal = Journal(base / "journal.sqlite")
        self.libraries: dict[str, Callable[[], list[Path]]] = {}
        self._executor = executor
        self._tokens = 0
        self.store = PictureStore(
            folder=self.folder,
            journal=self.journal,
            libraries=lambda: self.libraries,
            clock=self.clock,
            executor=executor,
            renditions=Renditions(base / "renditions", executor),
            turns=Turns(journal=self.journal, clock=self.clock, rng=random.Random(4)),
            patience=patience,
            drawings=self._drawing,
        )
        self.drawn: str | None = None  # the key of what is drawn on every picture

    async def _drawing(self, _picture: Picture, _target: Target) -> Drawing | None:
        return None if self.drawn is None else Drawing(key=self.drawn, draw=lambda image: (image, True))

    async def open_for_people(self) -> None:
        """Trash, album and uploads, as the application opens them."""
        self.people = await open_for_people(
            self.store,
            self.journal,
            lambda: self.libraries,
            self.base / "renditions",
            clock=self.clock,
            token=self._token,
            disk=self._executor,
            brush=self._executor,
        )

    def _token(self, size: int) -> bytes:
        self._tokens += 1
        return self._tokens.to_bytes(size, "big")

    async def picture(self, path: str) -> Picture:
        """The picture of this path, wherever it lies now."""
        everywhere = [picture for picture in await self.all() if picture.path.endswith(path)]
        assert len(everywhere) == 1, everywhere
        return everywhere[0]

    async def all(self) -> list[Picture]:
        """All pictures of the journal, the trash's too."""
        found: list[Picture] = []
        for is_deleted in (False, True):
            page = await self.people.album.page(after=None, count=1000, is_deleted=is_deleted)
            found += page.pictures
        return found

    def rotation(self, least: int, most: int, *, is_given: bool = True) -> Rotation:
        return Rotation(
            store=self.store,
            journal=self.journal,
            least=least,
            most=most,
            is_given=is_given,
            clock=self.clock,
            executor=self._executor,
        )

    def put(self, name: str, data: bytes | None = None, *, age: int = 0) -> Path:
        """A file of the owner's in the store, `age` seconds old."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg() if data is None else data)
        when = 1_700_000_000 - age
        os.utime(path, (when, when))
        return path

    async def add(self, job: Job) -> Picture:
        """A provider's picture for a job."""
        await self.journal.jobs.create(job)
        return await self.store.add(job, made(jpeg()))

    async def show_all(self, frame: str = "f") -> list[str]:
        """The names of as many pictures as there are, as a frame is shown them."""
        names = []
        for _ in range(self.store.count()):
            number, _why = self.store.choose(frame)
            assert number is not None
            picture = await self.store.picture(number)
            assert picture is not None
            names.append(picture.path)
        return names

    def files(self) -> list[str]:
        """What lies in the store."""
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())

    def rendered(self) -> list[Path]:
        """The renditions that lie on the disk."""
        return [path for path in (self.base / "renditions").rglob("*") if path.is_file()]


@asynccontextmanager
async def opened(base: Path, patience: float | None = None) -> AsyncIterator[Room]:
    """A room, its journal and store open; a start waits `patience` seconds for the scan, None: until its end."""
    with ThreadPoolExecutor(2) as executor:
        room = Room(base, executor, patience)
        await room.journal.open()
        try:
            await room.open_for_people()
            await room.store.open()
            yield room
            await room.store.close()
        finally:
            await room.journal.close()
