"""The free check names the step of the cloud set-up that is missing, and never buys anything."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from default_plugins.running_out import run_out
from default_plugins.yandexart_room import room, write_keys

STEPS: list[tuple[str, str | None]] = [
    ("good", None),
    ("wrong_key", "yc.ai.imageGeneration.execute"),
    ("key_expired", "expired"),
    ("status_500", "internal error"),
]
# What shows only behind the first question: the mode after one good answer
LATER: list[tuple[str, str]] = [
    ("wrong_scope", "ai.imageGeneration.user"),
    ("wrong_folder", "folder_id"),
    ("retired_model", "retired"),
    ("no_money", "Billing"),
    ("status_503", "internal error"),
]


@pytest.mark.parametrize("transport", ["images", "async"])
@pytest.mark.parametrize(("mode", "words"), [*STEPS, *LATER], ids=[case[0] for case in [*STEPS, *LATER]])
async def test_the_step_that_is_missing(tmp_path: Path, transport: str, mode: str, words: str | None) -> None:
    """Each missing step is named, a whole set-up passes, and the ledger stays empty."""
    async with room(tmp_path, mode, transport=transport) as it:
        said = await it.provider.check()
        assert it.fake.ledger.charges == []
        assert len(it.fake.ledger.requests) in (1, 2)
        assert said is None if words is None else words in (said or "")


@pytest.mark.parametrize("transport", ["images", "async"])
async def test_a_wrong_folder_id(tmp_path: Path, transport: str) -> None:
    """A folder_id that is not the key's is found without a mode of the fake."""
    async with room(tmp_path, transport=transport) as it:
        it.fake.account = evolve(it.fake.account, folder_id="b1another")
        assert "another folder than folder_id says" in (await it.provider.check() or "")


async def test_a_model_that_was_retired(tmp_path: Path) -> None:
    """The model of years ago is named as retired."""
    async with room(tmp_path, model="yandex-art/latest", transport="async") as it:
        assert "yandex-art/latest: it was retired" in (await it.provider.check() or "")


async def test_nobody_there(tmp_path: Path) -> None:
    """Without a connection the check says so, and says no more than that."""
    async with room(tmp_path, "never_accepts") as it:
        assert "no connection to 127.0.0.1" in (await run_out(it.provider.check(), it.fake) or "")


async def test_a_stand_in_without_the_older_interface(tmp_path: Path) -> None:
    """Where only the images interface is served the rest cannot be checked, which is no mistake."""
    async with room(tmp_path, "no_such_model") as it:
        assert await it.provider.check() is None
    async with room(tmp_path, "no_such_model", transport="async") as it:
        assert await it.provider.check() is not None


async def test_nothing_is_asked_without_keys(tmp_path: Path) -> None:
    """A missing key is told of before anything is sent."""
    async with room(tmp_path) as it:
        write_keys(tmp_path, '{"folder_id": "f"}')
        assert "api_key is missing" in (await it.provider.check() or "")
        assert it.fake.ledger.requests == []
