"""The picture of the day: which file is fetched, what is kept with it, and that it is fetched once."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from attrs import frozen
from fakes.wikimedia import FEED, FILES, TODAY, FakeWikimedia

from default_plugins.running_out import TIMEOUT, run_out
from imageserver import (
    BadResult,
    DeadlineExceeded,
    GeneratedImage,
    GenerationRequest,
    PermissionDenied,
    ProviderContext,
    ProviderError,
    RateLimited,
    TransientError,
    Unreachable,
    UnreadableAnswer,
)
from imageserver.default_plugins.wikimedia import Wikimedia
from imageserver.default_plugins.wikimedia.feed import plain, read_featured
from imageserver.default_plugins.wikimedia.kept import is_whole
from imageserver.default_plugins.wikimedia.settings import WikimediaSettings
from imageserver.testing import FakeClock, good

T = TypeVar("T")
DAY = 86400.0
WISH = GenerationRequest(job="job-1", prompt="any", negative=None, width=320, height=480, seed=1)


@frozen(kw_only=True)
class Room:
    """A provider, the fake it talks to, their clock, and the provider's folder."""

    provider: Wikimedia
    fake: FakeWikimedia
    clock: FakeClock
    folder: Path

    async def picture(self) -> GeneratedImage:
        return await self.provider.generate(WISH)

    @property
    def asked(self) -> list[str]:
        """What reached the service: dates of the feed, and files."""
        paths = [one["path"] for one in self.fake.ledger.requests]
        return [path.removeprefix(FEED).removeprefix(FILES) for path in paths]

    def restarted(self, **settings: Any) -> Wikimedia:
        """The provider of a server that was started again."""
        return _provider(self.fake, self.clock, self.folder, **settings)


def _provider(fake: FakeWikimedia, clock: FakeClock, folder: Path, **settings: Any) -> Wikimedia:
    return Wikimedia(
        ProviderContext(
            settings=WikimediaSettings(**{"base_url": f"{fake.url}/api/rest_v1", "timeout": TIMEOUT, **settings}),
            clock=clock,
            random=random.Random(1),
            log=logging.getLogger("imageserver.provider.wikimedia"),
            data_folder=folder,
        )
    )


@asynccontextmanager
async def room(data: Path, mode: str = "good", **settings: Any) -> AsyncIterator[Room]:
    clock = FakeClock()
    folder = data / "providers" / "wikimedia"
    async with FakeWikimedia().running() as fake:
        await fake.become(mode)
        provider = _provider(fake, clock, folder, **settings)
        try:
            yield Room(provider=provider, fake=fake, clock=clock, folder=folder)
        finally:
            await provider.context.close()


def thumbnail(name: str, shown: str, date: str = TODAY) -> str:
    return f"thumb/{date.replace('/', '')}/{name}/{shown}"


async def test_the_picture_of_the_day(tmp_path: Path) -> None:
    """A thumbnail of a standard width, with the names of those to thank, in plain text."""
    async with room(tmp_path, contact="me@example.org") as it:
        made = await it.picture()
        assert made.data.startswith(b"\xff\xd8\xff")
        assert made.details == {
            "title": "Heron_at_200px-dawn",
            "artist": "Ann & Bob",
            "credit": "Own work, a gift",
            "license": "CC BY-SA 4.0",
            "license_url": "https://creativecommons.org/by-sa/4.0",
            "description": "A heron in the reeds",
            "source": "https://commons.wikimedia.org/wiki/File:Heron_at_200px-dawn.jpg",
        }
        assert it.asked == [TODAY, thumbnail("Heron_at_200px-dawn.jpg", "1280px-Heron_at_200px-dawn.jpg")]
        assert set(it.fake.agents) == {f"ImageServer/{Wikimedia.version} (me@example.org)"}


FILE_CASES = [
    ("drawing", 1280, thumbnail("Drawing.svg", "1280px-Drawing.svg.png")),
    ("scan", 960, thumbnail("Scan.tif", "lossy-page1-960px-Scan.tif.jpg")),
    ("small", 1280, f"{TODAY.replace('/', '')}/Small.jpg"),
    ("long", 1280, thumbnail("Long.jpg", "960px-Long.jpg")),
    ("middling", 1280, f"{TODAY.replace('/', '')}/Middling.jpg"),
    ("middling", 960, thumbnail("Middling.jpg", "960px-Middling.jpg")),
    ("good", 1920, thumbnail("Heron_at_200px-dawn.jpg", "1920px-Heron_at_200px-dawn.jpg")),
]


@pytest.mark.parametrize(("mode", "width", "path"), FILE_CASES)
async def test_which_file_is_fetched(tmp_path: Path, mode: str, width: int, path: str) -> None:
    """A standard width below the original's; the original only where it is a small raster picture."""
    async with room(tmp_path, mode, width=width) as it:
        await it.picture()
        assert it.asked == [TODAY, path]


async def test_a_width_that_is_not_made_any_more(tmp_path: Path) -> None:
    """Then the feed's own thumbnail serves."""
    async with room(tmp_path, "width_refused") as it:
        await it.picture()
        assert [path.rpartition("/")[2].partition("px")[0] for path in it.asked[1:]] == ["1280", "640"]


async def test_days_without_a_picture(tmp_path: Path) -> None:
    """It goes back day by day, and for the rest of the day nobody asks again."""
    async with room(tmp_path) as it:
        it.fake.without, it.fake.unknown = {"2027/01/15"}, {"2027/01/14"}
        first = await it.picture()
        assert it.asked[:3] == ["2027/01/15", "2027/01/14", "2027/01/13"]
        assert it.asked[3] == thumbnail("Heron_at_200px-dawn.jpg", "1280px-Heron_at_200px-dawn.jpg", "2027/01/13")
        assert (await it.picture()).data == first.data
        assert len(it.asked) == 4


@pytest.mark.parametrize("mode", ["no_picture_ever", "moving"])
async def test_no_picture_at_all(tmp_path: Path, mode: str) -> None:
    """After `days_back` days it gives up; a GIF, which no frame can show, counts as none."""
    async with room(tmp_path, mode, days_back=2) as it:
        with pytest.raises(BadResult, match="last 3 days"):
            await it.picture()
        assert it.asked == ["2027/01/15", "2027/01/14", "2027/01/13"]


async def test_once_a_day(tmp_path: Path) -> None:
    """The same bytes all day, after a restart too; the next day of UTC brings the next picture."""
    async with room(tmp_path) as it:
        first = await it.picture()
        assert await it.picture() == first
        again = it.restarted()
        assert await again.generate(WISH) == first
        assert len(it.asked) == 2
        it.clock.set(it.clock.now() + DAY)
        assert (await it.picture()).data != first.data
        assert it.asked[2] == "2027/01/16"
        await again.context.close()


async def test_another_width_is_another_picture(tmp_path: Path) -> None:
    """What was kept for other settings does not count."""
    async with room(tmp_path) as it:
        first = await it.picture()
        wider = it.restarted(width=1920)
        assert (await wider.generate(WISH)).data != first.data
        assert "1920px-" in it.asked[-1]
        await wider.context.close()


async def test_the_feed_is_not_asked_again_when_the_picture_fails(tmp_path: Path) -> None:
    """Its answer is kept before the picture is fetched."""
    async with room(tmp_path, "pictures_busy") as it:
        with pytest.raises(RateLimited) as raised:
            await it.picture()
        assert raised.value.retry_after == 60
        await it.fake.become("good")
        await it.picture()
        assert it.asked.count(TODAY) == 1


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"of": 1}', b'{"of": null, "addresses": 1}', b"\xff"])
async def test_damaged_notes_are_fetched_again(tmp_path: Path, damage: bytes) -> None:
    """What cannot be read counts as never kept."""
    async with room(tmp_path) as it:
        await it.picture()
        (it.folder / "day.json").write_bytes(damage)
        await it.picture()
        assert it.asked.count(TODAY) == 2


@pytest.mark.parametrize("mode", ["truncated_jpeg", "no_picture", "wrong_type"])
async def test_half_a_picture_is_not_kept(tmp_path: Path, mode: str) -> None:
    """It is handed on for the server to judge, and fetched again the next time."""
    async with room(tmp_path, mode) as it:
        bad = (await it.picture()).data
        await it.fake.become("good")
        assert (await it.picture()).data != bad
        assert it.asked.count(TODAY) == 1


async def test_a_disk_that_takes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The picture is shown all the same, and the owner is told."""
    (tmp_path / "providers").write_text("a file where the folder should be")
    async with room(tmp_path) as it:
        assert (await it.picture()).data.startswith(b"\xff\xd8\xff")
    assert "cannot be kept" in caplog.text


ERRORS: list[tuple[str, type[ProviderError], str]] = [
    ("agent_refused", PermissionDenied, "contact"),
    ("rate_limited", RateLimited, "too often"),
    ("rate_limited_retry_after", RateLimited, "too often"),
    ("page_for_picture", BadResult, "no picture"),
    ("html", UnreadableAnswer, "no JSON"),
    ("cut_text", UnreadableAnswer, "cut off"),
    ("empty", UnreadableAnswer, "no JSON"),
    ("huge_body", BadResult, "8 MiB"),
    ("redirect", TransientError, "not followed"),
    ("reset", TransientError, "broke off"),
    ("status_503_html", TransientError, "503"),
    ("never_accepts", Unreachable, "no connection"),
    ("silent", DeadlineExceeded, "within"),
]


@pytest.mark.parametrize(("mode", "kind", "word"), ERRORS, ids=[case[0] for case in ERRORS])
async def test_what_goes_wrong(tmp_path: Path, mode: str, kind: type[ProviderError], word: str) -> None:
    """Each has its class and a sentence, the check says the same, and afterwards all is well."""
    async with room(tmp_path, mode) as it:

        async def ended(call: Coroutine[Any, Any, T]) -> T:
            return await (run_out(call, it.fake) if mode in ("never_accepts", "silent") else call)

        with pytest.raises(ProviderError, match=word) as raised:
            await ended(it.picture())
        assert type(raised.value) is kind
        if mode != "page_for_picture":
            assert word in (await ended(it.provider.check()) or "")
        await it.fake.become("good")
        assert await it.provider.check() is None
        assert (await it.picture()).data.startswith(b"\xff\xd8\xff")


async def test_the_picture_comes_from_allowed_places_only(tmp_path: Path) -> None:
    """An answer that names an address in the owner's network gets nothing."""
    async with room(tmp_path) as it:
        await it.picture()
        facts = json.loads((it.folder / "day.json").read_text())
        (it.folder / "day.json").write_text(json.dumps(facts | {"addresses": ["http://127.0.0.1:9/a.jpg"]}))
        (it.folder / "day.picture").unlink()
        with pytest.raises(BadResult, match="neither public https nor ours"):
            await it.picture()


async def test_the_check_fetches_no_picture(tmp_path: Path) -> None:
    """Readiness asks nobody, the check asks the feed."""
    async with room(tmp_path) as it:
        assert await it.provider.readiness() is None
        assert it.asked == []
        assert await it.provider.check() is None
        assert it.asked == [TODAY]
        assert it.fake.ledger.charges == []


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"image": None},
        {"image": "File:A.jpg"},
        {"image": {}},
        {"image": {"thumbnail": {"source": 5}, "image": {"source": None}}},
        {"image": {"thumbnail": {"source": "https://[/a.jpg"}}},
    ],
)
def test_a_feed_of_another_shape(answer: dict[str, Any]) -> None:
    """It holds no picture, and nothing breaks."""
    assert read_featured(answer, 1280) is None


def test_a_thumbnail_alone_is_enough() -> None:
    """Where nothing is told of the original, the wanted width is tried before the feed's own."""
    address = "https://upload.wikimedia.org/thumb/A.jpg/640px-A.jpg"
    featured = read_featured({"image": {"thumbnail": {"source": address}}}, 1280)
    assert featured is not None
    assert featured.addresses == (address.replace("640px-", "1280px-"), address)
    assert featured.details == {}


def test_html_becomes_text() -> None:
    """Tags, styles and comments go, characters are written out, and long texts are cut."""
    assert plain("<!-- x --><p>1 &lt; 2 <b>and</b> 2 > 1</p>\n<style>p {}</style>.") == "1 < 2 and 2 > 1."
    assert len(plain("a" * 9000)) == 501


def test_whole_pictures() -> None:
    """The end of a picture is looked for where its kind has it."""
    jpeg, png = good(1), b"\x89PNG\r\n\x1a\n...IEND\xaeB`\x82"
    webp = b"RIFF\x08\x00\x00\x00WEBPVP8 "
    for whole in (jpeg, png, webp):
        assert is_whole(whole)
        assert not is_whole(whole[: len(whole) - 4])
    assert not is_whole(b"GIF89a")


@pytest.mark.parametrize(
    ("setting", "value", "word"),
    [
        ("language", "English", "the code of a Wikipedia"),
        ("language", "en.evil.org/", "the code of a Wikipedia"),
        ("base_url", "wikipedia.org", "expected an address"),
        ("base_url", "https://en.wikipedia.org/?a=1", 'or "#"|"\\?"'),
        ("contact", "", "one line"),
        ("days_back", 31, "from 0 to 30"),
        ("timeout", 0.0, "above 0"),
    ],
)
def test_settings_that_are_wrong(setting: str, value: Any, word: str) -> None:
    """Each says what was expected."""
    with pytest.raises(ValueError, match=word):
        WikimediaSettings(**{setting: value})


def test_the_address_of_a_language() -> None:
    """The language takes its place in the address."""
    assert WikimediaSettings(language="zh-min-nan").address == "https://zh-min-nan.wikipedia.org/api/rest_v1"
