"""While very many pictures are being made at frames' sizes: who waits, and what the others hear."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor
from pathlib import Path

import pytest
from live import live

from imageserver import delivery
from imageserver.errors import RenditionsBusy
from imageserver.pictures.rendition import Order, Rendition
from imageserver.pictures.renditions import Renditions
from imageserver.web import keys


async def test_in_a_crowd_a_frame_hears_pending_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a rendition cannot be there in time nobody waits for it, however long the server's patience is."""
    monkeypatch.setattr(delivery, "_RENDITION_SECONDS", 3600.0)
    async with live(tmp_path, stored=1) as room:
        renditions, go_on = room.app[keys.STORE].renditions, asyncio.Event()
        real = renditions._made

        async def slowly(order: Order, executor: Executor) -> Rendition:
            await go_on.wait()
            return await real(order, executor)

        monkeypatch.setattr(Renditions, "_made", lambda _self, order, executor: slowly(order, executor))
        renditions._in_line = 100
        operation = (await room.start(type="old"))["id"]
        assert (await room.result(operation))["status"] == "pending"
        go_on.set()
        assert (await room.done(operation))["status"] == "done"


async def test_when_nothing_more_is_begun_everybody_hears_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A frame hears pending, a frame that only fetches a URL gets a card, and a person is told when to come again."""

    async def busy(*_arguments: object, **_more: object) -> None:
        raise RenditionsBusy("too many")

    async with live(tmp_path, stored=1) as room:
        monkeypatch.setattr(Renditions, "get", busy)
        operation = (await room.start(type="old"))["id"]
        assert (await room.result(operation))["status"] == "pending"
        async with room.http.get("/frame.jpg") as answer:
            assert answer.status == 200
            assert answer.content_type == "image/jpeg"
        room.app[keys.DELIVERY].shown = (1, 0.0)
        async with room.http.get("/current.jpg") as answer:
            assert answer.status == 503
            assert int(answer.headers["Retry-After"]) > 0
        monkeypatch.undo()
        await room.done(operation)
