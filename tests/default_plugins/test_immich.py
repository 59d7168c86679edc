"""Which photos come from Immich, in which order, and what is told with them."""

from __future__ import annotations

import io
import itertools
import json
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fakes.immich import Asset
from PIL import Image

from default_plugins.immich_room import a_wish, provider_in, room
from imageserver import BadProviderRequest
from imageserver.default_plugins.immich import choice, service
from imageserver.testing import good

BOTH = pytest.mark.parametrize("version", [2, 3])


def assets(number: int, prefix: str = "photo") -> list[Asset]:
    return [Asset(name=f"{prefix}-{one}.jpg") for one in range(number)]


@BOTH
async def test_a_photo_with_its_name_and_date(tmp_path: Path, version: int) -> None:
    """The preview's bytes come as they are, with file and date; nothing of the prompt is sent."""
    async with room(tmp_path, version=version) as it:
        it.fake.assets = [Asset(name="IMG_0001.jpg")]
        image = await it.image()
        assert Image.open(io.BytesIO(image.data)).format == "JPEG"
        assert image.details == {"file": "IMG_0001.jpg", "taken": "2019-07-04"}
        assert it.fake.ledger.charges[0]["size"] == "preview"
        assert it.fake.searches == [{"type": "IMAGE", "visibility": "timeline", "size": 100}]


@pytest.mark.parametrize("end", ["", "/", "/api", "/api/"])
async def test_the_address_with_or_without_api(tmp_path: Path, end: str) -> None:
    """Both ways in which owners write the address lead to Immich."""
    async with room(tmp_path) as it, provider_in(tmp_path, base_url=it.fake.url + end) as provider:
        assert await provider.readiness() is None


@pytest.mark.parametrize("show", ["random", "favorites", "album"])
async def test_none_twice_before_all_were_shown(tmp_path: Path, show: str) -> None:
    """A lap shows each once, the next lap again, and no photo comes twice in a row."""
    async with room(tmp_path, show=show, album="Summer") as it:
        seven = assets(7)
        for one in seven:
            one.facts["isFavorite"] = True
        it.fake.assets = seven
        it.fake.add_album("Summer", seven)
        names = await it.names(21)
        laps = [names[start : start + 7] for start in (0, 7, 14)]
        assert all(len(set(lap)) == 7 for lap in laps)
        assert all(one != following for one, following in itertools.pairwise(names))
        assert len({tuple(lap) for lap in laps}) > 1


async def test_never_twice_in_a_row(tmp_path: Path) -> None:
    """Of two photos each is followed by the other, across the laps too."""
    async with room(tmp_path) as it:
        it.fake.assets = assets(2)
        names = await it.names(12)
        assert all(one != following for one, following in itertools.pairwise(names))


async def test_a_library_larger_than_a_draw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While all that chance brought were shown it is asked for more; then a new lap begins."""
    monkeypatch.setattr(choice, "_DRAWS", (2, 4, 4))
    async with room(tmp_path) as it:
        it.fake.assets = assets(6)
        names = await it.names(5)
        assert len(set(names[:4])) == 4
        assert [body["size"] for body in it.fake.searches] == [2, 2, 2, 4, 2, 4, 2, 4, 4]


async def test_what_was_shown_outlives_a_restart(tmp_path: Path) -> None:
    """A second provider in the same data folder goes on with the lap."""
    async with room(tmp_path) as it:
        it.fake.assets = assets(5)
        names = await it.names(3)
        async with provider_in(tmp_path, base_url=it.fake.url) as again:
            names += [(await again.generate(a_wish())).details["file"] for _ in range(2)]
        assert len(set(names)) == 5


@pytest.mark.parametrize("content", ["{", '{"a": 1}', "[1, 2]", "[" * 100_000])
async def test_a_broken_file_of_shown_photos(tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture) -> None:
    """It is told of once and written anew."""
    file = tmp_path / "providers" / "immich" / "shown.json"
    file.parent.mkdir(parents=True)
    file.write_text(content)
    async with room(tmp_path) as it:
        await it.image()
        assert "cannot be used: photos begin from the start" in caplog.text
        assert json.loads(file.read_text()) == it.fake.sent
        assert [one.name for one in file.parent.iterdir()] == ["shown.json"]


async def test_a_folder_that_cannot_be_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The photo comes all the same."""
    (tmp_path / "providers").write_text("a file where a folder should be")
    async with room(tmp_path) as it:
        assert (await it.image()).data
        assert "photos may come again" in caplog.text


async def test_the_memory_of_shown_photos_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest are forgotten first."""
    monkeypatch.setattr("imageserver.default_plugins.immich.shown._MOST", 4)
    async with room(tmp_path) as it:
        it.fake.assets = assets(30)
        await it.names(6)
        file = tmp_path / "providers" / "immich" / "shown.json"
        assert json.loads(file.read_text()) == it.fake.sent[-4:]


@pytest.mark.parametrize("show", ["favorites", "album"])
async def test_all_pages_are_read(tmp_path: Path, show: str) -> None:
    """Photos of later pages come too, and videos in between do no harm."""
    async with room(tmp_path, show=show, album="summer") as it:
        it.fake.largest_page = 2
        seven = assets(7)
        for one in seven:
            one.facts["isFavorite"] = True
        seven[2].facts["type"] = seven[3].facts["type"] = "VIDEO"
        it.fake.assets = seven
        it.fake.add_album("Summer", seven)
        assert set(await it.names(5)) == {f"photo-{number}.jpg" for number in (0, 1, 4, 5, 6)}
        assert [body["page"] for body in it.fake.searches[:4]] == [1, 2, 3, 4]


async def test_pages_in_a_circle(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A next page that is no further one ends the list."""
    async with room(tmp_path, "circle", show="album", album="Summer") as it:
        it.fake.add_album("Summer", assets(2))
        assert (await it.image()).data
        assert len(it.fake.searches) == 1
        assert "go round in a circle" in caplog.text


async def test_pages_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """There is a limit to how many are read."""
    monkeypatch.setattr(service, "MOST_PAGES", 3)
    async with room(tmp_path, show="album", album="Summer") as it:
        it.fake.largest_page = 1
        it.fake.add_album("Summer", assets(9))
        assert (await it.image()).data
        assert len(it.fake.searches) == 3
        assert "only the first" in caplog.text


@pytest.mark.parametrize(
    "facts",
    [
        {"type": "VIDEO"},
        {"isTrashed": True},
        {"isOffline": True},
        {"isArchived": True},
        {"visibility": "archive"},
        {"visibility": "hidden"},
        {"visibility": "locked"},
        {"id": "../users"},
        {"id": None},
    ],
    ids=str,
)
@pytest.mark.parametrize("show", ["random", "album", "memories"])
async def test_what_no_frame_can_show_is_left_out(tmp_path: Path, facts: dict[str, Any], show: str) -> None:
    """Only the ordinary photo comes, time after time."""
    async with room(tmp_path, show=show, album="Summer") as it:
        pair = [Asset(name="good.jpg"), Asset(name="bad.jpg", facts=facts)]
        it.fake.assets = pair
        it.fake.add_album("Summer", pair)
        it.fake.memories = {"01-15": pair}
        assert await it.names(3) == ["good.jpg"] * 3


async def test_only_favorites(tmp_path: Path) -> None:
    """The heart decides, at the server."""
    async with room(tmp_path, show="favorites") as it:
        it.fake.assets = [*assets(4), Asset(name="loved.jpg", facts={"isFavorite": True})]
        assert await it.names(2) == ["loved.jpg"] * 2


@BOTH
@pytest.mark.parametrize("by", ["Summer 2019", "  summer 2019 ", "id"])
async def test_an_album_by_name_or_id(tmp_path: Path, version: int, by: str) -> None:
    """Capital letters do not count; what is shown carries the album's own name."""
    async with room(tmp_path, version=version) as it:
        album_id = it.fake.add_album("Summer 2019", [Asset(name="beach.jpg")])
        it.fake.add_album("Winter", assets(3))
        album = album_id if by == "id" else by
        async with provider_in(tmp_path, base_url=it.fake.url, show="album", album=album) as provider:
            image = await provider.generate(a_wish())
        assert image.details == {"file": "beach.jpg", "taken": "2019-07-04", "album": "Summer 2019"}


@pytest.mark.parametrize(
    ("albums", "words"),
    [
        (["Summer", "Sumer 2", "Cats"], 'no album "Sumner"; near to it: Summer, Sumer 2'),
        (["Cats", "Birds"], 'no album "Sumner"; some that it has: Birds, Cats'),
        ([], "the owner of the API key has no albums"),
        (["sumner", "Sumner"], 'Immich has 2 albums called "Sumner": write the id as album'),
    ],
)
async def test_an_album_that_cannot_be_found(tmp_path: Path, albums: list[str], words: str) -> None:
    """The owner reads which names are near; so says the readiness too."""
    async with room(tmp_path, show="album", album="Sumner") as it:
        for name in albums:
            it.fake.add_album(name, assets(1))
        with pytest.raises(BadProviderRequest, match=words):
            await it.image()
        assert words in (await it.provider.readiness() or "")


@pytest.mark.parametrize(
    ("show", "words"),
    [
        ("random", "no photos yet"),
        ("favorites", "mark some photos with the heart"),
        ("album", "the album Summer has no photos"),
        ("memories", "no memories for today"),
    ],
)
async def test_nothing_to_show(tmp_path: Path, show: str, words: str) -> None:
    """It is no failure that pauses the provider, and the readiness keeps it from being asked."""
    async with room(tmp_path, "nothing", show=show, album="Summer") as it:
        loved = [Asset(facts={"isFavorite": True})]
        it.fake.add_album("Summer", loved)
        it.fake.memories = {"01-15": loved}
        with pytest.raises(BadProviderRequest, match=words):
            await it.image()
        assert words in (await it.provider.readiness() or "")
        await it.fake.become("good")
        assert await it.provider.readiness() is None


@pytest.mark.parametrize(("zone", "day"), [("Pacific/Auckland", "16"), ("America/Los_Angeles", "15")])
async def test_memories_of_the_day_on_the_wall(tmp_path: Path, zone: str, day: str) -> None:
    """Today is today in the server's zone, in the form in which Immich's own apps ask."""
    async with room(tmp_path, show="memories") as it:
        it.clock.zone = ZoneInfo(zone)
        it.clock.set(datetime.fromisoformat("2027-01-15T20:00:00+00:00").timestamp())
        it.fake.memories = {"01-15": [Asset(name="15.jpg")], "01-16": [Asset(name="16.jpg")]}
        it.fake.assets = [one for photos in it.fake.memories.values() for one in photos]
        assert await it.names(1) == [f"{day}.jpg"]
        assert it.fake.memory_times == [f"2027-01-{day}T{'09' if day == '16' else '12'}:00:00.000Z"]


@BOTH
@pytest.mark.parametrize(("size", "name"), [((320, 480), "upright.jpg"), ((480, 320), "wide.jpg")])
async def test_photos_that_fit_come_first(tmp_path: Path, version: int, size: tuple[int, int], name: str) -> None:
    """With fit the frame's shape decides first, and the others still have their turn in the lap."""
    async with room(tmp_path, version=version, orientation="fit") as it:
        wide = Asset(name="wide.jpg", width=4032, height=3024)
        upright = Asset(name="upright.jpg", width=4032, height=3024, on_its_side=True)
        it.fake.assets = [wide, upright, Asset(name="unknown.jpg")]
        names = [(await it.image(*size)).details["file"] for _ in range(3)]
        assert names[0] == name
        assert len(set(names)) == 3
        assert it.fake.searches[0]["withExif"] is True


async def test_another_when_one_is_gone(tmp_path: Path) -> None:
    """Deleted photos and those without a preview are passed over, and the lap ends all the same."""
    async with room(tmp_path) as it:
        it.fake.assets = [
            Asset(name="deleted.jpg", is_deleted=True),
            Asset(name="young.jpg", has_preview=False),
            *assets(2),
        ]
        names = await it.names(6)
        assert {tuple(sorted(names[start : start + 2])) for start in (0, 2, 4)} == {("photo-0.jpg", "photo-1.jpg")}
        assert len(it.fake.sent) > 6


@pytest.mark.parametrize(("kind", "content_type"), [("WEBP", "image/webp"), ("PNG", "image/png")])
async def test_other_kinds_of_pictures(tmp_path: Path, kind: str, content_type: str) -> None:
    """Previews are WEBP where the administrator wanted them so."""
    async with room(tmp_path) as it:
        it.fake.kind = (_saved(kind), content_type)
        assert (await it.image()).data == _saved(kind)


async def test_full_size_leads_to_the_original(tmp_path: Path) -> None:
    """A redirect on the same host is followed, with the key."""
    async with room(tmp_path, size="fullsize") as it:
        original = good(99)
        it.fake.assets = [Asset(original=original)]
        assert (await it.image()).data == original


@pytest.mark.parametrize("original", [None, b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"], ids=["none", "gif"])
async def test_full_size_falls_back_to_the_preview(tmp_path: Path, original: bytes | None) -> None:
    """Where there is none, and where it is of a kind that the server does not read."""
    async with room(tmp_path, size="fullsize") as it:
        it.fake.assets = [Asset(original=original)]
        assert (await it.image()).data.startswith(b"\xff\xd8\xff")


def _saved(kind: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (32, 48), "teal").save(file, kind)
    return file.getvalue()
