"""OpenAI and those who answer as it does: what is asked of them, what comes of it, and what an owner may write."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from fakes.openai import KEY, MODEL, FakeOpenAi
from PIL import Image

from default_plugins.openai_room import a_wish, provider_at, room
from imageserver import BadResult, Unreachable
from imageserver.default_plugins.openai.settings import OpenAiSettings


async def test_the_body_holds_nothing_that_some_services_refuse(tmp_path: Path) -> None:
    """Model, prompt and the size of the frame's shape; whatever else there is, only the owner sends."""
    async with room(tmp_path) as (provider, fake):
        image = await provider.generate(a_wish())
    assert fake.bodies == [{"model": MODEL, "prompt": "a heron in the reeds", "size": "1024x1536"}]
    assert image.model == MODEL
    assert image.details == {}
    with Image.open(io.BytesIO(image.data)) as picture:
        assert picture.size == (256, 384)
    assert len(fake.ledger.charges) == 1


@pytest.mark.parametrize(
    ("width", "height", "size"), [(320, 480, "1024x1536"), (480, 320, "1536x1024"), (240, 240, "1024x1024")]
)
async def test_auto_takes_the_size_of_the_frames_shape(width: int, height: int, size: str, tmp_path: Path) -> None:
    """Upright, lying and square frames each get their own shape."""
    async with room(tmp_path) as (provider, fake):
        await provider.generate(a_wish(width=width, height=height))
    assert fake.bodies[0]["size"] == size


async def test_settings_change_the_body(tmp_path: Path) -> None:
    """Quality, the wish for base64, and fields of the owner's own, which are stronger than the others."""
    extra = json.dumps({"step": 8, "size": "512x768"})
    settings: dict[str, Any] = {"quality": "low", "send_response_format": True, "extra_body": extra, "api_key": None}
    async with room(tmp_path, service=FakeOpenAi(is_localai=True), **settings) as (provider, fake):
        await provider.generate(a_wish())
    body = {key: value for key, value in fake.bodies[0].items() if key not in ("model", "prompt")}
    assert body == {"size": "512x768", "quality": "low", "response_format": "b64_json", "step": 8}
    assert "authorization" not in fake.headers[0]


async def test_a_fixed_size_and_none(tmp_path: Path) -> None:
    """The owner's size is sent as it is; with send_size: false there is none."""
    async with room(tmp_path, size="1024x1024") as (provider, fake):
        await provider.generate(a_wish())
        assert fake.bodies[0]["size"] == "1024x1024"
    async with room(tmp_path, send_size=False) as (provider, fake):
        await provider.generate(a_wish())
        assert "size" not in fake.bodies[0]


async def test_negatives_are_appended_or_dropped(tmp_path: Path) -> None:
    """There is no field for them, so they stand in the prompt on a line of their own, or nowhere."""
    prompts = []
    ways: list[dict[str, Any]] = [{}, {"negative_text": "|"}, {"negative_mode": "drop"}]
    for settings in ways:
        async with room(tmp_path, **settings) as (provider, fake):
            await provider.generate(a_wish(negative="people"))
            prompts.append(fake.bodies[0]["prompt"])
    heron = "a heron in the reeds"
    assert prompts == [f"{heron}\nDo not show: people", f"{heron}\n|people", heron]


async def test_who_asks_and_who_pays_stands_in_the_head(tmp_path: Path) -> None:
    """Key, organization and project go out as headers."""
    async with room(tmp_path, organization="org-a", project="proj_b") as (provider, fake):
        await provider.generate(a_wish())
    head = fake.headers[0]
    assert head["authorization"] == f"Bearer {KEY}"
    assert (head["openai-organization"], head["openai-project"]) == ("org-a", "proj_b")


@pytest.mark.parametrize("ending", ["", "/", "/v1", "/v1/"])
async def test_the_address_may_end_in_v1(ending: str, tmp_path: Path) -> None:
    """With and without it the same route is asked."""
    async with FakeOpenAi().running() as fake, provider_at(fake.url + ending, tmp_path) as provider:
        await provider.generate(a_wish())
        assert [entry["path"] for entry in fake.ledger.requests] == ["/v1/images/generations"]


@pytest.mark.parametrize(
    ("mode", "kind"), [("data_url", "JPEG"), ("url_data", "JPEG"), ("png", "PNG"), ("webp", "WEBP")]
)
async def test_pictures_come_in_many_ways(mode: str, kind: str, tmp_path: Path) -> None:
    """Base64 with the head of a data URL, a data URL for an address, PNG and WEBP are all good."""
    async with room(tmp_path, mode) as (provider, _fake):
        image = await provider.generate(a_wish())
    with Image.open(io.BytesIO(image.data)) as picture:
        assert picture.format == kind


@pytest.mark.parametrize("mode", ["by_url", "by_path"])
async def test_a_picture_at_an_address_of_the_service_is_fetched(mode: str, tmp_path: Path) -> None:
    """The picture is downloaded with the key, because the address is the service's own."""
    async with room(tmp_path, mode) as (provider, fake):
        image = await provider.generate(a_wish())
        assert [entry["method"] for entry in fake.ledger.requests] == ["POST", "GET"]
        assert fake.headers[1]["authorization"] == f"Bearer {KEY}"
    with Image.open(io.BytesIO(image.data)) as picture:
        assert picture.format == "JPEG"


async def test_a_picture_that_is_none_goes_to_the_servers_judge(tmp_path: Path) -> None:
    """What was paid for is handed on as it is: the server keeps it aside for the owner."""
    async with room(tmp_path, "url_page") as (provider, _fake):
        assert (await provider.generate(a_wish())).data == b"<html>log in</html>"


async def test_the_rewritten_prompt_is_told_without_secrets(tmp_path: Path) -> None:
    """What the service made of the prompt stands in the details, on one line."""
    async with room(tmp_path, "revised") as (provider, _fake):
        image = await provider.generate(a_wish())
    assert image.details == {"revised prompt": "A grey heron stands in reeds, ***"}


async def test_what_was_kept_is_recovered_without_a_call(tmp_path: Path) -> None:
    """The answer is on the disk as it came; after a crash the same picture is in it."""
    async with room(tmp_path) as (provider, fake):
        image = await provider.generate(a_wish())
        kept = provider.context.answers.read("job-1")
        assert kept is not None
        recovered = await provider.recover(a_wish(), kept)
        assert recovered == image
        assert len(fake.ledger.requests) == 1


async def test_what_holds_no_picture_is_not_recovered(tmp_path: Path) -> None:
    """An address may not be asked there, half an answer is none, and an empty one is no picture."""
    async with room(tmp_path, "by_url") as (provider, fake):
        await provider.generate(a_wish())
        kept = provider.context.answers.read("job-1")
        assert kept is not None
        asked = len(fake.ledger.requests)
        assert await provider.recover(a_wish(), kept) is None
        assert await provider.recover(a_wish(), kept[: len(kept) // 2]) is None
        with pytest.raises(BadResult):
            await provider.recover(a_wish(), b"[]")
        assert len(fake.ledger.requests) == asked


async def test_readiness_looks_for_the_key_only(tmp_path: Path) -> None:
    """Without a key OpenAI is not asked; others may need none. A file counts as soon as it is there."""
    file = tmp_path / "key"
    async with provider_at("https://api.openai.com", tmp_path, api_key=None) as provider:
        assert "the API key is missing" in str(await provider.readiness())
        with pytest.raises(Unreachable):
            await provider.generate(a_wish())
    async with room(tmp_path, api_key=None, api_key_file=file) as (provider, fake):
        assert str(file) in str(await provider.readiness())
        file.write_text(KEY + "\n", encoding="utf-8")
        file.chmod(0o600)
        assert await provider.readiness() is None
        assert fake.ledger.requests == []
        await provider.generate(a_wish())
        assert len(fake.ledger.charges) == 1
    async with provider_at("http://127.0.0.1:9", tmp_path, api_key=None) as provider:
        assert await provider.readiness() is None


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("base_url", "api.openai.com", "expected an address"),
        ("base_url", "http://me:word@host", "without a user"),
        ("api_key", "sk two words", "copy it again"),
        ("organization", "org\n", "copy it again"),
        ("model", " ", "the name of a model"),
        ("size", "1024", "width and height"),
        ("extra_body", "steps: 8", "expected a JSON object"),
        ("extra_body", "[8]", "expected a JSON object"),
        ("extra_body", '{"n": 4}', "n is the server's own"),
        ("extra_body", '{"stream": true}', "stream is the server's own"),
        ("timeout", 0.0, "above 0"),
    ],
)
def test_wrong_settings_are_told_in_words(name: str, value: object, words: str) -> None:
    """Each value that cannot be right has a sentence."""
    given: dict[str, Any] = {"model": MODEL, name: value}
    with pytest.raises(ValueError, match=words):
        OpenAiSettings(**given)
