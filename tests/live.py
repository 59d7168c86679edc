"""A whole server in this process, on a free port, with real files; and providers to put into it."""

from __future__ import annotations

import asyncio
import io
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import ClassVar

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from attrs import define, field
from described import JudgedAnswer
from patient import patient_frame
from PIL import Image

from imageserver import GeneratedImage, GenerationRequest, ImageProvider, PollingImageProvider, ProviderError
from imageserver.app import Given, create_app
from imageserver.config import reader
from imageserver.extension_registry import select_extensions
from imageserver.frame_client.client import FrameClient
from imageserver.jobs import Job
from imageserver.plugin_sources import PluginSource
from imageserver.plugins import Loaded, PluginRecord, PluginStatus, load_plugins
from imageserver.registry import select_providers
from imageserver.web import keys

OWNER = {"Authorization": "Bearer the-owners-token"}


def brought(provider: type[ImageProvider], *, is_built_in: bool = False) -> Loaded:
    """A provider class as if a plugin of its name had brought it."""
    source = PluginSource(name=provider.code, place="the tests", load=lambda: None, is_built_in=is_built_in)
    record = PluginRecord(
        name=provider.code, version="", source="the tests", status=PluginStatus.LOADED, codes=(provider.code,)
    )
    return Loaded(source=source, record=record, providers=(provider,))


@define
class ShiftedClock:
    """The machine's clock, some seconds away from it."""

    shift: float = 0.0
    zone: tzinfo = UTC

    def now(self) -> float:
        return time.time() + self.shift

    def monotonic(self) -> float:
        return time.monotonic() + self.shift

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def until_noon() -> float:
    """Seconds to the next noon in UTC: with a clock that is so far ahead no day ends while a test runs."""
    now = datetime.now(UTC)
    return ((now.replace(hour=12, minute=0, second=0, microsecond=0) - now) % timedelta(days=1)).total_seconds()


@define
class StandingClock(ShiftedClock):
    """Does not go on by itself, however long a busy machine takes."""

    at: float = field(factory=time.time)

    def now(self) -> float:
        return self.at + self.shift

    def monotonic(self) -> float:
        return self.at + self.shift


def picture_bytes(colour: str = "teal", size: tuple[int, int] = (640, 960), kind: str = "JPEG") -> bytes:
    """A picture with something on it: half one colour, half black."""
    picture = Image.new("RGB", size, "black")
    picture.paste(colour, (0, 0, size[0], size[1] // 2))
    file = io.BytesIO()
    picture.save(file, kind)
    return file.getvalue()


class Painter(ImageProvider):
    """Gives a picture at once and remembers what it was asked for."""

    code = "painter"
    takes_negative = True
    idempotent = True
    asked: ClassVar[list[GenerationRequest]]

    def __init_subclass__(cls) -> None:
        cls.asked = []

    async def generate(self, request: GenerationRequest) -> GeneratedImage:
        self.asked.append(request)
        return GeneratedImage(data=picture_bytes(), model="test", seed=request.seed)


def painter(code: str = "painter", **attributes: object) -> type[Painter]:
    """A fresh Painter class with a memory of its own."""
    return type("Painter", (Painter,), {"code": code, **attributes})


def failing(error: Callable[[], Exception], code: str = "failing", **attributes: object) -> type[Painter]:
    """A provider that raises."""

    async def generate(self: Painter, request: GenerationRequest) -> GeneratedImage:
        self.asked.append(request)
        raise error()

    return type("Failing", (Painter,), {"code": code, "generate": generate, **attributes})


def giving(data: bytes, code: str = "giving", **attributes: object) -> type[Painter]:
    """A provider that gives these bytes for a picture."""

    async def generate(self: Painter, request: GenerationRequest) -> GeneratedImage:
        self.asked.append(request)
        return GeneratedImage(data=data)

    return type("Giving", (Painter,), {"code": code, "generate": generate, **attributes})


class Gate:
    """Holds a provider up until the test opens it. The provider's loop is another one than the test's."""

    def __init__(self) -> None:
        self.is_open = False
        self.reached = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def passed(self) -> None:
        """Called by the provider."""
        self._loop.call_soon_threadsafe(self.reached.set)
        event = asyncio.Event()
        self._waiting.append((asyncio.get_running_loop(), event))
        if not self.is_open:
            await event.wait()

    def open(self) -> None:
        """Called by the test."""
        self.is_open = True
        for loop, event in self._waiting:
            loop.call_soon_threadsafe(event.set)


def waiting(gate: Gate, code: str = "waiting", **attributes: object) -> type[Painter]:
    """A provider that paints once the gate is open."""

    async def generate(self: Painter, request: GenerationRequest) -> GeneratedImage:
        self.asked.append(request)
        await gate.passed()
        return GeneratedImage(data=picture_bytes("orange"))

    return type("Waiting", (Painter,), {"code": code, "generate": generate, **attributes})


class Ticketed(PollingImageProvider):
    """Gives a ticket, and the picture once `finished` is set."""

    code = "ticketed"
    submitted: ClassVar[list[GenerationRequest]]
    polled: ClassVar[list[str]]
    finished: ClassVar[bool]

    def __init_subclass__(cls) -> None:
        cls.submitted, cls.polled, cls.finished = [], [], False

    async def submit(self, request: GenerationRequest) -> str:
        self.submitted.append(request)
        return f"ticket-{len(self.submitted)}"

    async def poll(self, ticket: str) -> GeneratedImage | None:
        self.polled.append(ticket)
        return GeneratedImage(data=picture_bytes("purple")) if self.finished else None


def ticketed(**attributes: object) -> type[Ticketed]:
    """A fresh Ticketed class with a memory of its own."""
    return type("Ticketed", (Ticketed,), attributes)


def refuse(error_class: type[ProviderError], message: str = "no") -> Callable[[], Exception]:
    """Makes errors of this class."""
    return lambda: error_class(message)


@define
class Live:
    """The running server, as a test looks at it."""

    app: web.Application
    port: int
    frame: FrameClient
    http: aiohttp.ClientSession
    clock: ShiftedClock
    data: Path
    images: Path
    runner: web.BaseRunner

    async def start(self, **body: object) -> dict[str, str]:
        """POST /operation/start; the answer's JSON."""
        async with self.http.post("/operation/start", json=body) as answer:
            assert answer.status == 200, await answer.text()
            said: dict[str, str] = await answer.json()
            return said

    async def result(self, operation: str) -> dict[str, object]:
        """GET /operation/result, once."""
        async with self.http.get(f"/operation/result/{operation}") as answer:
            assert answer.status == 200, await answer.text()
            said: dict[str, object] = await answer.json()
            return said

    async def done(self, operation: str) -> dict[str, object]:
        """GET /operation/result until it no longer says pending."""
        while (said := await self.result(operation))["status"] == "pending":
            await self.ended(operation)
        return said

    async def asked_until_done(self, operation: str) -> dict[str, object]:
        """Ask as frames do, one question after the other: each question makes the server poll for a ticket."""
        while (said := await self.result(operation))["status"] == "pending":
            pass
        return said

    async def health(self, name: str) -> int:
        """One number of /healthz."""
        async with self.http.get("/healthz") as answer:
            number = (await answer.json())[name]
            assert isinstance(number, int)
            return number

    async def ended(self, operation: str) -> None:
        """Wait until the job is settled."""
        await self.app[keys.DELIVERY]._open_jobs.wait(operation, 120)  # the event that the server itself waits for

    async def job(self, operation: str) -> Job:
        """What the journal says of a job."""
        job = await self.app[keys.JOURNAL].jobs.get(operation)
        assert job is not None
        return job

    async def picture_of(self, operation: str) -> int | None:
        """Which picture a settled job shows."""
        return (await self.job(operation)).picture


@asynccontextmanager
async def live(
    folder: Path,
    *providers: type[ImageProvider],
    options: str = "",
    stored: int = 0,
    clock: ShiftedClock | None = None,
    plugins_dir: Path | None = None,
    ports: Sequence[int] = (),
    environment: Mapping[str, str] | None = None,
    page: str = "http://192.168.1.5:8099",
) -> AsyncIterator[Live]:
    """Serve from `folder` with the given provider classes; `stored` pictures lie in the store before the start.

    `ports` are more ports to listen on. With IMAGESERVER_IN_CONTAINER in its `environment` the server takes the tests
    for strangers: its pages are open to nobody without a password.
    """
    clock = clock or ShiftedClock()
    data, images = folder / "data", folder / "images"
    data.mkdir(exist_ok=True)
    images.mkdir(exist_ok=True)
    (data / "options.yml").write_text(options, encoding="utf-8")
    for number in range(stored):
        (images / f"stored{number}.jpg").write_bytes(picture_bytes(f"hsl({number * 36 % 360}, 80%, 50%)"))
    config = reader.load(data, flags={}, environment={}, now=datetime.now(UTC))
    plugins = await load_plugins(plugins_dir or folder / "no-plugins")
    plugins.loaded += map(brought, providers)
    selection = select_providers(plugins, config)
    assert not selection.problems
    given = Given(
        config=config,
        plugins=plugins,
        selection=selection,
        extensions=select_extensions(plugins, config),
        clock=clock,
        rng=random.Random(7),
        environment=environment or {},
        page=page,
        pause=0.0,
        owner_token="the-owners-token",
    )
    app = create_app(given)
    async with TestServer(app) as server:
        assert server.port is not None
        await app[keys.STORE].scanned()  # on a busy machine even a scan of three files may outlast the start
        for port in ports:
            assert server.runner is not None
            await web.TCPSite(server.runner, "127.0.0.1", port).start()
        address = f"http://127.0.0.1:{server.port}"
        async with aiohttp.ClientSession(address, response_class=JudgedAnswer) as http:
            frame = patient_frame(server.port)
            assert server.runner is not None
            yield Live(
                app=app,
                port=server.port,
                frame=frame,
                http=http,
                clock=clock,
                data=data,
                images=images,
                runner=server.runner,
            )
