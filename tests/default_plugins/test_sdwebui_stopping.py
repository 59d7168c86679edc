"""The web UI paints on when its caller has gone: what nobody waits for is stopped, and nothing else is."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from default_plugins.running_out import run_out, time_over
from default_plugins.sdwebui_room import a_wish, both
from imageserver import DeadlineExceeded


async def test_a_picture_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    """When the time is over the web UI is told so, for it would paint on."""
    async with both(tmp_path) as (provider, fake):
        await fake.become("endless", times=1)
        with pytest.raises(DeadlineExceeded):
            await run_out(provider.generate(a_wish()), fake, has_taken=fake.painting.is_set)
    assert fake.interrupts == 1
    assert fake.state["interrupted"] is True


async def test_a_picture_that_nobody_waits_for_is_stopped(tmp_path: Path) -> None:
    """A cancelled call interrupts, and stays cancelled."""
    async with both(tmp_path) as (provider, fake):
        await fake.become("endless", times=1)
        call = asyncio.create_task(provider.generate(a_wish()))
        await fake.painting.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    assert fake.interrupts == 1


async def test_stopping_outlives_a_second_cancellation(tmp_path: Path) -> None:
    """Who is in a hurry does not keep the web UI from being told: closing waits for it."""
    async with both(tmp_path) as (provider, fake):
        await fake.become("endless", times=1)
        call = asyncio.create_task(provider.generate(a_wish()))
        await fake.painting.wait()
        call.cancel()
        await asyncio.sleep(0)  # the call begins to interrupt
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await provider.close()
        assert fake.interrupts == 1


async def test_the_next_picture_waits_until_the_last_is_stopped(tmp_path: Path) -> None:
    """What stops one picture must not reach the next: the web UI stops whatever runs."""
    async with both(tmp_path) as (provider, fake):
        await fake.become("endless", times=1)
        call = asyncio.create_task(provider.generate(a_wish()))
        await fake.painting.wait()
        call.cancel()
        await asyncio.sleep(0)  # the call begins to interrupt
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert (await provider.generate(a_wish())).data
    asked = [request["path"].rpartition("/")[2] for request in fake.ledger.requests]
    assert asked == ["txt2img", "progress", "interrupt", "txt2img", "progress"]


async def test_the_owners_own_picture_is_left_alone(tmp_path: Path) -> None:
    """While the web page paints for the owner, ours only waits: there is nothing of ours to interrupt."""
    async with both(tmp_path) as (provider, fake):
        await fake.become("loading", times=1)  # behind the lock
        fake.state["job"] = "task(gbq1x0cbs8n4dfo)"
        with pytest.raises(DeadlineExceeded):
            await run_out(provider.generate(a_wish()), fake)
    assert fake.interrupts == 0


async def test_a_web_ui_that_cannot_be_stopped_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Interrupting is done as well as it goes; what the caller learns is the timeout."""
    caplog.set_level(logging.INFO)
    async with both(tmp_path) as (provider, fake):
        await fake.become("endless")
        call = asyncio.create_task(provider.generate(a_wish()))
        await fake.painting.wait()
        await fake.become("reset")
        with pytest.raises(DeadlineExceeded):
            await time_over(call)
    assert "is not stopped" in caplog.text
