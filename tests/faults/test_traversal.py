"""Promise P13: no path, symlink, backslash, %2e or NUL leads out of the folders that are the server's."""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from live import OWNER, Live, live, painter, picture_bytes
from PIL import Image

from faults.traversal import Answered, asked_raw, requests, strings
from imageserver.pictures import reading
from imageserver.web import keys
from imageserver.web.routes import ROUTES

MARK = b"what lies outside is nobody's business"
WITH_A_PART = [(method, path) for method, path, _, _ in ROUTES if "{" in path]
IN_PASSWD = b"root:x:0:0"
API = "/api/v1/pictures"


def leaks(answered: Answered) -> bool:
    """Whether a byte of what must not be seen came back."""
    return MARK in answered.everything or IN_PASSWD in answered.everything


def everything_below(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_there_are_enough_of_them(tmp_path: Path) -> None:
    """The promise says 500; each is another one."""
    attacks = strings(tmp_path / "outside.txt")
    assert len(attacks) == len(set(attacks)) >= 500
    assert len(WITH_A_PART) >= 15


async def test_no_string_reaches_a_file_outside(tmp_path: Path) -> None:
    """Every route with a part of its own in its path gets all of them, as the owner: nothing comes of it."""
    outside = tmp_path / "outside.txt"
    outside.write_bytes(MARK)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.jpg").write_bytes(MARK)
    attacks = strings(outside)
    options = f"disabled_providers: [atelier]  # {MARK.decode()}\n"
    async with live(tmp_path, painter(), options=options, stored=1) as server:
        before = everything_below(tmp_path / "elsewhere") | {"it": outside.read_bytes()}
        for method, path in WITH_A_PART:
            answered = await asyncio.to_thread(
                asked_raw, server.port, method, requests(path.replace(":.*", ""), attacks), OWNER
            )
            assert len(answered.statuses) == len(attacks)
            assert not leaks(answered), (method, path)
            assert {status for status in answered.statuses if status >= 500} == set(), (method, path)
            # 0: aiohttp's parser ended it; it may take a head that is far too long for no head at all
            assert answered.statuses.count(0) <= 5, (method, path)
        assert everything_below(tmp_path / "elsewhere") | {"it": outside.read_bytes()} == before
        assert (server.images / "stored0.jpg").exists()
        assert (await server.frame.picture("old"))[:2] == b"\xff\xd8"


async def test_a_careless_server_is_seen(tmp_path: Path) -> None:
    """The control: a handler that joins what it is given to a folder gives the file away, and the search finds it."""
    outside = tmp_path / "outside.txt"
    outside.write_bytes(MARK)
    (tmp_path / "served").mkdir()

    async def careless(request: web.Request) -> web.Response:
        try:
            data = await asyncio.to_thread((tmp_path / "served" / unquote(request.match_info["name"])).read_bytes)
        except (OSError, ValueError):
            raise web.HTTPNotFound from None
        return web.Response(body=data)

    app = web.Application()
    app.router.add_get("/files/{name:.*}", careless)
    async with TestServer(app) as server:
        assert server.port is not None
        targets = requests("/files/{name}", strings(outside))
        answered = await asyncio.to_thread(asked_raw, server.port, "GET", targets, {})
    assert leaks(answered)
    assert sum(MARK in body for body in answered.bodies) > 10


OUTSIDE = "fuchsia"  # the colour of what no frame and no page may show


def shows_what_is_outside(data: bytes) -> bool:
    """Whether an answer is the outside picture, as it is or made into another size."""
    if MARK in data:
        return True
    try:
        with Image.open(io.BytesIO(data)) as picture:
            red, green, blue = picture.convert("RGB").getpixel((picture.width // 2, picture.height // 4))  # type: ignore[misc]
    except OSError:
        return False
    return bool(red > 180 and green < 80 and blue > 180)


async def what_is_shown(server: Live) -> list[bytes]:
    """Everything that a person and a frame can see of the pictures."""
    shown, numbers = [], []
    for deleted in ("false", "true"):
        async with server.http.get(f"{API}?deleted={deleted}") as answer:
            numbers += [one["id"] for one in (await answer.json())["pictures"]]
    for number in numbers:
        for what in ("original", "thumbnail.jpg"):
            async with server.http.get(f"{API}/{number}/{what}") as answer:
                shown.append(await answer.read())
        async with server.http.get(f"/current.jpg?picture={number}") as answer:
            shown.append(await answer.read())
    for path in ("/api/v1/plugins", "/gallery", "/", "/providers", "/metrics"):
        async with server.http.get(path) as answer:
            shown.append(await answer.read())
    return shown + [await server.frame.picture("old") for _ in range(len(numbers) + 2)]


async def renditions_forgotten(server: Live) -> None:
    """What was made before of the pictures must not hide what is made of them now."""
    for number in range(20):
        picture = await server.app[keys.STORE].picture(number)
        if picture is not None:
            await server.app[keys.STORE].renditions.forget(picture.version)


def plant(tmp_path: Path) -> None:
    """Links to the outside in every folder that the server reads, before it starts."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "p.jpg").write_bytes(picture_bytes(OUTSIDE) + MARK)
    (outside / "leak.py").write_bytes(MARK)
    (tmp_path / "photos").mkdir()
    (tmp_path / "images" / "original").mkdir(parents=True)
    (tmp_path / "images" / ".trash" / "1-1").mkdir(parents=True)
    (tmp_path / "no-plugins").mkdir()
    for place in ("photos", "images", "images/original", "images/.trash/1-1"):
        (tmp_path / place / "planted.jpg").symlink_to(outside / "p.jpg")
        (tmp_path / place / "folder").symlink_to(outside)
    (tmp_path / "no-plugins" / "leak.py").symlink_to(outside / "leak.py")
    (tmp_path / "no-plugins" / "folder").symlink_to(outside)
    for name in ("swapped", "plain"):
        (tmp_path / "photos" / f"{name}.jpg").write_bytes(picture_bytes("teal"))
        (tmp_path / "images" / f"{name}.jpg").write_bytes(picture_bytes("navy"))
        (tmp_path / "images" / "original" / f"{name}.jpg").write_bytes(picture_bytes("olive"))
    (tmp_path / "photos" / "deep").mkdir()
    (tmp_path / "photos" / "deep" / "p.jpg").write_bytes(picture_bytes("gold"))


def swap(tmp_path: Path) -> None:
    """What was a picture, or a folder, when it was scanned becomes a link. Times stay, as far as they can."""
    for place in ("photos", "images", "images/original"):
        (tmp_path / place / "swapped.jpg").unlink()
        (tmp_path / place / "swapped.jpg").symlink_to(tmp_path / "outside" / "p.jpg")
    (tmp_path / "photos" / "deep").rename(tmp_path / "deep")
    (tmp_path / "photos" / "deep").symlink_to(tmp_path / "outside")
    for trashed in (tmp_path / "images" / ".trash").glob("*/plain.jpg"):
        trashed.unlink()
        trashed.symlink_to(tmp_path / "outside" / "p.jpg")


def careless(path: Path, _store: Path | None = None) -> bytes:
    """Reads whatever is there, as a server would that trusts its own scan."""
    return path.read_bytes()


def always(*_anything: Any) -> bool:
    return True


@pytest.mark.parametrize("is_careless", [False, True], ids=["as it is", "the control"])
async def test_planted_links_lead_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_careless: bool) -> None:
    """In store, library, plugins and trash, there from the start or put there later: nobody sees where they lead.

    A server that trusts what it scanned does show it, to the same search.
    """
    plant(tmp_path)
    if is_careless:
        for module in ("store", "album"):
            monkeypatch.setattr(f"imageserver.pictures.{module}.read_original", careless)
        monkeypatch.setattr("imageserver.pictures.album.is_plain", always)
    photos = f"providers:\n  folder: {{local_image_folder: {tmp_path / 'photos'}}}\n"
    async with live(tmp_path, options=f"disabled_providers: [atelier]\n{photos}") as server:
        async with server.http.get(API) as answer:
            pictures = (await answer.json())["pictures"]
        assert sorted(one["name"] for one in pictures) == ["p.jpg", *["plain.jpg"] * 3, *["swapped.jpg"] * 3]
        assert not any(map(shows_what_is_outside, await what_is_shown(server)))
        doomed = next(one["id"] for one in pictures if one["name"] == "plain.jpg" and not one["is_owners"])
        async with server.http.delete(f"{API}/{doomed}") as answer:
            assert answer.status == 200
        swap(tmp_path)
        await renditions_forgotten(server)
        assert any(map(shows_what_is_outside, await what_is_shown(server))) is is_careless
        if not is_careless:
            async with server.http.post(f"{API}/{doomed}/restore") as answer:
                assert answer.status in (200, 404, 409), await answer.text()
            await renditions_forgotten(server)
            assert not any(map(shows_what_is_outside, await what_is_shown(server)))
    assert (tmp_path / "outside" / "p.jpg").read_bytes().endswith(MARK)


def test_a_pipe_in_a_pictures_place_holds_nobody_up(tmp_path: Path) -> None:
    """What is no file is not read, and not waited for."""
    os.mkfifo(tmp_path / "a.jpg")
    with pytest.raises(OSError, match="no plain file"):
        reading.read_original(tmp_path.resolve() / "a.jpg")


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda store: (store / "a.jpg").touch(), True),
        (lambda store: (store / "a.jpg").symlink_to("/etc/passwd"), False),
        (lambda store: (store / "a.jpg").mkdir(), False),
        (lambda _store: None, False),
    ],
    ids=["a file", "a link", "a folder", "nothing"],
)
def test_what_a_plain_file_is(tmp_path: Path, make: Callable[[Path], None], expected: bool) -> None:
    """The store itself, and its folder of originals, may be links of the owner's; nothing below them may."""
    disk = tmp_path.resolve() / "disk"
    disk.mkdir()
    store = tmp_path / "store"
    store.symlink_to(disk)
    make(disk)
    assert reading.is_plain(store / "a.jpg", store) is expected
    assert reading.is_plain(disk / "a.jpg", None) is expected
    assert not reading.is_plain(store / "a.jpg", None)  # a library's path has no links in it
    (disk / "elsewhere").mkdir()
    make(disk / "elsewhere")
    (disk / "original").symlink_to(disk / "elsewhere")
    (disk / "other").symlink_to(disk / "elsewhere")
    assert reading.is_plain(store / "original" / "a.jpg", store) is expected
    assert not reading.is_plain(store / "other" / "a.jpg", store)
