"""Deadlines that are over when a test says so: not before what they are for has begun, however busy the machine is."""

from __future__ import annotations

import asyncio

import pytest

_HOURS = 24 * 3600.0


def let_hours_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """For the loop of this test, and for no other one: each of its timers that goes off within a day does so now."""
    loop = asyncio.get_running_loop()
    before = loop.time
    monkeypatch.setattr(loop, "time", lambda: before() + _HOURS)
