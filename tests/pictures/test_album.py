"""Pages of the album: newest first, searched in any script, right while pictures come, and cheap in a large store."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

import pytest
from attrs import evolve
from journal.records import a_job, a_picture

from imageserver.journal import STORE, Query, album_pages
from imageserver.journal.album_pages import MOST_SEEN, PIECE, fold, walk
from pictures.room import Room, jpeg

PROMPTS = {
    "Рыжая ЛИСА в снегу": ("лис", "ЛИСА", "снегу рыж"),
    "Ёлка и снегирь": ("елка", "ЁЛК", "снегирь"),
    "Ein Fuchs im Strauß": ("STRAUSS", "fuchs ein"),
    "cafe\N{COMBINING ACUTE ACCENT} at dusk": ("CAFÉ", "dusk"),
    "100% fox_trot": ("0% f", "x_t"),
}


async def with_prompts(room: Room, *prompts: str, provider: str = "painter") -> list[int]:
    """Pictures as providers made them, in this order; their files are not there."""
    adding = (
        room.journal.albums.add(evolve(a_picture(f"original/{provider}{number}.jpg"), prompt=prompt, provider=provider))
        for number, prompt in enumerate(prompts)
    )
    return await asyncio.gather(*adding)  # in this order, with a few commits


async def found(room: Room, **asked: object) -> list[str | None]:
    """What the album finds, newest first."""
    page = await room.people.album.page(after=None, count=100, **asked)
    assert page.after is None
    return [picture.prompt for picture in page.pictures]


async def test_words_are_found_in_any_script(room: Room) -> None:
    """All words must be there, in any order, also as parts of words; capitals, ё and composed letters do not count."""
    await with_prompts(room, *PROMPTS)
    for prompt, searches in PROMPTS.items():
        for words in searches:
            assert await found(room, words=words) == [prompt], words
    assert await found(room, words="снег") == ["Ёлка и снегирь", "Рыжая ЛИСА в снегу"]
    assert await found(room, words="снег лиса fox") == []
    assert await found(room, words="%") == ["100% fox_trot"]


async def test_pictures_without_a_prompt_are_found_by_their_name(room: Room) -> None:
    """The owner's own pictures have names of files; the folder is not a part of it."""
    room.put("original/Кот-на-диване.jpg")
    await room.store.scan()
    (picture,) = (await room.people.album.page(after=None, count=9, words="кот дива")).pictures
    assert picture.path == "original/Кот-на-диване.jpg"
    assert (await room.people.album.page(after=None, count=9, words="original")).pictures == ()


async def test_filters_hold_together(room: Room) -> None:
    """Provider, favourite, hidden and words are combined; the owner's pictures are those of nobody."""
    room.put("mine.jpg")
    await room.store.scan()
    ids = await with_prompts(room, "a fox", "a hare", "a fox again")
    await with_prompts(room, "a fox too", provider="other")
    album = room.people.album
    for number in ids[:2]:
        picture = await album.get(number)
        assert picture is not None
        await album.mark(picture, favourite=True, hidden=number == ids[1])
    assert await found(room, provider="painter") == ["a fox again", "a hare", "a fox"]
    assert await found(room, provider="") == [None]
    assert await found(room, favourite=True) == ["a hare", "a fox"]
    assert await found(room, favourite=True, hidden=False) == ["a fox"]
    assert await found(room, hidden=True) == ["a hare"]
    assert await found(room, favourite=False, provider="painter", words="fox") == ["a fox again"]
    assert await found(room, favourite=True, provider="other") == []


async def test_libraries_that_do_not_serve_are_not_shown(room: Room) -> None:
    """A picture of a provider that is off is neither on a page nor to be had by its number."""
    number = await room.journal.albums.add(evolve(a_picture("/photos/a.jpg"), root="folder"))
    assert (await room.people.album.page(after=None, count=9)).pictures == ()
    assert await room.people.album.get(number) is None
    room.libraries["folder"] = list
    assert [one.id for one in (await room.people.album.page(after=None, count=9)).pictures] == [number]


async def test_pages_stay_right_while_pictures_come_and_go(room: Room) -> None:
    """Every picture that was there at the first page is seen once, whatever is added or deleted meanwhile."""
    ids = await with_prompts(room, *(f"p{number}" for number in range(20)))
    seen: list[int] = []
    after: int | None = None
    for step in range(10):
        page = await room.people.album.page(after=after, count=3)
        seen += [picture.id for picture in page.pictures]
        after = page.after
        if after is None:
            break
        await with_prompts(room, f"new{step}", provider=f"other{step}")
        if step == 2:
            await room.journal.pictures.forget([ids[5], seen[-1]])
    assert seen == [number for number in reversed(ids) if number != ids[5]]


@pytest.mark.parametrize("count", [1, 4, 5, 6])
async def test_the_last_page_says_that_it_is_the_last(room: Room, count: int) -> None:
    """A cursor is given exactly when there is something behind it."""
    await with_prompts(room, *(f"p{number}" for number in range(5)))
    page = await room.people.album.page(after=None, count=count)
    assert (page.after is None) == (count >= 5)


async def test_a_rare_word_in_a_large_store(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """One question looks at a bounded number of pictures; the next goes on where it stopped, and nothing is missed."""
    await with_prompts(room, "the needle", *["hay"] * (MOST_SEEN + PIECE))
    reads = 0
    piece_of = album_pages.piece_of

    def counted(*arguments: object) -> object:
        nonlocal reads
        reads += 1
        return piece_of(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("imageserver.journal.album_records.piece_of", counted)
    first = await room.people.album.page(after=None, count=10, words="needle")
    assert (first.pictures, reads) == ((), MOST_SEEN // PIECE)
    assert first.after is not None
    second = await room.people.album.page(after=first.after, count=10, words="needle")
    assert ([one.prompt for one in second.pictures], second.after) == (["the needle"], None)
    reads = 0
    assert len((await room.people.album.page(after=None, count=60, words="hay")).pictures) == 60
    assert reads == 1


@pytest.mark.parametrize(
    ("asked", "plan"),
    [
        ({}, "SEARCH pictures USING INTEGER PRIMARY KEY (rowid<?)"),
        ({"words": "fox"}, "SEARCH pictures USING INTEGER PRIMARY KEY (rowid<?)"),
        ({"favourite": False, "hidden": False}, "SEARCH pictures USING INTEGER PRIMARY KEY (rowid<?)"),
        ({"provider": "painter"}, "SEARCH pictures USING INDEX pictures_provider (provider=? AND id<?)"),
        ({"provider": ""}, "SEARCH pictures USING INDEX pictures_provider (provider=? AND id<?)"),
        ({"favourite": True, "provider": "painter"}, "SEARCH pictures USING INDEX pictures_favourite (id<?)"),
        ({"hidden": True}, "SEARCH pictures USING INDEX pictures_hidden (id<?)"),
        ({"is_deleted": True}, "SEARCH pictures USING INDEX pictures_deleted (id<?)"),
    ],
)
async def test_a_page_walks_along_an_index(room: Room, asked: dict[str, object], plan: str) -> None:
    """SQLite begins at the cursor and sorts nothing, so a page costs the same in a store of any size."""
    query, values = walk(Query(roots=frozenset({STORE}), **asked), 100)  # type: ignore[arg-type]
    await room.journal.close()
    with closing(sqlite3.connect(room.journal.path)) as connection:
        steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query}", values)]
    await room.journal.open()
    assert steps == [plan]


async def test_what_the_owner_says_of_a_picture(room: Room) -> None:
    """Favourite and hidden are noted one by one and outlive what else changes."""
    made = await room.add(a_job("j"))
    album = room.people.album
    assert await album.mark(made, favourite=True) == evolve(made, favourite=True)
    hidden = await album.mark(evolve(made, favourite=True), hidden=True)
    await room.journal.pictures.set_focus(made.id, (0.5, 0.25))
    assert await album.get(made.id) == evolve(hidden, focus=(0.5, 0.25))
    assert not room.store.has(made.id)
    await album.mark(hidden, hidden=False)
    assert room.store.has(made.id)


async def test_a_thumbnail_is_made_once(room: Room) -> None:
    """It is small, lies among the renditions, is the same again, and is another one with another focal point."""
    path = room.put("a.jpg")
    await room.store.scan()
    (picture,) = await room.all()
    album = room.people.album
    first = await album.thumbnail(picture)
    assert first is not None
    assert first[:2] == b"\xff\xd8"
    made = list((room.base / "renditions").rglob("*.jpg"))
    assert len(made) == 1
    path.unlink()
    assert await album.thumbnail(picture) == first
    moved = evolve(picture, focus=(0.1, 0.1))
    assert album.thumbnail_tag(moved) != album.thumbnail_tag(picture)
    assert await album.thumbnail(moved) is None  # its file is gone, and no thumbnail is there to stand in


async def test_a_broken_picture_has_no_thumbnail(room: Room) -> None:
    """It is noted as broken, so that no frame is shown it either."""
    room.put("a.jpg", jpeg()[:200])
    await room.store.scan()
    (picture,) = await room.all()
    assert await room.people.album.thumbnail(picture) is None
    assert not room.store.has(picture.id)
    assert await room.all() == []


def test_folding() -> None:
    """Letters that a person takes for the same are the same."""
    assert fold("ЁЖ") == fold("еж") == "еж"
    assert fold("STRASSE") == fold("straße")
