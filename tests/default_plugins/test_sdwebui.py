"""The web UI on the owner's PC: what is asked of it, what comes of it, and that nothing is painted for nobody."""

from __future__ import annotations

import io
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from fakes.sdwebui import LOGIN, MODEL
from PIL import Image

from default_plugins.running_out import run_out
from default_plugins.sdwebui_room import a_wish, both, provider_at
from imageserver import (
    AuthError,
    BadProviderRequest,
    BadResult,
    ModelGone,
    ProviderError,
    TransientError,
    Unreachable,
)
from imageserver.default_plugins.sdwebui.settings import SdWebUiSettings
from imageserver.default_plugins.sdwebui.wish import body_for
from imageserver.testing import NEVER_ACCEPTS

# Mode of the fake, class, what the owner must read
REFUSED: list[tuple[str, type[ProviderError], list[str]]] = [
    ("wrong_password", AuthError, ["username and password", "--api-auth", "Incorrect username or password"]),
    ("password_echo", AuthError, ["***"]),
    ("api_off", BadProviderRequest, ["--api", "Not Found"]),
    ("no_sampler", BadProviderRequest, ['sampler "Euler a"', "Sampler not found"]),
    ("no_sampler_old", BadProviderRequest, ['sampler "Euler a"']),
    ("no_model", ModelGone, ['model "dreamshaper_8"', "Model not found"]),
    ("no_script", BadProviderRequest, ["extra_body", "Script 'x' not found"]),
    ("out_of_memory", TransientError, ["memory", "lower pixels, which is 512", "Tried to allocate 9 GiB"]),
    ("out_of_memory_forge", TransientError, ["memory", "lower pixels, which is 512", "Internal Server Error"]),
    ("black", TransientError, ["--no-half-vae", "all NaNs"]),
    ("no_images", BadResult, ["no picture"]),
    ("null_image", BadResult, ["no picture"]),
    ("bad_base64", BadResult, ["base64"]),
    ("interrupted", BadResult, ["half made", "at the PC"]),
    ("skipped", BadResult, ["half made"]),
]


async def test_a_wish_becomes_a_picture(tmp_path: Path) -> None:
    """The picture has the frame's shape; seed and model are those that the second JSON names."""
    async with both(tmp_path) as (provider, fake):
        image = await provider.generate(a_wish())
    body = fake.bodies[0]
    assert (body["prompt"], body["negative_prompt"], body["seed"]) == ("a heron in the reeds", "people", 4242)
    assert (body["width"], body["height"]) == (512, 768)
    assert (image.model, image.seed) == (MODEL, 4242)
    assert Image.open(io.BytesIO(image.data)).size == (256, 384)
    assert len(fake.ledger.charges) == 1


async def test_the_answer_is_kept_small(tmp_path: Path) -> None:
    """One picture, in the answer only; and what the owner did not choose is left to the web UI."""
    async with both(tmp_path) as (provider, fake):
        await provider.generate(a_wish())
    body = fake.bodies[0]
    assert (body["batch_size"], body["n_iter"], body["send_images"], body["save_images"]) == (1, 1, True, False)
    assert not {"cfg_scale", "sampler_name", "scheduler", "styles", "override_settings"} & body.keys()


async def test_every_setting_arrives(tmp_path: Path) -> None:
    """Settings become fields of the body; extra_body is stronger, and adds to override_settings."""
    extra = {"steps": 30, "tiling": True, "override_settings": {"CLIP_stop_at_last_layers": 2}}
    async with both(
        tmp_path,
        steps=8,
        cfg_scale=4.5,
        sampler="DPM++ 2M",
        scheduler="Karras",
        model=MODEL,
        styles=("watercolour", "muted"),
        pixels=1024,
        extra_body=json.dumps(extra),
    ) as (provider, fake):
        await provider.generate(a_wish())
    body = fake.bodies[0]
    assert (body["steps"], body["cfg_scale"], body["tiling"]) == (30, 4.5, True)
    assert (body["sampler_name"], body["scheduler"]) == ("DPM++ 2M", "Karras")
    assert body["override_settings"] == {"sd_model_checkpoint": MODEL, "CLIP_stop_at_last_layers": 2}
    assert body["styles"] == ["watercolour", "muted"]
    assert (body["width"], body["height"]) == (680, 1024)


@pytest.mark.parametrize(
    ("frame", "pixels", "size"),
    [
        ((320, 480), 768, (512, 768)),
        ((480, 320), 768, (768, 512)),
        ((100, 100), 512, (512, 512)),
        ((10, 999), 256, (64, 256)),
    ],
)
def test_the_size_has_the_frames_shape(frame: tuple[int, int], pixels: int, size: tuple[int, int]) -> None:
    """The longer side is the owner's, both are multiples of 8."""
    settings = SdWebUiSettings(base_url="http://pc:7860", pixels=pixels)
    body = body_for(settings, a_wish(width=frame[0], height=frame[1]))
    assert (body["width"], body["height"]) == size


@pytest.mark.parametrize("mode", ["good", "old_grid"])
async def test_a_grid_is_not_the_picture(tmp_path: Path, mode: str) -> None:
    """A batch begins with a grid of all its pictures, whether the answer says so or not."""
    async with both(tmp_path, mode, extra_body='{"batch_size": 2}') as (provider, _fake):
        image = await provider.generate(a_wish())
    assert Image.open(io.BytesIO(image.data)).size == (256, 384)  # the grid is a square


async def test_a_data_url_is_a_picture_too(tmp_path: Path) -> None:
    """The head of a data URL is taken off."""
    async with both(tmp_path, "data_url") as (provider, _fake):
        image = await provider.generate(a_wish())
    assert image.data.startswith(b"\xff\xd8")


async def test_without_info_the_picture_is_as_good(tmp_path: Path) -> None:
    """The seed is the one that was asked for then."""
    async with both(tmp_path, "no_info") as (provider, _fake):
        image = await provider.generate(a_wish())
    assert (image.model, image.seed) == ("", 4242)


@pytest.mark.parametrize(("mode", "kind", "words"), REFUSED, ids=[case[0] for case in REFUSED])
async def test_a_failure_has_its_class_and_its_remedy(
    tmp_path: Path, mode: str, kind: type[ProviderError], words: list[str]
) -> None:
    """Each known failure names what the owner can do, and no secret."""
    login = {"username": LOGIN[0], "password": LOGIN[1]}
    async with both(tmp_path, mode, sampler="Euler a", model=MODEL, pixels=512, **login) as (provider, _fake):
        with pytest.raises(ProviderError) as caught:
            await provider.generate(a_wish())
    assert type(caught.value) is kind
    for word in words:
        assert word in str(caught.value)
    assert LOGIN[1] not in str(caught.value)


async def test_a_field_of_the_wrong_type_is_named(tmp_path: Path) -> None:
    """What validation says reaches the owner with the name of the field."""
    async with both(tmp_path, extra_body='{"steps": "many"}') as (provider, fake):
        with pytest.raises(BadProviderRequest, match=r"body\.steps: value is not valid"):
            await provider.generate(a_wish())
    assert fake.ledger.charges == []


async def test_a_password_opens_the_door(tmp_path: Path) -> None:
    """A file with the password counts before the setting, and neither is ever shown."""
    file = tmp_path / "password"
    file.write_text(f"{LOGIN[1]}\n")
    file.chmod(0o600)
    async with both(tmp_path, username=LOGIN[0], password="another-one", password_file=file) as (provider, fake):
        await provider.generate(a_wish())
        assert await provider.readiness() is None
        assert "another-one" not in repr(provider.settings)
        file.unlink()
        missing = await provider.readiness()
    assert missing is not None
    assert "password_file" in missing
    assert len(fake.wishes) == 1


async def test_a_sleeping_pc_is_no_drama(tmp_path: Path) -> None:
    """A refused connection is Unreachable, with a calm sentence that readiness gives too."""
    with socket.socket() as taken:  # nobody listens there, and nobody else can begin to
        taken.bind(("127.0.0.1", 0))
        async with provider_at(f"http://127.0.0.1:{taken.getsockname()[1]}", tmp_path) as provider:
            with pytest.raises(Unreachable, match="The PC may sleep"):
                await provider.generate(a_wish())
            assert "The PC may sleep" in str(await provider.readiness())
            assert "The PC may sleep" in str(await provider.check())


async def test_a_pc_that_does_not_pick_up_is_unreachable(tmp_path: Path) -> None:
    """A connection that never comes about ends after the connect timeout, and nothing is interrupted."""
    async with both(tmp_path) as (provider, fake):
        await fake.become(NEVER_ACCEPTS)
        with pytest.raises(Unreachable):
            await run_out(provider.generate(a_wish()), fake)
        await fake.become("good")
    assert fake.interrupts == 0


async def test_a_model_that_loads_is_no_error(tmp_path: Path) -> None:
    """A web UI that takes the question and is silent counts as ready."""
    async with both(tmp_path, "loading") as (provider, fake):
        assert await run_out(provider.readiness(), fake) is None


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("api_off", "--api"),
        ("wrong_password", "--api-auth"),
        ("html", "no JSON"),
        ("reset", "broke off"),
        ("good", None),
    ],
)
async def test_readiness_names_what_is_missing(tmp_path: Path, mode: str, words: str | None) -> None:
    """One sentence, nothing raised, nothing painted."""
    async with both(tmp_path, mode) as (provider, fake):
        missing = await provider.readiness()
    assert missing is None if words is None else words in str(missing)
    assert fake.ledger.charges == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, None),
        ({"model": MODEL, "sampler": "k_euler_a", "scheduler": "Karras"}, None),
        ({"model": f"{MODEL}.safetensors"}, None),
        ({"model": "879db523c3"}, None),
        ({"model": "dreamshaper"}, 'no model "dreamshaper"; it has dreamshaper_8.safetensors'),
        ({"sampler": "Euler A"}, 'no sampler "Euler A"; it has Euler, Euler a'),
        ({"scheduler": "Karas"}, 'no scheduler "Karas"'),
    ],
)
async def test_the_check_knows_every_name(tmp_path: Path, settings: dict[str, str], words: str | None) -> None:
    """A model that the web UI would replace without a word is found here, and so are the other names."""
    async with both(tmp_path, **settings) as (provider, fake):
        missing = await provider.check()
    assert missing is None if words is None else words in str(missing)
    assert fake.ledger.charges == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"base_url": "192.168.1.20:7860"}, "http://192.168.1.20:7860"),
        ({"base_url": "http://me:secret@pc:7860"}, "without a user"),
        ({"pixels": 500}, "multiple of 8"),
        ({"steps": 0}, "from 1 to 150"),
        ({"cfg_scale": 31.0}, "from 0 to 30"),
        ({"timeout": 0.0}, "above 0"),
        ({"extra_body": "[1]"}, "JSON object"),
        ({"extra_body": "{"}, "JSON object"),
        ({"username": "a:b", "password": "c"}, "--api-auth"),
        ({"username": "a"}, "needs a password"),
        ({"password": "c"}, "needs a username"),
    ],
)
def test_a_wrong_setting_is_explained(settings: dict[str, Any], words: str) -> None:
    """Each says what was expected."""
    with pytest.raises(ValueError, match=words):
        SdWebUiSettings(**{"base_url": "http://pc:7860", **settings})
