"""Opens the room where the options ask for it and its package is there; both are imported only then."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any

from aiohttp import web

from imageserver.config.broker import MqttOptions
from imageserver.language import Language
from imageserver.registry import Registry
from imageserver.till import Till
from imageserver.web import keys

_log = logging.getLogger(__name__)


def open_home(
    app: web.Application,
    options: MqttOptions | None,
    *,
    registry: Registry,
    till: Till,
    language: Language,
    executor: Executor,
) -> Callable[[], Coroutine[Any, Any, None]] | None:
    """What keeps the connection up, for the supervisor; None where there is none to keep. `app` has its rooms."""
    if options is None:
        return None
    if importlib.util.find_spec("aiomqtt") is None:
        _log.error("mqtt stands in the options, but the package aiomqtt is missing: pip install 'imageserver[mqtt]'")
        return None
    from imageserver.home.broker import Home
    from imageserver.home.discovery import Announcer
    from imageserver.home.orders import Orders
    from imageserver.home.states import House
    from imageserver.home.topics import Topics

    topics = Topics(base=options.topic, discovery=options.discovery)
    house = House(
        announcer=Announcer(topics=topics, language=language, page=app[keys.WHERE], currency=options.currency),
        with_images=options.pictures,
        frames=app[keys.FRAMES],
        sightings=app[keys.SIGHTINGS],
        delivery=app[keys.DELIVERY],
        store=app[keys.STORE],
        album=app[keys.PEOPLE].album,
        naps=app[keys.NAPS],
        registry=registry,
        till=till,
        journal=app[keys.JOURNAL],
        clock=app[keys.CLOCK],
    )
    home = Home(
        options=options,
        topics=topics,
        house=house,
        orders=Orders(
            steering=app[keys.STEERING], choices=app[keys.CHOICES], naps=app[keys.NAPS], clock=app[keys.CLOCK]
        ),
        journal=app[keys.JOURNAL],
        clock=app[keys.CLOCK],
        rng=app[keys.DICE],
        executor=executor,
    )
    return home.run
