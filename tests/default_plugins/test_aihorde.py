"""The AI Horde: what it is asked, what its answers become, and how little it is bothered."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from default_plugins.aihorde_room import a_wish, room
from imageserver import AuthError, RateLimited
from imageserver.default_plugins.aihorde import AIHorde
from imageserver.default_plugins.aihorde.order import order, size_for, worded
from imageserver.default_plugins.aihorde.settings import AIHordeSettings

KEY = "key-for-tests"


async def test_a_picture_after_some_minutes(tmp_path: Path) -> None:
    """A ticket, a few questions, and then a WEBP with all that is told about it."""
    async with room(tmp_path, polls=2) as it:
        ticket = await it.provider.submit(a_wish())
        assert await it.poll_later(ticket) is None
        assert await it.poll_later(ticket) is None
        made = await it.poll_later(ticket)
        assert made is not None
        assert (made.data[:4], made.data[8:12]) == (b"RIFF", b"WEBP")
        assert (made.model, made.seed) == ("Deliberate", 4242)
        assert made.details == {"worker": "a volunteer", "model": "Deliberate", "kudos": "9.5"}
        assert it.questions == ["generate", "check", "check", "check", "status", "r2"]


async def test_the_order(tmp_path: Path) -> None:
    """Every setting reaches the service under its name there."""
    async with room(
        tmp_path, models=("Deliberate",), steps=12, cfg_scale=6.256, sampler="k_dpmpp_2m", contact="me@example.org"
    ) as it:
        await it.provider.submit(a_wish(negative="text, frames"))
        assert it.fake.bodies == [
            {
                "prompt": "a heron in the reeds ### text, frames",
                "params": {
                    "width": 512,
                    "height": 768,
                    "steps": 12,
                    "n": 1,
                    "sampler_name": "k_dpmpp_2m",
                    "cfg_scale": 6.26,
                    "seed": "4242",
                },
                "nsfw": False,
                "censor_nsfw": True,
                "trusted_workers": False,
                "slow_workers": True,
                "allow_downgrade": True,
                "r2": True,
                "models": ["Deliberate"],
            }
        ]
        name, version, contact = it.fake.agents[0].split(":")
        assert (name, contact) == ("ImageServer", "me@example.org")
        assert version == AIHorde.version


def test_any_model_is_the_default() -> None:
    """Without models the key is left out: an empty list has no documented meaning."""
    assert "models" not in order(AIHordeSettings(), a_wish())


def test_a_prompt_begins_no_negative() -> None:
    """The service's mark for the negative counts only where the server put it."""
    assert worded("a heron", None) == "a heron"
    assert worded("a heron ### in #1 reeds", "text") == "a heron # in #1 reeds ### text"


@pytest.mark.parametrize(
    ("frame", "pixels", "size"),
    [
        ((320, 480), 512 * 768, (512, 768)),
        ((480, 320), 512 * 768, (768, 512)),
        ((240, 240), 512 * 768, (576, 576)),
        ((800, 480), 512 * 768, (768, 448)),
        ((320, 480), 1024 * 1024, (832, 1216)),
        ((1, 5000), 256 * 256, (64, 1024)),
    ],
)
def test_the_size_has_the_frames_shape(frame: tuple[int, int], pixels: int, size: tuple[int, int]) -> None:
    """Multiples of 64, the frame's shape, and never more pixels than were allowed."""
    assert size_for(*frame, pixels) == size


async def test_it_is_not_asked_too_often(tmp_path: Path) -> None:
    """A question within six seconds of the last one stays unasked; another ticket has a count of its own."""
    async with room(tmp_path, polls=2) as it:
        first, second = await it.provider.submit(a_wish()), await it.provider.submit(a_wish())
        assert await it.provider.poll(first) is None
        assert await it.provider.poll(first) is None
        assert it.questions.count("check") == 1
        assert await it.provider.poll(second) is None
        assert it.questions.count("check") == 2
        await it.clock.advance(5.9)
        assert await it.provider.poll(first) is None
        assert it.questions.count("check") == 2
        await it.clock.advance(0.2)
        assert await it.provider.poll(first) is None
        assert it.questions.count("check") == 3


async def test_it_waits_as_long_as_it_was_told(tmp_path: Path) -> None:
    """After a 429 with Retry-After the ticket is kept and nobody asks before that time."""
    async with room(tmp_path) as it:
        ticket = await it.provider.submit(a_wish())
        await it.fake.become("rate_limited_retry_after")
        with pytest.raises(RateLimited) as raised:
            await it.provider.poll(ticket)
        assert raised.value.retry_after == 17
        await it.fake.become("good")
        asked = len(it.questions)
        await it.clock.advance(16)
        assert await it.provider.poll(ticket) is None
        assert len(it.questions) == asked
        await it.clock.advance(2)
        assert await it.provider.poll(ticket) is not None


async def test_a_ticket_survives_a_restart(tmp_path: Path) -> None:
    """Another instance gets the picture for a ticket that it never saw."""
    async with room(tmp_path) as it:
        ticket = await it.provider.submit(a_wish())
        assert await AIHorde(it.provider.context).poll(ticket) is not None


async def test_a_picture_in_base64(tmp_path: Path) -> None:
    """A service without links gives the picture itself."""
    async with room(tmp_path, "as_base64") as it:
        made = await it.provider.poll(await it.provider.submit(a_wish()))
        assert made is not None
        assert made.data[8:12] == b"WEBP"
        assert it.questions[-1] == "status"


async def test_a_warning_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody who could paint is there yet: the order stands, and the owner may read why it takes long."""
    async with room(tmp_path, "no_worker_yet") as it:
        assert await it.provider.submit(a_wish())
    assert "There are no workers for this request." in caplog.text


async def test_the_key(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A key from a file counts, and is nowhere to be read, even where the service repeats it."""
    caplog.set_level(logging.DEBUG)
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n", encoding="utf-8")
    file.chmod(0o600)
    async with room(tmp_path, api_key="of-nobody-at-all", api_key_file=file) as it:
        assert await it.provider.submit(a_wish())
        await it.fake.become("key_echo")
        with pytest.raises(AuthError) as raised:
            await it.provider.submit(a_wish())
        assert KEY not in f"{raised.value} {caplog.text} {it.provider.context!r} {it.provider._service!r}"
        assert "***" in str(raised.value)
    assert KEY not in repr(AIHordeSettings(api_key=KEY))


async def test_readiness_asks_nobody(tmp_path: Path) -> None:
    """It is ready without a call, and says so where the key's file is missing."""
    async with room(tmp_path) as it:
        assert await it.provider.readiness() is None
        assert it.fake.ledger.requests == []
    async with room(tmp_path, api_key_file=tmp_path / "nowhere") as it:
        assert "nowhere" in (await it.provider.readiness() or "")


async def test_the_check_orders_nothing(tmp_path: Path) -> None:
    """The thorough check is a dry run; what is wrong with key or order comes out."""
    async with room(tmp_path) as it:
        assert await it.provider.check() is None
        assert (it.fake.wishes, it.fake.ledger.charges) == ([], [])
        await it.fake.become("kudos")
        assert "allow_downgrade" in (await it.provider.check() or "")
    async with room(tmp_path, api_key="of-nobody-at-all") as it:
        assert "does not know the api_key" in (await it.provider.check() or "")


@pytest.mark.parametrize(
    ("setting", "value", "word"),
    [
        ("base_url", "aihorde.net", "expected an address"),
        ("base_url", "https://user@aihorde.net", "without a user"),
        ("contact", "two\nlines", "one line"),
        ("api_key", "ключ", "Latin"),
        ("models", ("",), "expected a name"),
        ("sampler", " ", "expected a name"),
        ("steps", 0, "from 1 to 500"),
        ("cfg_scale", 101.0, "from 0 to 100"),
        ("pixels", 1000, "from 65536"),
        ("timeout", 0.0, "above 0, up to 600"),
    ],
)
def test_settings_that_are_wrong(setting: str, value: Any, word: str) -> None:
    """Each says what was expected."""
    with pytest.raises(ValueError, match=word):
        AIHordeSettings(**{setting: value})
