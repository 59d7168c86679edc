"""YandexART in a whole server: a frame's wish is drawn, paid once, and kept."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from fakes.yandex import FakeYandex
from live import live

from default_plugins.yandexart_room import write_keys


def options(fake: FakeYandex, transport: str) -> str:
    return f"""
disabled_providers: [atelier]
providers:
  yandexart:
    transport: {transport}
    base_url: {fake.url}
"""


@pytest.mark.parametrize("transport", ["images", "async"])
async def test_a_frames_wish_is_drawn(tmp_path: Path, transport: str) -> None:
    """A frame's prompt and negative reach the service, its picture comes back to the frame, and is paid once."""
    (tmp_path / "data").mkdir()
    write_keys(tmp_path / "data")
    async with FakeYandex(polls=1).running() as fake, live(tmp_path, options=options(fake, transport)) as server:
        started = await server.start(type="ydart", prompt="Цапля в камышах", negative="люди")
        said = await server.asked_until_done(started["id"])
        assert said["status"] == "done"
        job = await server.job(started["id"])
        assert (job.provider, job.error) == ("yandexart", None)
        assert job.picture is not None
        assert [charge["prompt"] for charge in fake.ledger.charges] == ["Цапля в камышах. Игнорировать следующее: люди"]
        async with asyncio.timeout(60):  # a thread deletes the answer after the frame was told
            while list((tmp_path / "data" / "answers").glob("*")):  # noqa: ASYNC110 - nobody tells of it
                await asyncio.sleep(0.01)


async def test_without_keys_nothing_is_asked(tmp_path: Path) -> None:
    """Without keys the provider is not ready, says what is missing, and the frame gets an answer all the same."""
    async with (
        FakeYandex().running() as fake,
        live(tmp_path, options=options(fake, "images"), stored=1) as server,
    ):
        started = await server.start(type="auto")
        assert (await server.done(started["id"]))["status"] == "done"
        assert fake.ledger.requests == []
        async with server.http.get("/healthz") as answer:
            assert answer.status == 200
