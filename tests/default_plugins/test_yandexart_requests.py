"""What the provider asks the service for."""

from __future__ import annotations

import io
import logging
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from default_plugins.yandexart_room import ACCOUNT, a_wish, provider_in, room, write_keys
from imageserver import BadResult, ProviderError
from imageserver.default_plugins.yandexart.settings import YandexArtSettings
from imageserver.default_plugins.yandexart.wish import async_body, images_body, worded
from imageserver.testing.service import FakeService
from imageserver.testing.wire import Answer


async def test_a_picture_over_the_images_interface(tmp_path: Path) -> None:
    """By default one request brings the picture; prompt and negative are in it, and it is charged once."""
    async with room(tmp_path) as it:
        made = await it.image(a_wish("a heron", "people"))
        assert Image.open(io.BytesIO(made.data)).format == "JPEG"
        assert (made.model, made.seed) == ("aliceai-image-art-3.0", None)
        assert it.fake.bodies == [
            {
                "model": f"art://{ACCOUNT.folder_id}/aliceai-image-art-3.0",
                "prompt": "a heron. Игнорировать следующее: people",
                "size": "1024x1536",
                "response_format": "b64_json",
                "output_format": "jpeg",
            }
        ]
        assert [charge["interface"] for charge in it.fake.ledger.charges] == ["images"]


async def test_a_picture_over_the_asynchronous_interface(tmp_path: Path) -> None:
    """With `transport: async` a ticket comes first; the picture is there once the operation is done."""
    async with room(tmp_path, transport="async", polls=2) as it:
        ticket = await it.ticket(a_wish("a heron", "people"))
        assert [await it.provider.poll(ticket) for _ in range(2)] == [None, None]
        made = await it.provider.poll(ticket)
        assert made is not None
        assert Image.open(io.BytesIO(made.data)).format == "JPEG"
        assert made.model == "yandex-art-2.0"
        assert it.fake.bodies == [
            {
                "modelUri": f"art://{ACCOUNT.folder_id}/yandex-art-2.0",
                "messages": [{"text": "a heron. Игнорировать следующее: people", "weight": 1}],
                "generationOptions": {
                    "mimeType": "image/jpeg",
                    "seed": "4242",
                    "aspectRatio": {"widthRatio": "2", "heightRatio": "3"},
                },
            }
        ]
        assert [charge["ticket"] for charge in it.fake.ledger.charges] == [ticket]


class Recorder(FakeService):
    """Notes the heads of requests."""

    heads: list[dict[str, str]]

    async def answer(self, request: web.Request, mode: str) -> web.StreamResponse:
        self.heads = [*getattr(self, "heads", []), dict(request.headers)]
        return await self.deliver(request, mode, Answer(body=b"{}"))


@pytest.mark.parametrize("transport", ["images", "async"])
async def test_key_and_folder_are_in_the_headers(tmp_path: Path, transport: str) -> None:
    """Every request names the key and the folder, in the headers of both interfaces, and ends its connection."""
    write_keys(tmp_path)
    async with (
        Recorder().running() as service,
        provider_in(tmp_path, base_url=f"{service.url}/", transport=transport) as it,
    ):
        with pytest.raises(BadResult):
            await it.submit(a_wish())
        with pytest.raises(ProviderError):
            await it.poll("a/../b?c")
        assert len(service.heads) == 2
        for head in service.heads:
            assert head["Authorization"] == f"Api-Key {ACCOUNT.api_key}"
            assert (head["OpenAI-Project"], head["x-folder-id"]) == (ACCOUNT.folder_id, ACCOUNT.folder_id)
            assert head["Connection"] == "close"
        paths = [request["path"] for request in service.ledger.requests]
        first = {"images": "/v1/images/generations", "async": "/foundationModels/v1/imageGenerationAsync"}[transport]
        assert paths == [first, "/operations/a/../b?c"]  # the ticket is quoted, so it stays one name


@pytest.mark.parametrize(
    ("width", "height", "size"),
    [
        (320, 480, "1024x1536"),
        (480, 320, "1536x1024"),
        (240, 240, "1024x1024"),
        (800, 480, "1792x1024"),
        (640, 480, "1344x1024"),
        (480, 600, "1024x1280"),
        (2000, 500, "1536x768"),
        (16, 4096, "1024x1536"),
    ],
)
def test_the_size_follows_the_frame(width: int, height: int, size: str) -> None:
    """The size of the shape nearest to the frame's is asked for."""
    settings = YandexArtSettings()
    body, _ = images_body(settings, a_wish(width=width, height=height), settings.model_uri("f"))
    assert body["size"] == size


def test_a_size_of_the_owners() -> None:
    """A size in the settings counts for every frame, on both interfaces."""
    settings = YandexArtSettings(size="1024x1024", model="art://other/some-model")
    images, _ = images_body(settings, a_wish(), settings.model_uri("f"))
    later, _ = async_body(settings, a_wish(), settings.model_uri("f"))
    assert (images["size"], images["model"]) == ("1024x1024", "art://other/some-model")
    assert later["generationOptions"]["aspectRatio"] == {"widthRatio": "1", "heightRatio": "1"}


NEGATIVES: list[tuple[dict[str, Any], list[tuple[str, int]]]] = [
    ({}, [("a heron. Игнорировать следующее: people", 1)]),
    ({"negative_text": "Without: "}, [("a heron. Without: people", 1)]),
    ({"negative_mode": "weight"}, [("a heron", 1), ("people", -1)]),
    ({"negative_mode": "drop"}, [("a heron", 1)]),
]


@pytest.mark.parametrize(("settings", "messages"), NEGATIVES)
async def test_what_becomes_of_a_negative(
    tmp_path: Path, settings: dict[str, Any], messages: list[tuple[str, int]]
) -> None:
    """It is appended, sent with a negative weight, or dropped, as the owner says, and the service takes it."""
    async with room(tmp_path, transport="async", **settings) as it:
        await it.ticket(a_wish("a heron", "people"))
        assert [(message["text"], message["weight"]) for message in it.fake.bodies[0]["messages"]] == messages


async def test_the_images_interface_knows_no_weights(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """`weight` on the images interface appends, says so once in the log, and `check` tells what to write."""
    async with room(tmp_path, negative_mode="weight") as it:
        for _ in range(2):
            await it.image(a_wish("a heron!", "people"))
        assert {body["prompt"] for body in it.fake.bodies} == {"a heron! Игнорировать следующее: people"}
        assert caplog.text.count("weight works with transport: async only") == 1
        assert "write append" in (await it.provider.check() or "")


async def test_a_long_prompt_is_cut_at_a_word(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Above 500 characters, counted as the service counts, the prompt ends at a whole word, and the log says so."""
    prompt = " ".join(["𝔥eron"] * 120)
    async with room(tmp_path) as it:
        await it.image(a_wish(prompt))
        sent = it.fake.bodies[0]["prompt"]
        assert sent == " ".join(["𝔥eron"] * 83)
        assert "the prompt is cut by 222 characters to the service's limit of 500" in caplog.text


def test_the_negative_gives_way_first() -> None:
    """When both are too long together the negative is cut, or goes when no word of it fits; the log says which."""
    settings = YandexArtSettings()
    cut = worded(settings, "x" * 440, "people text watermark frames letters hands")
    assert cut.text == "x" * 440 + ". Игнорировать следующее: people text watermark frames"
    assert cut.lost == ("the negative prompt is cut by 14 characters to the service's limit of 500",)
    gone = worded(settings, "x" * 480, "people")
    assert gone.text == "x" * 480
    assert "left out" in gone.lost[0]


TEXTS = st.text(st.sampled_from("aя𝔥 \n.,"), min_size=1, max_size=700)


@given(TEXTS.filter(str.strip), st.none() | TEXTS, st.sampled_from(["append", "weight", "drop"]), st.booleans())
def test_no_text_is_over_the_limit(prompt: str, negative: str | None, mode: Any, is_async: bool) -> None:
    """Whatever is asked for, no text that is sent has more than 500 code points, and what went is told."""
    settings = YandexArtSettings(negative_mode=mode, transport="async" if is_async else "images")
    wording = worded(settings, prompt, negative)
    assert 0 < len(wording.text) <= 500
    assert len(wording.negative) <= 500
    if len(prompt.strip()) > 500:
        assert wording.lost
    elif not wording.lost:
        assert wording.text.startswith(prompt.strip())


def test_the_fake_counts_as_we_do(caplog: pytest.LogCaptureFixture) -> None:
    """A prompt of exactly 500 code points is sent whole and nothing is said."""
    caplog.set_level(logging.DEBUG)
    wording = worded(YandexArtSettings(), "𝔥" * 500, None)
    assert (wording.text, wording.lost) == ("𝔥" * 500, ())


@pytest.mark.parametrize(
    "settings",
    [
        {"base_url": "ftp://x"},
        {"base_url": "https://user@x"},
        {"base_url": "x"},
        {"base_url": "http://x:99999"},
        {"base_url": "http://[x"},
        {"operations_url": "https://x/?a=b"},
        {"size": "1024"},
        {"size": "0x10"},
        {"timeout": 0},
        {"timeout": 9999},
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any]) -> None:
    """An address that is none, a size that is none, and a time out of bounds are refused."""
    with pytest.raises(ValueError, match=r"^expected"):
        YandexArtSettings(**settings)


def test_the_addresses_of_the_service() -> None:
    """Without a word from the owner it is Yandex's; a base_url of the owner's stands in for both."""
    assert YandexArtSettings().pictures_address == "https://ai.api.cloud.yandex.net"
    assert YandexArtSettings(transport="async").pictures_address == "https://llm.api.cloud.yandex.net"
    assert YandexArtSettings().operations_address == "https://operation.api.cloud.yandex.net"
    lan = YandexArtSettings(base_url="http://192.168.1.7:8080/")
    assert (lan.pictures_address, lan.operations_address) == ("http://192.168.1.7:8080",) * 2
    both = YandexArtSettings(base_url="http://a", operations_url="http://b")
    assert (both.pictures_address, both.operations_address) == ("http://a", "http://b")
