"""The connection to the MQTT broker: kept up as long as the server runs, and never in a frame's way.

The one module that uses aiomqtt. Everything published is retained, and after each connection all of it is said anew, so
a broker that forgets, a Home Assistant that starts later and a frame that was taken away need nothing special.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import random
import socket
import ssl
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import Executor
from typing import Any

import aiomqtt
from attrs import define, field

from imageserver.clock import Clock
from imageserver.config.broker import MqttOptions
from imageserver.errors import JournalUnavailable
from imageserver.home.orders import Orders
from imageserver.home.states import House, Snapshot
from imageserver.home.topics import OFFLINE, ONLINE, Topics, slug
from imageserver.journal import Journal
from imageserver.log_ration import LogRation
from imageserver.plugin_loop import NoAnswer, in_daemon_thread

_LOOK = 5.0  # seconds between two looks at what has changed
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 300.0  # seconds before the next attempt; doubled, with jitter
_LONG_ENOUGH = 60.0  # seconds of a connection after which the next pause is a short one again
_PATIENCE = 4.0  # seconds for one answer of the broker; a stop must not wait longer
_GOODBYE = 1.0
_KEEPALIVE = 30  # seconds; after one and a half of them without a word the broker says `offline` for us
_MOST_WAITING = 100  # orders that are not carried out yet; more are dropped
_REFUSED = 128  # what a broker grants where its list of rights forbids a subscription (MQTT 3.1.1, 3.9.3)
_NOTE = "mqtt_topics"  # holds what was published, so that what is gone after a restart is taken away
_TROUBLES = (aiomqtt.MqttError, OSError, NoAnswer, JournalUnavailable, ValueError)

_log = logging.getLogger(__name__)
_library_log = logging.getLogger(f"{__name__}.aiomqtt")
_library_log.setLevel(logging.ERROR)  # what it would warn of is said here, once


@define(kw_only=True, eq=False)
class Home:
    """Tells the broker how things are, and listens to what it is told."""

    _options: MqttOptions
    _topics: Topics
    _house: House
    _orders: Orders
    _journal: Journal
    _clock: Clock
    _rng: random.Random
    _executor: Executor
    _known: set[str] = field(init=False, factory=set)  # topics that hold something of ours
    _frames: dict[str, str] = field(init=False, factory=dict)  # slug → key, as last published
    _changed: asyncio.Event = field(init=False, factory=asyncio.Event)
    _complained: str = field(init=False, default="")
    _ration: LogRation = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._ration = LogRation(log=_log, clock=self._clock, most=10, more="%d more MQTT messages were of no use here")

    async def run(self) -> None:
        """Stay connected until cancelled."""
        self._known = set(json.loads(await self._journal.notes.get(_NOTE) or "[]"))
        pause = _FIRST_PAUSE
        while True:
            began = self._clock.monotonic()
            try:
                await self._talk()
            except _TROUBLES as error:
                self._complain(error)
            me = asyncio.current_task()
            if me is not None and me.cancelling():  # a broker that answers no goodbye raised instead
                raise asyncio.CancelledError
            if self._clock.monotonic() - began > _LONG_ENOUGH:
                pause = _FIRST_PAUSE
            await self._clock.sleep(pause * self._rng.uniform(0.5, 1.5))
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _talk(self) -> None:
        """One connection, from its beginning to its end. Raises what ended it."""
        password, context = await asyncio.get_running_loop().run_in_executor(self._executor, self._secrets)
        options = self._options
        # A resolver that hangs holds a thread: not one that the end of the server would wait for.
        await in_daemon_thread(
            "looking up the MQTT broker", lambda: socket.getaddrinfo(options.host, options.port_or_usual), _PATIENCE
        )
        client = aiomqtt.Client(
            options.host,
            options.port_or_usual,
            username=options.username,
            password=password,
            identifier=f"{slug(self._topics.id)[:12]}-{self._rng.getrandbits(40):010x}",
            will=aiomqtt.Will(self._topics.status, OFFLINE, qos=1, retain=True),
            tls_context=context,
            keepalive=_KEEPALIVE,
            timeout=_PATIENCE,
            max_queued_incoming_messages=_MOST_WAITING,
            logger=_library_log,
        )
        async with _connected(client):
            try:
                # At most once: an order to paint that came twice would be paid twice.
                orders = f"{self._topics.base}/frame/+/set/+"
                granted = await client.subscribe(orders, qos=0)
                if any((one if isinstance(one, int) else one.value) == _REFUSED for one in granted):
                    _log.warning("the MQTT broker does not let us listen at %s: its list of rights forbids it", orders)
                told: dict[str, bytes] = {}
                await self._tell(client, told)
                await client.publish(self._topics.status, ONLINE, qos=1, retain=True)
                _log.info("connected to the MQTT broker at %s:%d", options.host, options.port_or_usual)
                self._complained = ""
                await _either(self._listen(client), self._keep_telling(client, told))
            finally:
                # Who leaves in good order leaves no will: the server says itself that it is gone.
                with contextlib.suppress(aiomqtt.MqttError, TimeoutError):
                    async with asyncio.timeout(_GOODBYE):
                        await client.publish(self._topics.status, OFFLINE, qos=1, retain=True)

    def _secrets(self) -> tuple[str | None, ssl.SSLContext | None]:
        """The password and what the broker's certificate is checked with. Blocks; raises OSError and ValueError."""
        options = self._options
        password: str | None = options.password or None
        if options.password_file is not None:
            try:
                password = options.password_file.read_text(encoding="utf-8").strip("\r\n")
            except UnicodeDecodeError:
                raise ValueError(f"{options.password_file} is not in UTF-8") from None
        if not options.tls:
            return password, None
        return password, ssl.create_default_context(cafile=options.ca_file)

    async def _keep_telling(self, client: aiomqtt.Client, told: dict[str, bytes]) -> None:
        while True:
            await _either(self._clock.sleep(_LOOK), self._order_was_obeyed())
            await self._tell(client, told)

    async def _order_was_obeyed(self) -> None:
        await self._changed.wait()
        self._changed.clear()

    async def _tell(self, client: aiomqtt.Client, told: dict[str, bytes]) -> None:
        """Publish what differs from what was said in this connection, and take away what is gone."""
        snapshot = await self._house.look()
        await self._remember(snapshot)
        for topic, payload in snapshot.messages.items():
            if told.get(topic) != payload:
                await client.publish(topic, payload, qos=1, retain=True)
                told[topic] = payload
        for topic in self._known - snapshot.messages.keys():
            await client.publish(topic, b"", qos=1, retain=True)
            told.pop(topic, None)
        if self._known != set(snapshot.messages):
            self._known = set(snapshot.messages)
            await self._write_down()

    async def _remember(self, snapshot: Snapshot) -> None:
        """Note what is about to be published before it is: a crash must not leave a device behind for ever."""
        self._frames = dict(snapshot.frames)
        if not self._known.issuperset(snapshot.messages):
            self._known |= set(snapshot.messages)
            await self._write_down()

    async def _write_down(self) -> None:
        await self._journal.notes.put(_NOTE, json.dumps(sorted(self._known)))

    async def _listen(self, client: aiomqtt.Client) -> None:
        try:
            await self._hear(client)
        except aiomqtt.MqttError as error:
            raise ConnectionError("the connection was lost") from error

    async def _hear(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            order = self._topics.read_order(str(message.topic))
            frame = None if order is None else self._frames.get(order[0])
            if order is None or frame is None:
                self._ration.info("MQTT told something to a frame that is not here: %.80s", str(message.topic))
            elif message.retain:
                # It would be obeyed again at each connection, and painting costs money.
                self._ration.info("frame %s: a retained MQTT order is not obeyed: publish it without retain", frame)
            else:
                await self._orders.obey(frame, order[1], message.payload)
                self._changed.set()

    def _complain(self, error: Exception) -> None:
        """Tell the log once what is wrong, and again when something else is."""
        said = str(error) or type(error).__name__
        if said != self._complained:
            self._complained = said
            where = f"{self._options.host}:{self._options.port_or_usual}"
            _log.warning("the MQTT broker at %s is not there for us, and is tried again: %s", where, said)


@contextlib.asynccontextmanager
async def _connected(client: aiomqtt.Client) -> AsyncIterator[None]:
    """As the client's own context. A stop in the middle of connecting waits for its thread: it would stay behind."""
    connecting = asyncio.ensure_future(client.__aenter__())
    try:
        await asyncio.shield(connecting)
    except asyncio.CancelledError:
        with contextlib.suppress(aiomqtt.MqttError):
            await connecting
            await client.__aexit__(None, None, None)
        raise
    try:
        yield
    finally:
        await client.__aexit__(None, None, None)


async def _either(*works: Coroutine[Any, Any, None]) -> None:
    """Run them side by side until one ends; raises what ended it.

    No TaskGroup: before Python 3.13 one leaves its task looking as if somebody had cancelled it.
    """
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
