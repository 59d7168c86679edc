"""The real mosquitto, and somebody who listens to it as Home Assistant does."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiomqtt
import pytest
from attrs import define, field
from ports import kept_ports

T = TypeVar("T")
HANG_LIMIT = 60.0
USER, PASSWORD = "imageserver", "correct-horse-battery"


def mosquitto() -> str:
    """Where it is. Without it the test is skipped; it fails where CI=true says that nothing may miss."""
    found = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None or shutil.which("mosquitto_passwd") is None:
        give_up = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        give_up("mosquitto (package mosquitto) is missing")
    return found


@define
class Broker:
    """A mosquitto on a port of its own, which may go and come back. It keeps nothing on the disk."""

    folder: Path
    port: int
    with_tls: bool = False
    _process: Process | None = field(init=False, default=None)

    async def start(self) -> None:
        """Begin to listen."""
        passwords, options = self.folder / "passwords", self.folder / "mosquitto.conf"
        if not passwords.exists():
            command = ["mosquitto_passwd", "-b", "-c", str(passwords), USER, PASSWORD]
            making = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
            await making.communicate()
            assert making.returncode == 0
        lines = [
            f"listener {self.port} 127.0.0.1",
            "allow_anonymous false",
            f"password_file {passwords}",
            "persistence false",
            *(["user root"] if os.getuid() == 0 else []),
        ]
        if self.with_tls:
            lines += [f"certfile {self.folder}/certificate.pem", f"keyfile {self.folder}/key.pem"]
        options.write_text("\n".join(lines) + "\n")
        program = mosquitto()
        self._process = await asyncio.create_subprocess_exec(program, "-c", str(options), stderr=PIPE)
        assert self._process.stderr is not None
        async with asyncio.timeout(HANG_LIMIT):
            said = b""
            while b"running" not in said:
                said = await self._process.stderr.readline()
                assert said, "mosquitto did not start"

    async def stop(self) -> None:
        """Gone, and with it everything that it held."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
                self._process.send_signal(signal.SIGCONT)
            await self._process.communicate()
            self._process = None

    async def refuses(self, times: int) -> None:
        """Wait until it has sent that many away who had a wrong password, by its own log."""
        assert self._process is not None
        assert self._process.stderr is not None
        async with asyncio.timeout(HANG_LIMIT):
            while times:
                said = await self._process.stderr.readline()
                assert said, "mosquitto has ended"
                times -= b"not authorised" in said

    def freeze(self) -> None:
        """It holds its connections and does nothing with them, until it is stopped."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    @property
    def options(self) -> str:
        """What stands in options.yml."""
        password_file = self.folder / "mqtt-password"
        password_file.write_text(PASSWORD + "\n")
        return (
            f"mqtt: {{host: 127.0.0.1, port: {self.port}, username: {USER}, password_file: {password_file}, "
            "currency: RUB}\n"
        )

    @asynccontextmanager
    async def listener(self) -> AsyncIterator[Listener]:
        """Somebody who hears everything."""
        async with aiomqtt.Client(
            "127.0.0.1", self.port, username=USER, password=PASSWORD, timeout=HANG_LIMIT
        ) as client:
            listener = Listener(client=client)
            hearing = asyncio.create_task(listener.hear())
            await client.subscribe("#")
            try:
                yield listener
            finally:
                hearing.cancel()
                await asyncio.gather(hearing, return_exceptions=True)


@define
class Listener:
    """What was said last at each topic."""

    client: aiomqtt.Client
    said: dict[str, bytes] = field(factory=dict)
    history: list[tuple[str, bytes]] = field(factory=list)
    _news: asyncio.Event = field(factory=asyncio.Event)

    async def hear(self) -> None:
        """Listen until cancelled."""
        async for message in self.client.messages:
            self.history.append((str(message.topic), message.payload))
            if message.payload:
                self.said[str(message.topic)] = message.payload
            else:
                self.said.pop(str(message.topic), None)
            self._news.set()

    async def until(self, holds: Callable[[dict[str, bytes]], bool]) -> None:
        """Wait until what was said fulfils this."""
        async with asyncio.timeout(HANG_LIMIT):
            while not holds(self.said):
                self._news.clear()
                await self._news.wait()

    def json(self, topic: str) -> dict[str, Any]:
        """The last thing said there."""
        read: dict[str, Any] = json.loads(self.said[topic])
        return read

    async def tell(self, topic: str, payload: str | bytes, *, retain: bool = False) -> None:
        """Say something, as a button of Home Assistant does."""
        await self.client.publish(topic, payload, qos=1, retain=retain)


async def eventually(found: Callable[[], Awaitable[T | None]]) -> T:
    """What this gives once it gives anything: for what has no event of its own."""
    async with asyncio.timeout(HANG_LIMIT):
        while not (one := await found()):  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.02)
    return one


@asynccontextmanager
async def broker(folder: Path, *, started: bool = True, with_tls: bool = False) -> AsyncIterator[Broker]:
    """A broker for one test."""
    mosquitto()
    await asyncio.to_thread(folder.mkdir, exist_ok=True)
    with kept_ports(1) as [port]:
        one = Broker(folder=folder, port=port, with_tls=with_tls)
        try:
            if started:
                await one.start()
            yield one
        finally:
            await one.stop()
