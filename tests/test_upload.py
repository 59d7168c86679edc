"""Pictures that people bring: decoded before they are kept, told from what is there, and said file by file."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import re
import struct
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from live import Live, live, picture_bytes
from PIL import Image

from imageserver import heif
from imageserver.pictures import upload
from imageserver.web import keys, picture_upload

QUIET = "disabled_providers: [atelier]\n"
API = "/api/v1/pictures"


async def brought(server: Live, *files: tuple[str, bytes], status: int = 200) -> list[dict[str, Any]]:
    """What the server says of files that are sent in one form."""
    form = aiohttp.FormData(quote_fields=False)  # as browsers write names
    form.add_field("note", "not a file")
    for name, data in files:
        form.add_field("file", io.BytesIO(data), filename=name, content_type="image/jpeg")
    async with server.http.post(API, data=form) as answer:
        text = await answer.text()
        assert answer.status == status, text
        said: list[dict[str, Any]] = json.loads(text).get("files", [])
        return said


def stored(server: Live) -> list[str]:
    """What lies in the store."""
    return sorted(str(path.relative_to(server.images)) for path in server.images.rglob("*") if path.is_file())


def heic(size: tuple[int, int] = (64, 96), **kept: Any) -> bytes:
    """A photo as an iPhone writes it, left half red."""
    import pillow_heif

    picture = Image.new("RGB", size, "blue")
    picture.paste("red", (0, 0, size[0] // 2, size[1]))
    file = io.BytesIO()
    pillow_heif.from_pillow(picture).save(file, quality=-1, chroma=444, **kept)
    return file.getvalue()


async def test_several_at_once(tmp_path: Path) -> None:
    """Each file of a form is kept untouched under a name of ours, can hang at once, and a bad one spoils no other."""
    files = [
        ("Кот на диване.JPG", picture_bytes("red")),
        ("notes.txt", b"these are no pixels"),
        ("../../x/..\\evil.png", picture_bytes("blue", kind="PNG")),
        ("empty.jpg", b""),
        ("half.jpg", picture_bytes("green")[:900]),
        ("a.webp", picture_bytes("yellow", kind="WEBP")),
    ]
    async with live(tmp_path, options=QUIET) as server:
        said = await brought(server, *files)
        assert [(one["name"], one["outcome"]) for one in said] == [
            ("Кот на диване.JPG", "added"),
            ("notes.txt", "refused"),
            ("../../x/..\\evil.png", "added"),
            ("empty.jpg", "refused"),
            ("half.jpg", "refused"),
            ("a.webp", "added"),
        ]
        assert said[1]["message"] == "no JPEG, PNG or WEBP picture"
        assert said[3]["message"] == "it is empty"
        assert said[4]["message"].startswith("cannot be decoded")
        names = stored(server)
        assert [re.sub("^original/u[0-9]+-[0-9a-f]{12}", "", name) for name in names] == sorted(
            ["-Кот-на-диване.jpg", "-evil.png", "-a.webp"],
            key=lambda end: names.index(next(n for n in names if end in n)),
        )
        kept = {hashlib.sha256((server.images / name).read_bytes()).digest() for name in names}
        assert kept == {hashlib.sha256(files[place][1]).digest() for place in (0, 2, 5)}
        assert await server.health("stored") == 3
        for one in (said[0], said[2], said[5]):
            picture = await server.app[keys.PEOPLE].album.get(one["picture"])
            assert picture is not None
            assert not picture.is_ours
        await server.app[keys.STORE].scan()
        assert await server.health("stored") == 3


async def test_bytes_that_are_there_already(tmp_path: Path) -> None:
    """The answer names the picture that is there: uploaded before, made by a provider, put by hand, or in the trash."""
    async with live(tmp_path, options=QUIET, stored=1) as server:
        by_hand = (server.images / "stored0.jpg").read_bytes()
        new = picture_bytes("white")
        said = await brought(server, ("a.jpg", by_hand), ("b.jpg", new), ("c.jpg", new))
        assert [(one["outcome"], one["picture"]) for one in said] == [("known", 1), ("added", 2), ("known", 2)]
        async with server.http.delete(f"{API}/2") as answer:
            assert answer.status == 200
        assert [(one["outcome"], one["picture"]) for one in await brought(server, ("b.jpg", new))] == [("restored", 2)]
        (server.images / "stored0.jpg").write_bytes(picture_bytes("pink"))
        await server.app[keys.STORE].scan()
        assert [one["outcome"] for one in await brought(server, ("a.jpg", by_hand))] == ["added"]


async def test_the_same_file_from_two_phones_at_once(tmp_path: Path) -> None:
    """However they cross, it is kept once."""
    async with live(tmp_path, options=QUIET) as server:
        said = await asyncio.gather(*(brought(server, (f"{n}.jpg", picture_bytes("red"))) for n in range(5)))
        assert sorted(one[0]["outcome"] for one in said) == ["added", "known", "known", "known", "known"]
        assert len(stored(server)) == 1


async def test_one_picture_as_the_body(tmp_path: Path) -> None:
    """Programs send the bytes alone, with the name in the address."""
    async with live(tmp_path, options=QUIET) as server:
        async with server.http.post(
            f"{API}?name=cat.jpg", data=picture_bytes(), headers={"Content-Type": "image/jpeg"}
        ) as answer:
            said = (await answer.json())["files"]
        assert [(one["name"], one["outcome"]) for one in said] == [("cat.jpg", "added")]
        assert stored(server)[0].endswith("-cat.jpg")


@pytest.mark.parametrize(
    ("kind", "body", "message"),
    [
        ("application/json", b"{}", "multipart/form-data"),
        ("multipart/form-data", b"x", "the form cannot be read"),
        ("multipart/form-data; boundary=x", b"nothing", "the form cannot be read"),
        ("multipart/form-data; boundary=x", b"--x\r\nno header\r\n\r\n1\r\n--x--", "the form cannot be read"),
        ("multipart/form-data; boundary=x", b"--x\r\na: " + b"a" * 70_000 + b"\r\n\r\n1\r\n--x--", "cannot be read"),
        (
            "multipart/form-data; boundary=x",
            b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x--",
            "no file",
        ),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n--x--", "form"),
    ],
)
async def test_what_is_no_form(tmp_path: Path, kind: str, body: bytes, message: str) -> None:
    """A body in which no file can be found is a 400 that says what is wanted."""
    async with live(tmp_path, options=QUIET) as server:
        async with server.http.post(API, data=body, headers={"Content-Type": kind}) as answer:
            said = await answer.json()
            assert answer.status == 400, said
            assert message in said["error"]["message"]
        assert stored(server) == []


async def test_size_and_number_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is too large is refused and those behind it are not; too many, or too much, ends the request."""
    monkeypatch.setattr(upload, "LARGEST", 2**20)
    monkeypatch.setattr(picture_upload, "MOST_FILES", 3)
    monkeypatch.setattr(picture_upload, "_MOST_BYTES", 5 * 2**20)
    async with live(tmp_path, options=QUIET) as server:
        large = picture_bytes("red") + bytes(2**20)
        said = await brought(server, ("large.jpg", large), ("b.jpg", picture_bytes("blue")))
        assert [(one["outcome"], one["message"]) for one in said] == [
            ("refused", "it is larger than 1 MB"),
            ("added", ""),
        ]
        await brought(server, *[("x.jpg", b"x")] * 4, status=400)
        await brought(server, ("a.jpg", bytes(6 * 2**20)), status=413)

        async def endless() -> AsyncIterator[bytes]:
            for _ in range(6):
                yield bytes(2**20)

        async with server.http.post(API, data=endless(), headers={"Content-Type": "image/png"}) as answer:
            assert answer.status == 413
        assert len(stored(server)) == 1


def png_bomb() -> bytes:
    """A few hundred bytes that promise 400 million pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


async def test_a_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    """What would fill the memory when decoded is not decoded."""
    async with live(tmp_path, options=QUIET) as server:
        (said,) = await brought(server, ("bomb.png", png_bomb()))
        assert (said["outcome"], said["message"]) == ("refused", "far too many pixels")
        assert stored(server) == []


async def test_a_phone_that_goes_away_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that breaks off in the middle of a file leaves no file behind, and the next one is taken."""
    begun, ended = asyncio.Event(), asyncio.Event()
    take, spend = upload.Uploads.take, picture_upload._Budget.spend

    async def told(*arguments: Any) -> upload.Brought:
        try:
            return await take(*arguments)
        finally:
            ended.set()

    def spent(*arguments: Any) -> None:
        spend(*arguments)
        begun.set()

    monkeypatch.setattr(upload.Uploads, "take", told)
    monkeypatch.setattr(picture_upload._Budget, "spend", spent)
    async with live(tmp_path, options=QUIET) as server:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(
            b"POST /api/v1/pictures HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"
            b"Content-Length: 100000\r\n\r\n" + picture_bytes()
        )
        await writer.drain()
        async with asyncio.timeout(30):
            await begun.wait()
            assert len(stored(server)) == 1
            writer.close()
            await ended.wait()
        assert stored(server) == []
        assert [one["outcome"] for one in await brought(server, ("a.jpg", picture_bytes()))] == ["added"]


async def test_drafts_of_a_crash_are_thrown_away(tmp_path: Path) -> None:
    """What was half written when the server was killed is gone after the next start, and was never shown."""
    (tmp_path / "images" / "original").mkdir(parents=True)
    (tmp_path / "images" / "original" / ".upload-00ff.tmp").write_bytes(picture_bytes())
    async with live(tmp_path, options=QUIET) as server:
        assert stored(server) == []
        assert await server.health("stored") == 0


async def test_a_disk_that_refuses(tmp_path: Path) -> None:
    """Where nothing can be written the file is refused with the system's reason, and the server goes on."""
    async with live(tmp_path, options=QUIET) as server:
        (server.images / "original").rmdir()
        (said,) = await brought(server, ("a.jpg", picture_bytes()))
        assert (said["outcome"], said["message"]) == ("refused", "it cannot be kept: No such file or directory")


async def test_photos_of_phones(tmp_path: Path) -> None:
    """HEIC becomes a JPEG, upright and with its colours; the same photo again is known, and what is none is refused."""
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    photo = heic((96, 64), exif=exif.tobytes())
    async with live(tmp_path, options=QUIET) as server:
        said = await brought(server, ("IMG_0001.HEIC", photo), ("again.heic", photo), ("bad.heic", photo[:300]))
        assert [one["outcome"] for one in said] == ["added", "known", "refused"]
        (name,) = stored(server)
        assert name.endswith("-IMG-0001.jpg")
        with Image.open(server.images / name) as picture:
            assert (picture.format, picture.size, dict(picture.getexif())) == ("JPEG", (64, 96), {})
            top, bottom = picture.getpixel((32, 10)), picture.getpixel((32, 86))
        assert isinstance(top, tuple)
        assert isinstance(bottom, tuple)
        assert top[0] > 200 > top[2]
        assert bottom[2] > 200 > bottom[0]


async def test_photos_of_phones_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to install, and that the phone can send JPEG."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    async with live(tmp_path, options=QUIET) as server:
        said = await brought(server, ("IMG_0001.HEIC", heic()), ("b.jpg", picture_bytes()))
        assert [(one["outcome"], one["message"]) for one in said] == [("refused", heif.WITHOUT), ("added", "")]
        assert "pillow-heif" in heif.WITHOUT


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("cat.jpg", "-cat"),
        ("Мой кот (1).heic", "-Мой-кот-1"),
        ("C:\\photos\\..\\a b.png", "-a-b"),
        ("/etc/passwd", ""),
        (".hidden.jpg", "-hidden"),
        ("\udcff\x00\u202e.jpg", ""),
        ("x" * 500 + ".jpg", "-" + "x" * 80),
        ("я" * 500 + ".jpg", "-" + "я" * 40),
        ("", ""),
    ],
)
def test_what_is_kept_of_a_name(name: str, kept: str) -> None:
    """Letters and digits of any script, hyphens between them, not too many: nothing that means anything to a disk."""
    assert upload._cleaned(name) == kept
