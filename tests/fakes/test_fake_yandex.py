"""The fake YandexART refuses what the real one refuses, charges before it answers, and misbehaves as it is told."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from PIL import Image

from fakes.generic import FakePictures
from fakes.yandex import ASYNC_PATH, IMAGES_PATH, FakeYandex
from fakes.yandex_rules import Account
from imageserver.testing.ledger import Ledger, read_ledger
from imageserver.testing.service import FakeService
from imageserver.testing.wire import Means

ACCOUNT = Account()
HEADERS = {"Authorization": f"Api-Key {ACCOUNT.api_key}", "OpenAI-Project": ACCOUNT.folder_id}
IMAGES: dict[str, Any] = {
    "model": f"art://{ACCOUNT.folder_id}/aliceai-image-art-3.0",
    "prompt": "a heron",
    "size": "1024x1536",
    "response_format": "b64_json",
}
ASYNC: dict[str, Any] = {
    "modelUri": f"art://{ACCOUNT.folder_id}/yandex-art-2.0",
    "messages": [{"text": "a heron", "weight": 1}],
    "generationOptions": {"seed": "7", "aspectRatio": {"widthRatio": "2", "heightRatio": "3"}},
}
OTHER = {**HEADERS, "OpenAI-Project": "b1other"}


@asynccontextmanager
async def talking_to(fake: FakeService) -> AsyncIterator[aiohttp.ClientSession]:
    async with fake.running(), aiohttp.ClientSession(fake.url) as http:
        yield http


def changed(body: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The body with other values; a key whose new value is … is taken away."""
    return {key: value for key, value in {**body, **changes}.items() if value is not ...}


REFUSED: list[tuple[str, dict[str, str], Any, int, str]] = [
    (IMAGES_PATH, {}, IMAGES, 401, "Unknown api key"),
    (IMAGES_PATH, {**HEADERS, "Authorization": ACCOUNT.api_key}, IMAGES, 401, "Unknown api key"),
    (IMAGES_PATH, {**HEADERS, "Authorization": f"Api-Key {ACCOUNT.api_key[:-1]}"}, IMAGES, 401, "Unknown api key"),
    (IMAGES_PATH, {"Authorization": HEADERS["Authorization"]}, IMAGES, 400, "folder ID"),
    (IMAGES_PATH, OTHER, IMAGES, 400, "folder ID"),
    (IMAGES_PATH, HEADERS, changed(IMAGES, model=...), 400, "model URI"),
    (IMAGES_PATH, HEADERS, changed(IMAGES, model="aliceai-image-art-3.0"), 400, "model URI"),
    (IMAGES_PATH, HEADERS, changed(IMAGES, model="art://x/aliceai-image-art-3.0"), 400, "folder ID"),
    (IMAGES_PATH, HEADERS, changed(IMAGES, model=f"art://{ACCOUNT.folder_id}/yandex-art/latest"), 403, "denied"),
    (IMAGES_PATH, HEADERS, changed(IMAGES, model=f"art://{ACCOUNT.folder_id}/yandex-art-2.0"), 404, "not exist"),
    (IMAGES_PATH, HEADERS, changed(IMAGES, prompt="ё" * 501), 400, "exceeds limit"),
    (IMAGES_PATH, HEADERS, changed(IMAGES, prompt=" "), 400, "prompt"),
    (IMAGES_PATH, HEADERS, changed(IMAGES, prompt=...), 400, "prompt"),
    (IMAGES_PATH, HEADERS, changed(IMAGES, size="320x480"), 400, "size"),
    (IMAGES_PATH, HEADERS, changed(IMAGES, size=...), 400, "size"),
    (IMAGES_PATH, HEADERS, changed(IMAGES, n=2), 400, "unsupported n"),
    (IMAGES_PATH, HEADERS, changed(IMAGES, output_format="webp"), 400, "output_format"),
    (IMAGES_PATH, HEADERS, changed(IMAGES, response_format="url"), 400, "response_format"),
    (IMAGES_PATH, HEADERS, changed(IMAGES, negative_prompt="x"), 400, "negative_prompt"),
    (IMAGES_PATH, HEADERS, [IMAGES], 400, "unmarshal"),
    ("/v1/images/edits", HEADERS, IMAGES, 404, "Not Found"),
    (ASYNC_PATH, {}, ASYNC, 401, "Unknown api key"),
    (ASYNC_PATH, {**HEADERS, "x-folder-id": "b1other"}, ASYNC, 400, "folder ID"),
    (ASYNC_PATH, HEADERS, changed(ASYNC, modelUri="gpt://x/y"), 400, "model URI"),
    (ASYNC_PATH, HEADERS, changed(ASYNC, modelUri=f"art://{ACCOUNT.folder_id}/yandex-art"), 403, "denied"),
    (ASYNC_PATH, HEADERS, changed(ASYNC, modelUri=IMAGES["model"]), 400, "not allowed"),
    (ASYNC_PATH, HEADERS, changed(ASYNC, modelUri=f"art://{ACCOUNT.folder_id}/nothing"), 400, "model_uri"),
    (ASYNC_PATH, HEADERS, changed(ASYNC, messages=[]), 400, "messages"),
    (ASYNC_PATH, HEADERS, changed(ASYNC, messages=...), 400, "messages"),
    (ASYNC_PATH, HEADERS, changed(ASYNC, messages=[{"text": ""}]), 400, "text"),
    (ASYNC_PATH, HEADERS, changed(ASYNC, messages=[{"text": "a", "weight": "much"}]), 400, "weight"),
    (ASYNC_PATH, HEADERS, changed(ASYNC, messages=[{"text": "ё" * 501}]), 400, "exceeds limit"),
    (ASYNC_PATH, HEADERS, changed(ASYNC, generationOptions={"mimeType": "image/png"}), 400, "mime"),
    (ASYNC_PATH, HEADERS, changed(ASYNC, generationOptions={"seed": "-1"}), 400, "seed"),
    (ASYNC_PATH, HEADERS, changed(ASYNC, generationOptions={"aspectRatio": {"widthRatio": 0}}), 400, "aspect"),
]


@pytest.mark.parametrize(("path", "headers", "body", "status", "words"), REFUSED)
async def test_what_is_refused(path: str, headers: dict[str, str], body: Any, status: int, words: str) -> None:
    """A wrong request gets the real service's status and words, in one of its two shapes, and is charged to nobody."""
    fake = FakeYandex()
    async with talking_to(fake) as http, http.post(path, json=body, headers=headers) as answer:
        assert answer.status == status
        said = await answer.json()
        message = said["message"] if isinstance(said["error"], str) else said["error"]["message"]
        assert words in message
        assert fake.ledger.charges == []
        assert len(fake.ledger.requests) == 1


async def test_no_json_is_refused() -> None:
    """A body that is no JSON, or is not called so, is refused."""
    async with talking_to(FakeYandex()) as http:
        for content_type, status in (("application/json", 400), ("text/plain", 415)):
            head = {**HEADERS, "Content-Type": content_type}
            async with http.post(IMAGES_PATH, data=b"{", headers=head) as answer:
                assert answer.status == status


async def test_the_images_interface() -> None:
    """A right request brings a JPEG of other pixels than asked, each time another one, each time charged."""
    fake = FakeYandex()
    pictures = []
    async with talking_to(fake) as http:
        for _ in range(2):
            async with http.post(IMAGES_PATH, json=IMAGES, headers=HEADERS) as answer:
                assert answer.status == 200
                pictures.append(base64.b64decode((await answer.json())["data"][0]["b64_json"]))
    assert pictures[0] != pictures[1]
    with Image.open(io.BytesIO(pictures[0])) as picture:
        assert (picture.format, picture.size) == ("JPEG", (256, 384))
    assert [charge["prompt"] for charge in fake.ledger.charges] == ["a heron"] * 2


async def test_the_asynchronous_interface() -> None:
    """A ticket is asked about until it is done; only the start is charged, and strangers' tickets are not known."""
    fake = FakeYandex(polls=1)
    async with talking_to(fake) as http:
        async with http.post(ASYNC_PATH, json=ASYNC, headers=HEADERS) as answer:
            started = await answer.json()
        assert (started["done"], started["metadata"], started["createdAt"]) == (False, None, None)
        said = []
        for ticket in (started["id"], started["id"], "other"):
            async with http.get(f"/operations/{ticket}", headers=HEADERS) as answer:
                said.append((answer.status, (await answer.json()).get("done")))
        assert said == [(200, False), (200, True), (404, None)]
        async with http.get(f"/operations/{started['id']}") as answer:
            assert answer.status == 401
    assert [charge["ticket"] for charge in fake.ledger.charges] == [started["id"]]


async def test_it_knows_enough_bad_modes() -> None:
    """There are at least twenty ways to misbehave beside the good one, and an unknown one is refused."""
    fake = FakeYandex()
    assert len(fake.modes) > 50
    assert len(FakePictures().modes) > 20
    async with talking_to(fake):
        with pytest.raises(KeyError):
            await fake.become("nice")


FREE = {
    "never_accepts", "rate_limited", "rate_limited_retry_after", "moderation_old", "moderation_new",
    "moderation_unheard_of", "parameter", "wrong_key", "key_expired", "wrong_scope", "retired_model", "no_money",
    "wrong_folder", "no_such_model", "quota", "status_500", "status_503", "key_echo",
}  # fmt: skip


async def test_every_mode_charges_or_does_not(tmp_path: Path) -> None:
    """A refusal charges nobody; every other mode charges once, on the disk too, whatever the client gets."""
    fake = FakeYandex(Ledger(tmp_path / "ledger"), means=Means(pace=0.001))
    async with talking_to(fake) as http:
        for mode in fake.modes:
            before = len(fake.ledger.charges)
            await fake.become(mode)
            asking = asyncio.create_task(_ask(http, no_connection_after=0.3 if mode == "never_accepts" else None))
            if mode == "silent":  # no answer tells when it has charged
                while len(fake.ledger.charges) == before:  # noqa: ASYNC110 - it has no event
                    await asyncio.sleep(0)
                asking.cancel()
            await asyncio.gather(asking, return_exceptions=mode == "silent")
            assert len(fake.ledger.charges) - before == (mode not in FREE), mode
    written = [entry for entry in read_ledger(tmp_path / "ledger") if entry["event"] == "charge"]
    assert written == fake.ledger.charges


async def _ask(http: aiohttp.ClientSession, no_connection_after: float | None) -> None:
    """For a picture, until the head of an answer is there, or is known never to come."""
    with contextlib.suppress(aiohttp.ClientError, TimeoutError):
        async with http.post(
            IMAGES_PATH,
            json=IMAGES,
            headers={**HEADERS, "Connection": "close"},
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(sock_connect=no_connection_after),
        ):
            pass


async def test_a_mode_for_so_many_requests() -> None:
    """A mode may last for some requests only; then the service is good again."""
    fake = FakePictures()
    async with talking_to(fake) as http:
        await fake.become("status_502", times=2)
        seen = []
        for _ in range(3):
            async with http.get("/a.jpg") as answer:
                seen.append(answer.status)
        assert seen == [502, 502, 200]


async def test_pictures_by_address() -> None:
    """The plain fake gives a JPEG for every address and refuses to be written to."""
    fake = FakePictures()
    async with talking_to(fake) as http:
        async with http.get("/photos/1.jpg") as answer:
            assert (answer.content_type, (await answer.read())[:3]) == ("image/jpeg", b"\xff\xd8\xff")
        async with http.post("/photos/1.jpg") as answer:
            assert answer.status == 405
    assert [charge["path"] for charge in fake.ledger.charges] == ["/photos/1.jpg"]


@pytest.mark.parametrize("name", ["yandex.py", "generic.py"])
async def test_as_a_program(tmp_path: Path, name: str) -> None:
    """Run as a program it prints its two ports, takes orders on the second one, and leaves its ledger behind."""
    ledger = tmp_path / "ledger"
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(Path(__file__).with_name(name)), "--ledger", str(ledger), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        port, control = [int(await process.stdout.readline()) for _ in range(2)]
        async with aiohttp.ClientSession() as http:
            for mode, status in (("status_504", 200), ("nice", 400)):
                async with http.post(f"http://127.0.0.1:{control}/mode", json={"mode": mode}) as answer:
                    assert answer.status == status
            address = f"http://127.0.0.1:{port}{IMAGES_PATH}"
            method = "POST" if name == "yandex.py" else "GET"
            async with http.request(method, address, json=IMAGES, headers=HEADERS) as answer:
                assert answer.status == 504
            async with http.get(f"http://127.0.0.1:{control}/ledger") as answer:
                assert len((await answer.json())["charges"]) == 1
    finally:
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    assert [json.loads(line)["event"] for line in ledger.read_text().splitlines()] == ["request", "charge"]


async def test_a_ledger_is_continued(tmp_path: Path) -> None:
    """A fake that starts again with the same ledger still knows what was charged."""
    Ledger(tmp_path / "ledger").note("charge", prompt="one")
    again = Ledger(tmp_path / "ledger")
    again.note("charge", prompt="two")
    assert [charge["prompt"] for charge in again.charges] == ["one", "two"]
    assert [entry["number"] for entry in read_ledger(tmp_path / "ledger")] == [1, 2]
