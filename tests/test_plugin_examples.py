"""The examples that authors of plugins copy: each is dropped into a folder, loaded as a stranger's, and paints."""

from __future__ import annotations

import asyncio
import io
import logging
import random
import re
import shutil
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from PIL import Image

from imageserver import (
    GeneratedImage,
    GenerationRequest,
    ImageProvider,
    LibraryProvider,
    PictureFacts,
    PictureListener,
    PictureReady,
    PictureTransform,
    PluginContext,
    PollingImageProvider,
    PromptTransform,
    PromptWish,
    ProviderContext,
)
from imageserver.plugins import Plugins, load_plugins

ROOT = Path(__file__).parent.parent
REQUEST = GenerationRequest(job="a-job", prompt="a heron", negative=None, width=32, height=48, seed=7)


class StoppedClock:
    """A clock that always shows the same moment."""

    def __init__(self, moment: datetime, zone: tzinfo) -> None:
        self.moment = moment
        self.zone = zone

    def now(self) -> float:
        return self.moment.timestamp()

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


def examples(document: str) -> list[str]:
    """The Python examples of a document."""
    text = (ROOT / document).read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


async def load(folder: Path) -> Plugins:
    """Load what lies in `folder`, and nothing that is built in."""
    plugins = await load_plugins(folder, built_in=())
    assert [record.reason for record in plugins.records] == [""] * len(plugins.records)
    return plugins


def build(kind: type[ImageProvider], data: Path, hour: int = 3) -> ImageProvider:
    """The provider, built as the server builds it, with the defaults of its settings."""
    moment = datetime(2026, 1, 15, hour, 0, tzinfo=UTC)
    return kind(
        ProviderContext(
            settings=kind.settings_class() if kind.settings_class else None,
            clock=StoppedClock(moment, ZoneInfo("Europe/Moscow")),
            random=random.Random(1),
            log=logging.getLogger("imageserver.provider.example"),
            data_folder=data / kind.code,
        )
    )


def decoded(image: GeneratedImage) -> Image.Image:
    picture = Image.open(io.BytesIO(image.data), formats=("JPEG", "PNG", "WEBP"))
    picture.load()
    return picture


async def test_the_provider_of_the_readme_paints(tmp_path: Path) -> None:
    """The provider in plugins/README.md is loaded from a file and paints one colour, another for another seed."""
    (source,) = examples("plugins/README.md")
    (tmp_path / "one_colour.py").write_text(source, encoding="utf-8")
    plugins = await load(tmp_path)
    provider = build(plugins.providers["one-colour"], tmp_path)
    pictures = [
        decoded(
            await provider.generate(
                GenerationRequest(job="j", prompt="p", negative=None, width=32, height=48, seed=seed)
            )
        )
        for seed in (0, 120)
    ]
    assert [picture.size for picture in pictures] == [(32, 48)] * 2
    red, green = (picture.getpixel((16, 24)) for picture in pictures)
    assert [picture.getcolors(1) is not None for picture in pictures] == [True, True]
    assert red != green


async def test_the_provider_of_the_readme_is_about_twenty_lines(tmp_path: Path) -> None:
    """The README promises about twenty lines, and holds to it."""
    (source,) = examples("plugins/README.md")
    assert len([line for line in source.splitlines() if line.strip()]) <= 22


async def test_every_example_of_the_hooks_document_runs(tmp_path: Path) -> None:
    """Each Python block in docs/plugin-hooks.md is a plugin that loads and whose providers do their work."""
    for number, source in enumerate(examples("docs/plugin-hooks.md")):
        (tmp_path / f"example_{number}.py").write_text(source, encoding="utf-8")
    plugins = await load(tmp_path)
    assert set(plugins.providers) == {"canvas", "slow-canvas", "shelf", "sunny"}
    assert set(plugins.extensions) == {"mood", "border", "diary"}
    for code, kind in plugins.providers.items():
        provider = build(kind, tmp_path)
        if code == "sunny":  # it speaks to a service: see test_docs_plugins.py
            assert await provider.readiness() == "api_key is missing"
            continue
        assert await provider.readiness() is None
        if isinstance(provider, LibraryProvider):
            assert [folder.is_dir() for folder in provider.folders()] == [True]
            continue
        if isinstance(provider, PollingImageProvider):
            ticket = await provider.submit(REQUEST)
            assert isinstance(ticket, str)
            image = await provider.poll(ticket)
            assert image is not None
        else:
            image = await provider.generate(REQUEST)
        assert decoded(image).size == (32, 48)


async def test_the_clock_face_shows_the_time_of_the_servers_zone(tmp_path: Path) -> None:
    """The example in plugins/examples/ paints the local time, twice the panel's size; night is darker than day."""
    folder = tmp_path / "plugins"
    folder.mkdir()
    shutil.copy(ROOT / "plugins" / "examples" / "clock_face.py", folder)
    plugins = await load(folder)
    kind = plugins.providers["clock-face"]
    night = await build(kind, tmp_path, hour=21).generate(REQUEST)
    day = await build(kind, tmp_path, hour=9).generate(REQUEST)
    assert [dict(image.details) for image in (night, day)] == [{"time": "00:00"}, {"time": "12:00"}]
    pictures = [decoded(image) for image in (night, day)]
    assert [picture.size for picture in pictures] == [(64, 96)] * 2
    dark, bright = (picture.convert("L").getpixel((0, 0)) for picture in pictures)
    assert isinstance(dark, int)
    assert isinstance(bright, int)
    assert dark < 40
    assert bright > 100


async def test_the_clock_face_refuses_colours_that_it_does_not_know(tmp_path: Path) -> None:
    """A wrong setting of the example is refused with a sentence that names the right ones."""
    folder = tmp_path / "plugins"
    folder.mkdir()
    shutil.copy(ROOT / "plugins" / "examples" / "clock_face.py", folder)
    settings = (await load(folder)).providers["clock-face"].settings_class
    assert settings is not None
    with pytest.raises(ValueError, match="white, black, gold or tomato"):
        settings(hands="pink")


async def test_examples_and_underscores_are_not_loaded(tmp_path: Path) -> None:
    """Names that begin with an underscore or a dot, and the folder examples/, stay unloaded."""
    (source,) = examples("plugins/README.md")
    for name in ("_mine.py", ".hidden.py", "examples/__init__.py", "loaded.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(source, encoding="utf-8")
    plugins = await load(tmp_path)
    assert [record.name for record in plugins.records] == ["loaded"]


async def test_the_checkouts_own_folder_loads_nothing() -> None:
    """A fresh checkout brings no plugin of its own: its folder holds only words and examples."""
    assert (await load_plugins(ROOT / "plugins", built_in=())).records == []


async def test_the_extensions_of_the_hooks_document_work(tmp_path: Path) -> None:
    """The examples of the other doors do what their sentences say."""
    for number, source in enumerate(examples("docs/plugin-hooks.md")):
        (tmp_path / f"example_{number}.py").write_text(source, encoding="utf-8")
    kinds = (await load(tmp_path)).extensions

    def context(code: str) -> PluginContext:
        clock = StoppedClock(datetime(2026, 1, 15, 3, 0, tzinfo=UTC), ZoneInfo("Europe/Moscow"))
        log = logging.getLogger("imageserver.extension.example")
        return PluginContext(settings=None, clock=clock, random=random.Random(1), log=log, data_folder=tmp_path / code)

    mood, border, diary = (kinds[code](context(code)) for code in ("mood", "border", "diary"))
    assert isinstance(mood, PromptTransform)
    wish = PromptWish(prompt="a heron", negative=None, provider="canvas", language=None, suffix="")
    assert (await mood.transform(wish)).prompt == "a heron, at night"
    assert isinstance(border, PictureTransform)
    facts = PictureFacts(id=1, provider=None, prompt=None, model=None, created=0.0, width=32, height=48)
    assert border.cache_key(facts) == "2 pixels"
    drawn = border.apply(Image.new("RGB", (32, 48)), facts)
    assert [drawn.getpixel(place) for place in ((0, 0), (31, 47), (16, 24))] == [(255,) * 3, (255,) * 3, (0,) * 3]
    assert isinstance(diary, PictureListener)
    await diary.picture_ready(
        PictureReady(
            id=1,
            job="j",
            frame="",
            provider="canvas",
            prompt="a heron",
            negative=None,
            model="",
            seed=None,
            created=0.0,
            width=32,
            height=48,
            file=tmp_path / "a.jpeg",
        )
    )
    assert (tmp_path / "diary" / "diary.txt").read_text("utf-8") == "canvas: a heron\n"
