"""What was wrong with the Go server, defect by defect, seen from outside: none of it is wrong here.

Defect: half of a pair of certificates ended the program with code 0. That is tested in test_cert_command.py, by
`test_half_a_pair_does_not_start`.
"""

from __future__ import annotations

import asyncio
import base64
import io
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from live import Live, failing, live, painter, picture_bytes, refuse
from PIL import Image
from program import HANG_LIMIT, Program, program, run, start
from roots import colour_of, jpeg

from imageserver import GeneratedImage, GenerationRequest, ProviderError, delivery
from imageserver.testing import FakeClock

NO_ATELIER = "disabled_providers: [atelier]\n"
_BODY = 150 * 1024 * 1024


def picture_in(result: dict[str, Any]) -> bytes:
    """The JPEG of a finished result."""
    assert result["status"] == "done", result
    return base64.b64decode(result["response"]["image"], validate=True)


async def test_starts_of_one_second_have_ids_of_their_own(tmp_path: Path) -> None:
    """Defect: two starts in one second shared an id, and one frame got the other's picture."""

    async def generate(_self: object, request: GenerationRequest) -> GeneratedImage:
        return GeneratedImage(data=jpeg(int(request.prompt), (320, 480)))

    async with live(tmp_path, painter(generate=generate)) as server:
        starts = await asyncio.gather(*(server.start(type="ydart", prompt=str(number)) for number in range(8)))
        ids = [said["id"] for said in starts]
        assert len(set(ids)) == 8
        pictures = [picture_in(await server.done(operation)) for operation in ids]
        assert [colour_of(picture) for picture in pictures] == list(range(8))


async def test_a_result_is_whole_and_stays(tmp_path: Path) -> None:
    """Defect: a finished result could be empty, and was gone after eleven more operations."""
    async with live(tmp_path, stored=3) as server:
        operation = (await server.start(type="old"))["id"]
        before = picture_in(await server.done(operation))
        for _ in range(50):
            later = (await server.start(type="old"))["id"]
            assert len(picture_in(await server.done(later))) > 1000
        assert picture_in(await server.done(operation)) == before
        with Image.open(io.BytesIO(before)) as picture:
            picture.load()
            assert picture.size == (320, 480)


async def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    """Defect: after a restart every id from before was unknown."""
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "one.jpg").write_bytes(picture_bytes())
    async with program(tmp_path / "data") as server:
        operation = (await server.frame.start("old")).id
        before = await shown(server, operation)
        server.process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(server.process.wait(), HANG_LIMIT) == 0
    async with program(tmp_path / "data") as server:
        assert await shown(server, operation) == before


async def shown(server: Program, operation: str) -> bytes:
    """What a frame gets under this id, from whichever run of the server."""
    while (jpeg := (answer := await server.frame.result(operation)).jpeg) is None:
        assert answer.status == "pending"  # it takes longer than one question waits
    return jpeg


@pytest.mark.parametrize("stored", [0, 1])
async def test_a_prompt_that_nobody_takes_is_answered(tmp_path: Path, stored: int) -> None:
    """Defect: a prompt without a provider that takes prompts dropped the connection."""
    mute = painter(takes_prompt=False)
    async with live(tmp_path, mute, options=NO_ATELIER, stored=stored) as server:
        said = await server.start(type="ydart", prompt="a heron in the reeds")
        assert len(picture_in(await server.done(said["id"]))) > 1000
        assert mute.asked == []


@pytest.mark.parametrize("stored", [0, 1])
async def test_a_failure_has_an_end(tmp_path: Path, stored: int) -> None:
    """Defect: when a provider failed the operation stayed pending for ever; neither status nor result said so."""
    broken = failing(refuse(ProviderError, "the service is on holiday"))
    async with live(tmp_path, broken, options=NO_ATELIER, stored=stored) as server:
        operation = (await server.start(type="ydart"))["id"]
        result = await server.done(operation)
        async with server.http.get(f"/operation/status/{operation}") as answer:
            status = await answer.json()
        assert status["status"] == result["status"]
        assert result["status"] == "error" or len(picture_in(result)) > 1000
        assert (await server.job(operation)).message == "the service is on holiday"


async def test_the_first_question_may_be_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Defect: the first question was always answered with pending, however long the picture had been ready."""
    monkeypatch.setattr(delivery, "_RENDITION_SECONDS", 60.0)  # its rendition is made however slowly
    async with live(tmp_path, painter(), options=NO_ATELIER, stored=1) as server:
        for kind in ("old", "ydart"):
            operation = (await server.start(type=kind))["id"]
            if kind == "ydart":
                await server.ended(operation)
            assert len(picture_in(await server.result(operation))) > 1000


async def test_orientation_is_obeyed(tmp_path: Path) -> None:
    """Defect: photos of an upright camera lay on their side."""
    images = tmp_path / "images"
    images.mkdir()
    (images / "upright.jpg").write_bytes(jpeg(4, (400, 600), orientation=6))
    async with live(tmp_path) as server:
        upright = picture_in(await server.done((await server.start(type="old"))["id"]))
        assert colour_of(upright) == 4
        with Image.open(io.BytesIO(upright)) as picture:
            left, right = (picture.convert("HSV").getpixel((x, 100)) for x in (20, 300))
            floor = picture.convert("HSV").getpixel((160, 460))
        assert abs(left[0] - right[0]) < 10  # type: ignore[index]  # of an HSV picture
        assert floor[1] < 60  # type: ignore[index]  # grey, as the photo's lower half


@pytest.mark.parametrize("says_its_length", [True, False])
async def test_a_huge_body_is_refused(tmp_path: Path, *, says_its_length: bool) -> None:
    """Defect: a body of 150 MiB was accepted and read into memory."""
    async with live(tmp_path) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        how = f"Content-Length: {_BODY}" if says_its_length else "Transfer-Encoding: chunked"
        head = f"POST /operation/start HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{how}\r\n\r\n"
        writer.write(head.encode())
        piece = b"x" * 65_536
        sent = 0
        answer = asyncio.ensure_future(reader.readline())
        try:
            while sent < _BODY and not answer.done():
                writer.write(piece if says_its_length else b"10000\r\n" + piece + b"\r\n")
                await writer.drain()
                sent += len(piece)
                await asyncio.sleep(0)
        except ConnectionError:
            pass  # it had seen enough
        assert (await answer).split()[1] == b"413"
        assert sent < 16 * 1024 * 1024, "most of it was never taken"
        writer.transport.abort()  # what it has not sent yet would keep it open until after the test


@pytest.mark.parametrize("prompt", ["", "   "])
async def test_an_empty_prompt_is_refused(tmp_path: Path, prompt: str) -> None:
    """Defect: an empty prompt was saved and painted."""
    async with live(tmp_path) as server:
        file = server.data / "prompts.json"
        before = file.read_bytes()
        async with server.http.post("/prompt/add", json={"prompt": prompt}) as answer:
            assert answer.status == 400
            assert await answer.json()
        assert file.read_bytes() == before


async def test_options_without_providers_are_good(tmp_path: Path) -> None:
    """Defect: an absent `providers:` section crashed the server."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "options.yml").write_text("image_generate_threshold: 10\n")
    async with program(data) as server:
        assert await server.frame.picture("auto")


async def test_a_misspelt_key_is_refused(tmp_path: Path) -> None:
    """Defect: a misspelt key was accepted without a word."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "options.yml").write_text("iframe_image_parameters:\n  image_weigth: 240\n")
    process = await start(data)
    _, err = await asyncio.wait_for(process.communicate(), HANG_LIMIT)
    assert process.returncode == 2
    assert "options.yml:2" in err.decode()
    assert 'did you mean "image_weight"?' in err.decode()
    assert (await run("check", "--data", str(data)))[0] == 2


async def test_a_file_added_by_hand_is_seen_within_a_minute(tmp_path: Path) -> None:
    """Defect: a picture that the owner put into the folder was not seen before midnight."""
    clock = FakeClock(time.time())
    async with live(tmp_path, stored=1, clock=clock) as server:  # type: ignore[arg-type]  # it is handed on as it is
        await _stored(server, 1)
        (server.images / "added.jpg").write_bytes(picture_bytes("orange"))
        await clock.advance(60)
        await _stored(server, 2)
        assert clock.monotonic() == 60, "no more than a minute has passed"


async def _stored(server: Live, number: int) -> None:
    while await server.health("stored") != number:
        pass
