"""Extensions at work in the whole server: prompts on their way, pictures at a frame's size, news of new pictures."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import io
import json
import random
import re
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from attrs import define, evolve, field
from live import OWNER, Live, ShiftedClock, giving, live, painter, picture_bytes
from PIL import Image, ImageStat

from imageserver import (
    Extension,
    GeneratedImage,
    GenerationRequest,
    ImageProvider,
    PictureFacts,
    PictureListener,
    PictureReady,
    PictureTransform,
    PromptTransform,
    PromptWish,
)
from imageserver.config.reader import load
from imageserver.default_plugins import webhook
from imageserver.extension_host import ExtensionHost
from imageserver.extension_registry import EnabledExtension, Extensions, ExtensionSelection, select_extensions
from imageserver.plugins import load_plugins
from imageserver.registry import Changes
from imageserver.testing import good
from imageserver.web import keys

NOW = ShiftedClock()
QUIET = "image_generate_threshold: 0\n"


@pytest.fixture(autouse=True)
def at_leisure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Renditions, and extensions without a deadline of their own, may take as long as a busy machine needs."""
    monkeypatch.setattr("imageserver.delivery._RENDITION_SECONDS", 60.0)
    monkeypatch.setattr(Extension, "deadline", 60.0)


async def shown(server: Live, operation: str) -> Image.Image:
    """What the frame draws."""
    answer = await server.frame.result(operation)
    assert answer.jpeg is not None, answer
    return Image.open(io.BytesIO(answer.jpeg)).convert("RGB")


async def painted(server: Live, **wish: object) -> Image.Image:
    """A picture of the provider `painter`."""
    operation = (await server.start(type="provider", provider="painter", **wish))["id"]
    await server.done(operation)
    return await shown(server, operation)


async def states(server: Live) -> dict[str, dict[str, str]]:
    async with server.http.get("/api/v1/plugins", headers=OWNER) as answer:
        return {line["code"]: line for line in (await answer.json())["extensions"]}


# Prompts


async def test_language_and_suffix_are_the_providers_own(tmp_path: Path) -> None:
    """Each provider gets the library's prompt in its language, with its suffix; the label keeps the owner's words."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/prompts.yaml").write_text(
        "prompts:\n  - idx: 1\n    prompt: лиса в снегу\n    translations: {en: a fox in the snow}\n", encoding="utf-8"
    )
    english, russian = painter("english"), painter("russian")
    options = QUIET + "providers:\n  english: {prompt_language: en, prompt_suffix: ', oil on canvas'}\n  russian: {}\n"
    async with live(tmp_path, english, russian, options=options) as server:
        for code in ("english", "russian"):
            operation = (await server.start(type="provider", provider=code))["id"]
            await server.done(operation)
            job = await server.job(operation)
            assert job.prompt == "лиса в снегу"
        typed = (await server.start(type="provider", provider="english", prompt="дождь,"))["id"]
        await server.done(typed)
    assert [wish.prompt for wish in english.asked] == ["a fox in the snow, oil on canvas", "дождь, oil on canvas"]
    assert [wish.prompt for wish in russian.asked] == ["лиса в снегу"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("translations: [en]", "translations must be languages with texts"),
        ("translations: {English: a fox}", "'English' is no language in small letters"),
        ("translations: {en: 5}", "translations must be text, not 5: put it in quotes"),
        ("translations: {en: ''}", "the text for en is empty"),
    ],
)
async def test_bad_translations_are_named(tmp_path: Path, line: str, message: str) -> None:
    """A broken translation is a problem with its line, like everything else in the prompts file."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/prompts.yaml").write_text(
        f"prompts:\n  - idx: 1\n    prompt: лиса\n    {line}\n", encoding="utf-8"
    )
    async with live(tmp_path, painter()) as server:
        problems = [str(one) for one in server.app[keys.PROMPTS].problems]
    assert len(problems) == 1
    assert problems[0].startswith("prompts.yaml:4: ")
    assert message in problems[0]


# Pictures


async def test_the_overlay_is_drawn_anew_when_the_day_changes(tmp_path: Path) -> None:
    """Date and caption are on the rendition, never on the original; yesterday's rendition goes when today's is made."""
    now = time.time()
    clock = ShiftedClock(shift=12 * 3600 - now % 86400)  # noon: an id lives for a day, and the next one is 13 hours off
    overlay = "extensions:\n  overlay: {language: en}\n"
    async with live(tmp_path, painter(), options=QUIET + overlay, clock=clock) as server:
        operation = (await server.start(type="provider", provider="painter", prompt="a lake"))["id"]
        await server.done(operation)
        first = await shown(server, operation)
        again = await shown(server, operation)
        assert first.tobytes() == again.tobytes()
        renditions = tmp_path / "data/renditions"
        (file,) = renditions.rglob("*.jpg")
        clock.shift += 13 * 3600
        second = await shown(server, operation)
        (other,) = renditions.rglob("*.jpg")
    assert other != file
    bottom, top = (0, 400, 320, 480), (0, 0, 320, 300)
    assert first.crop(bottom).tobytes() != second.crop(bottom).tobytes()
    assert first.crop(top).tobytes() == second.crop(top).tobytes()
    (original,) = (tmp_path / "images").rglob("*.jpg*")
    assert original.read_bytes() == picture_bytes()


@pytest.mark.parametrize("colour", ["white", "black"])
@pytest.mark.parametrize("place", ["top", "bottom"])
async def test_the_letters_can_be_read_on_any_ground(tmp_path: Path, colour: str, place: str) -> None:
    """Light letters stand on dark, on a white picture too, and the other half of the picture stays as it was."""
    page = Image.new("RGB", (320, 480), colour)
    page.putpixel((0, 240), (128, 128, 128))  # not flat: a flat picture is set aside
    data = io.BytesIO()
    page.save(data, "PNG")
    overlay = f"extensions:\n  overlay: {{place: {place}}}\n"
    async with live(tmp_path, giving(data.getvalue(), "painter"), options=QUIET + overlay) as server:
        drawn = await painted(server, prompt="Длинная подпись " * 9)
    edge = (0, 0, 320, 60) if place == "top" else (0, 420, 320, 480)
    darkest, brightest = ImageStat.Stat(drawn.crop(edge).convert("L")).extrema[0]
    assert darkest < 110
    assert brightest > 220
    rest = (0, 300, 320, 480) if place == "top" else (0, 0, 320, 180)
    mean = ImageStat.Stat(drawn.crop(rest).convert("L")).mean[0]
    assert abs(mean - (255 if colour == "white" else 0)) < 6


# News


@define
class Listening:
    """A web server of the owner's that takes news."""

    url: str = ""
    fail: int = 0  # how many requests it refuses first
    news: list[tuple[dict[str, str], bytes]] = field(factory=list)
    came: asyncio.Event = field(factory=asyncio.Event)
    asked: int = 0

    async def take(self, request: web.Request) -> web.Response:
        self.asked += 1
        if self.asked <= self.fail:
            return web.Response(status=503)
        self.news.append((dict(request.headers), await request.read()))
        self.came.set()
        return web.Response(status=204)


@asynccontextmanager
async def listening(fail: int = 0) -> AsyncIterator[Listening]:
    there = Listening(fail=fail)
    app = web.Application()
    app.router.add_post("/news/{token}", there.take)
    async with TestServer(app) as server:
        there.url = str(server.make_url("/news/hidden-token"))
        yield there


@define
class Hurried(ShiftedClock):
    """A clock whose pauses between two attempts take no time."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0 if seconds in webhook.PAUSES else seconds)


async def test_the_webhook_tells_and_signs(tmp_path: Path) -> None:
    """Every new picture is told with a signature that the secret proves, also when the listener is away at first."""
    async with listening(fail=2) as there:
        options = QUIET + f"extensions:\n  webhook: {{url: '{there.url}', secret: a-shared-secret}}\n"
        async with live(tmp_path, painter(), options=options, clock=Hurried()) as server:
            await painted(server, prompt="озеро", negative="люди")
            async with asyncio.timeout(30):
                await there.came.wait()
            said = (await states(server))["webhook"]
            assert (said["status"], said["kind"]) == ("ready", "listener")
    ((headers, body),) = there.news
    told = json.loads(body)
    assert told["event"] == "picture.ready"
    assert (told["picture"]["prompt"], told["picture"]["negative"]) == ("озеро", "люди")
    assert told["picture"]["provider"] == "painter"
    assert "/" not in told["picture"]["file"]
    signed = headers["X-ImageServer-Timestamp"].encode() + b"." + body
    expected = hmac.new(b"a-shared-secret", signed, hashlib.sha256).hexdigest()
    assert headers["X-ImageServer-Signature"] == f"sha256={expected}"


class Varied(ImageProvider):
    """Never the same picture twice: one that is known already is no news."""

    code = "painter"
    count = 0

    async def generate(self, request: GenerationRequest) -> GeneratedImage:
        self.count += 1
        return GeneratedImage(data=good(self.count))


async def test_a_webhook_that_is_away_holds_up_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is skipped and named, without the address, which is as good as a key; pictures come all the same."""
    caplog.set_level("DEBUG")
    async with listening(fail=10_000) as there:
        options = QUIET + f"extensions:\n  webhook: {{url: '{there.url}', secret: a-shared-secret}}\n"
        async with live(tmp_path, Varied, options=options, clock=Hurried()) as server:
            for _ in range(4):
                await painted(server)
            while (await states(server))["webhook"]["status"] == "ready":  # noqa: ASYNC110 - the state has no event
                await asyncio.sleep(0)
            said = (await states(server))["webhook"]
    assert said["status"] == "paused"
    assert "in trouble (HTTP 503)" in said["reason"]
    assert "extension webhook is skipped" in caplog.text
    ours = "\n".join(one.getMessage() for one in caplog.records if one.name.startswith("imageserver")) + str(said)
    assert "hidden-token" not in ours
    assert "a-shared-secret" not in ours


# Bad ones


def extended(*kinds: type[Extension]) -> str:
    """A plugin's text that registers classes of this test module."""
    lines = ["import test_extensions as here", "from imageserver import hookimpl"]
    doors = {PromptTransform: "prompt_transforms", PictureTransform: "picture_transforms", PictureListener: "listeners"}
    for base, door in doors.items():
        names = [f"here.{kind.__name__}" for kind in kinds if base in kind.__mro__]
        if names:
            lines += [
                "@hookimpl",
                f"def imageserver_register_{door}(register):",
                *(f"    register({one})" for one in names),
            ]
    return "\n".join(lines) + "\n"


class Upper(PromptTransform):
    code = "upper"

    async def transform(self, wish: PromptWish) -> PromptWish:
        return evolve(wish, prompt=wish.prompt.upper())


class Angry(PromptTransform):
    code = "angry"

    async def transform(self, wish: PromptWish) -> PromptWish:
        raise RuntimeError("not this one")


class Wordless(PromptTransform):
    code = "wordless"

    async def transform(self, wish: PromptWish) -> Any:
        return evolve(wish, prompt="  ")


class Leaving(PromptTransform):
    code = "leaving"

    async def transform(self, wish: PromptWish) -> PromptWish:
        raise SystemExit(3)


class Red(PictureTransform):
    code = "red"
    order = 1

    def apply(self, image: Image.Image, picture: PictureFacts) -> Image.Image:
        image.paste((255, 0, 0), (0, 0, 320, 100))
        return image


class Torn(PictureTransform):
    code = "torn"

    def apply(self, image: Image.Image, picture: PictureFacts) -> Image.Image:
        image.paste((0, 255, 0), (0, 100, 320, 200))
        raise ValueError("torn in the middle")


class Keyless(PictureTransform):
    code = "keyless"

    def cache_key(self, picture: PictureFacts) -> str | None:
        raise KeyError("no key")


class Shrinking(PictureTransform):
    code = "shrinking"

    def apply(self, image: Image.Image, picture: PictureFacts) -> Image.Image:
        return image.resize((10, 10))


class Stuck(PictureTransform):
    code = "stuck"
    deadline = 2.0  # it says its key within that on a busy machine too
    free: ClassVar[threading.Event] = threading.Event()

    def apply(self, image: Image.Image, picture: PictureFacts) -> Image.Image:
        self.free.wait(60)
        return image


class Deaf(PictureListener):
    code = "deaf"

    async def picture_ready(self, ready: PictureReady) -> None:
        raise OSError("no ears")


BAD = (Angry, Wordless, Leaving, Torn, Shrinking, Stuck, Deaf)


async def test_bad_extensions_are_skipped_and_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What raises, hangs or gives rubbish is left out and named; the good ones beside it work, and pictures come."""
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    (plugins / "all.py").write_text(extended(Upper, Red, *BAD), encoding="utf-8")
    kind = painter()
    try:
        async with live(tmp_path, kind, options=QUIET, plugins_dir=plugins) as server:
            drawn = await painted(server, prompt="a lake")
            told = await states(server)
            assert not list((tmp_path / "data/renditions").rglob("*.jpg")), "a picture without its drawing was kept"
            again = await painted(server, prompt="a lake")
            assert again.size == (320, 480)
            assert (await states(server))["stuck"]["status"] == "hung"
            while "extension deaf is skipped" not in caplog.text:  # noqa: ASYNC110 - it is told in its own time
                await asyncio.sleep(0)
    finally:
        Stuck.free.set()
    assert [wish.prompt for wish in kind.asked] == ["A LAKE", "A LAKE"]
    red, green, blue = drawn.getpixel((160, 50))  # type: ignore[misc]  # an RGB picture has three
    assert red > 240
    assert max(green, blue) < 20
    assert ImageStat.Stat(drawn.crop((0, 110, 320, 190))).mean[1] < 200, "half a drawing was left behind"
    for bad in BAD:
        assert f"extension {bad.code} is skipped" in caplog.text
    assert told["upper"]["status"] == told["red"]["status"] == "ready"


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Torn, r"ValueError: torn in the middle \(test_extensions\.py:\d+\)"),
        (Shrinking, "it gave no RGB picture of the same size"),
        (Wordless, "it gave no prompt"),
        (Keyless, r"KeyError: 'no key' \(test_extensions\.py:\d+\)"),
    ],
)
async def test_one_that_fails_again_and_again_is_paused(
    kind: type[Extension], said: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Three failures in a row pause it, rubbish too; to say a key is no success. State and log say where it failed."""
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    (plugins / "bad.py").write_text(extended(kind), encoding="utf-8")
    async with live(tmp_path, Varied, options=QUIET, plugins_dir=plugins) as server:
        for _ in range(4):
            await painted(server)
        state = (await states(server))[kind.code]
    assert state["status"] == "paused"
    assert re.match(
        f"3 failures in a row, the last: {said}. It is asked again in (60|[1-5]?[0-9]) s", state["reason"]
    ), state
    lines = [line for line in caplog.messages if line.startswith(f"extension {kind.code} is skipped: ")]
    assert len(lines) == 3
    assert re.search(f": {said}$", lines[-1])


async def test_one_that_cannot_be_built_is_named(tmp_path: Path) -> None:
    """Its reason is told; nobody waits for it."""
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    (plugins / "broken.py").write_text(
        extended(Upper).replace(
            "register(here.Upper)", "register(type('B', (here.Upper,), {'__init__': lambda s, c: 1/0}))"
        )
    )
    async with live(tmp_path, painter(), options=QUIET, plugins_dir=plugins) as server:
        await painted(server)
        said = (await states(server))["upper"]
    assert said["status"] == "broken"
    assert "ZeroDivisionError" in said["reason"]


async def test_which_extensions_serve(tmp_path: Path) -> None:
    """Built-in ones are off until they are named, `wording` apart; unknown names and bad settings have their lines."""
    (tmp_path / "options.yml").write_text(
        "extensions:\n  overley: {}\n  webhook:\n    timeout: 99\n  overlay: {date: never}\n", encoding="utf-8"
    )
    plugins = await load_plugins(tmp_path / "none")
    config = load(tmp_path, flags={}, environment={}, now=datetime.now(UTC))
    problems = sorted(str(one) for one in select_extensions(plugins, config).problems)
    assert problems == [
        'options.yml:2: extensions: there is no extension called overley; did you mean "overlay"?',
        "options.yml:3: extensions.webhook.url: is missing. Where the news goes; http and addresses in the local "
        "network are allowed.",
        "options.yml:4: extensions.webhook.timeout: expected a number above 0, up to 15, got 99",
        'options.yml:5: extensions.overlay.date: expected one of today, picture, off, got "never"',
    ]
    (tmp_path / "options.yml").write_text("", encoding="utf-8")
    config = load(tmp_path, flags={}, environment={}, now=datetime.now(UTC))
    selection = select_extensions(plugins, config)
    assert [one.kind.code for one in selection.enabled] == ["wording"]
    assert set(selection.off) == {"overlay", "webhook"}


async def test_a_change_leaves_the_others_alone(tmp_path: Path) -> None:
    """Taking over another selection keeps what is the same and ends what is gone."""
    upper = EnabledExtension(kind=Upper, settings=None)
    deaf = EnabledExtension(kind=Deaf, settings=None)
    extensions = Extensions(data=tmp_path, clock=NOW, rng=random.Random(1))
    before = set(threading.enumerate())
    assert await extensions.take_over(ExtensionSelection(enabled=(upper, deaf))) == Changes(
        added=("upper", "deaf"), changed=(), removed=(), kept=()
    )
    kept = next(host for host in extensions._of(PromptTransform))
    assert isinstance(kept, ExtensionHost)
    assert await extensions.take_over(ExtensionSelection(enabled=(upper,))) == Changes(
        added=(), changed=(), removed=("deaf",), kept=("upper",)
    )
    assert next(host for host in extensions._of(PromptTransform)) is kept
    assert [state.code for state in extensions.states()] == ["upper"]
    await extensions.close()
    assert not {thread for thread in threading.enumerate() if thread.name == "extension upper"} - before


async def test_other_settings_draw_anew(tmp_path: Path) -> None:
    """After a change of a transform's settings the old rendition is not shown again, whatever its key says."""
    plugins = await load_plugins(tmp_path / "none")
    keys_seen = set()
    facts = PictureFacts(id=1, provider=None, prompt="a lake", model=None, created=0.0, width=320, height=480)
    extensions = Extensions(data=tmp_path, clock=NOW, rng=random.Random(1))
    for language in ("ru", "en"):
        text = f"extensions: {{overlay: {{language: {language}, date: off}}}}\n"
        (tmp_path / "options.yml").write_text(text, encoding="utf-8")
        config = load(tmp_path, flags={}, environment={}, now=datetime.now(UTC))
        await extensions.take_over(select_extensions(plugins, config))
        drawing = await extensions.drawing(facts)
        assert drawing is not None
        keys_seen.add(drawing.key)
    await extensions.close()
    assert len(keys_seen) == 2


async def test_a_crowd_of_drawings_is_no_hang(tmp_path: Path) -> None:
    """A transform's deadline is for one drawing: those that wait in line behind others are not late."""

    class Slow(PictureTransform):
        code = "slow"
        deadline = 4.0  # all of them take longer, and each a small part of it

        def apply(self, image: Image.Image, picture: PictureFacts) -> Image.Image:
            threading.Event().wait(0.3)
            return image

    extensions = Extensions(data=tmp_path, clock=NOW, rng=random.Random(1))
    await extensions.take_over(ExtensionSelection(enabled=(EnabledExtension(kind=Slow, settings=None),)))
    facts = PictureFacts(id=1, provider=None, prompt=None, model=None, created=0.0, width=8, height=8)
    drawing = await extensions.drawing(facts)
    assert drawing is not None
    page = Image.new("RGB", (8, 8))
    with ThreadPoolExecutor(16) as threads:  # all wait at once
        run = asyncio.get_running_loop().run_in_executor
        drawn = await asyncio.gather(*(run(threads, drawing.draw, page) for _ in range(16)))
    assert [whole for _, whole in drawn] == [True] * 16
    assert [state.status for state in extensions.states()] == ["ready"]
    await extensions.close()
