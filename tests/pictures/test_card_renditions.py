"""Cards at a frame's size, for frames that give up before one is drawn."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from imageserver.pictures.cards import CardFacts, CardRenditions
from imageserver.target import Target

SMALL = Target(width=32, height=48)


class _Counting(ThreadPoolExecutor):
    """One thread, which does nothing before the gate is open."""

    def __init__(self) -> None:
        super().__init__(1)
        self.given = 0
        self.gate = threading.Event()
        super().submit(self.gate.wait)

    def submit(self, work: Callable[..., Any], /, *args: Any, **named: Any) -> Future[Any]:
        self.given += 1
        return super().submit(work, *args, **named)


async def facts() -> CardFacts:
    return CardFacts(language="en", page="http://192.168.1.5:8099")


async def test_a_card_is_drawn_once_however_often_frames_give_up() -> None:
    """Where drawing takes longer than a frame waits, it finds the card at a later question."""
    with _Counting() as executor:
        cards = CardRenditions(facts=facts, executor=executor)
        for _ in range(3):
            asking = asyncio.ensure_future(cards.get("nothing_stored", SMALL))
            await asyncio.sleep(0)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
        executor.gate.set()
        card = await cards.get("nothing_stored", SMALL)
        assert executor.given == 1
        assert await cards.get("nothing_stored", SMALL) is card
        assert (await card.jpeg())[:2] == b"\xff\xd8"


async def test_at_its_end_nothing_is_being_drawn() -> None:
    """A card that nobody waits for any more is finished before the server goes."""
    with _Counting() as executor:
        cards = CardRenditions(facts=facts, executor=executor)
        asking = asyncio.ensure_future(cards.get("nothing_stored", SMALL))
        await asyncio.sleep(0)
        asking.cancel()
        executor.gate.set()
        await cards.close()
        assert cards._drawing == {}
        await cards.get("nothing_stored", SMALL)
        assert executor.given == 1
