"""Takes back an order that nobody waits for, and never one of somebody else's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from imageserver import ProviderError
from imageserver.default_plugins.comfyui.service import Service

IsOurs = Callable[[list[Any]], bool]


def with_ticket(ticket: str) -> IsOurs:
    """The order with this id."""
    return lambda order: bool(order[1] == ticket)


def from_client(client_id: str) -> IsOurs:
    """The order that was given with this client_id, for one whose id never arrived."""
    return lambda order: len(order) > 3 and isinstance(order[3], dict) and order[3].get("client_id") == client_id


async def withdraw(service: Service, is_ours: IsOurs) -> None:
    """Delete the order from the queue, and interrupt it if it is the one that runs. Never raises."""
    try:
        _running, waiting = await service.queue()
        for order in filter(is_ours, waiting):
            await service.delete(order[1])
        running, _waiting = await service.queue()  # anew: it may have begun meanwhile
        for order in filter(is_ours, running):
            await service.interrupt(order[1])
    except ProviderError as error:
        service.context.log.info("the order that nobody waits for is not taken back: %s", error)
