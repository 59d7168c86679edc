"""mDNS, heard by a browser of services on loopback."""

from __future__ import annotations

import asyncio
import fcntl
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from attrs import define, field
from home.test_mqtt_connection import prepared
from live import ShiftedClock
from program import HANG_LIMIT, program
from zeroconf import ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from imageserver.announcing import TYPE, announced, wants_to_announce
from imageserver.config.model import Options


@define
class Browser:
    """Who looks for pages in the network."""

    zeroconf: AsyncZeroconf
    news: asyncio.Queue[tuple[ServiceStateChange, str]] = field(factory=asyncio.Queue)

    def heard(self, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:
        self.news.put_nowait((state_change, name))

    async def until(self, change: ServiceStateChange) -> str:
        """Wait for this news of one of ours."""
        async with asyncio.timeout(HANG_LIMIT):
            while True:
                what, name = await self.news.get()
                if what is change and name.startswith("ImageServer"):
                    return name

    async def details(self, name: str) -> AsyncServiceInfo:
        info = AsyncServiceInfo(TYPE, name)
        assert await info.async_request(self.zeroconf.zeroconf, HANG_LIMIT * 1000)  # which are milliseconds
        return info


@pytest.fixture
def alone() -> Iterator[None]:
    """What is announced on loopback is heard by every test of this computer: they go one after the other."""
    with (Path(tempfile.gettempdir()) / f"imageserver-mdns-{os.getuid()}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # until it is closed
        yield


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """Listens on loopback only."""
    zeroconf = AsyncZeroconf(interfaces=["127.0.0.1"])
    one = Browser(zeroconf=zeroconf)
    looking = AsyncServiceBrowser(zeroconf.zeroconf, TYPE, handlers=[one.heard])
    try:
        yield one
    finally:
        await looking.async_cancel()
        await zeroconf.async_close()


@pytest.mark.usefixtures("alone")
async def test_the_page_is_announced_and_a_stop_takes_it_back(tmp_path: Path) -> None:
    """The real program: name, address, port and path; and at SIGTERM a goodbye, not a silence of two minutes."""
    data = await prepared(tmp_path, "mdns: always\n")
    async with browser() as looks, program(data) as running:
        info = await looks.details(await looks.until(ServiceStateChange.Added))
        assert info.port == running.port
        assert info.parsed_addresses() == ["127.0.0.1"]
        assert info.properties[b"path"] == b"/"
        running.process.terminate()
        await looks.until(ServiceStateChange.Removed)
        assert await asyncio.wait_for(running.process.wait(), HANG_LIMIT) == 0


@pytest.mark.usefixtures("alone")
async def test_two_servers_have_two_names_and_a_new_address_is_told() -> None:
    """The second is called otherwise; and where the router gives another address, that one is announced."""

    class Hasty(ShiftedClock):
        async def sleep(self, seconds: float) -> None:
            await asyncio.sleep(0.05)

    addresses = ["127.0.0.1"]
    options = Options(host="127.0.0.1", mdns="always")
    async with browser() as looks, announced(options, 8099, Hasty(), {}):
        first = await looks.until(ServiceStateChange.Added)
        async with announced(options, 8100, Hasty(), {}, address=lambda _host: addresses[0]):
            second = await looks.until(ServiceStateChange.Added)
            assert second != first
            assert (await looks.details(second)).port == 8100
            addresses[0] = "127.0.0.2"
            assert await looks.until(ServiceStateChange.Removed) == second
            again = await looks.details(await looks.until(ServiceStateChange.Added))
            assert (again.port, again.parsed_addresses()) == (8100, ["127.0.0.2"])
        assert first.startswith("ImageServer.")


@pytest.mark.parametrize(
    ("options", "environment", "in_container", "expected"),
    [
        (Options(), {}, False, True),
        (Options(), {"IMAGESERVER_IN_CONTAINER": "1"}, False, False),
        (Options(), {}, True, False),
        (Options(mdns="always"), {"IMAGESERVER_IN_CONTAINER": "1"}, True, True),
        (Options(mdns="never"), {}, False, False),
        (Options(host="127.0.0.1"), {}, False, False),
        (Options(host="localhost"), {}, False, False),
        (Options(host="192.168.1.5"), {}, False, True),
    ],
)
def test_who_is_told(
    options: Options, environment: dict[str, str], in_container: bool, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By itself a server is announced where the house can reach it, and never from inside a container."""
    monkeypatch.setattr("imageserver.announcing.is_in_container", lambda: in_container)
    assert wants_to_announce(options, environment) is expected


async def test_a_network_that_forbids_it_costs_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said once, and the server goes on."""

    class Hasty(ShiftedClock):
        async def sleep(self, seconds: float) -> None:
            tried.set()
            await asyncio.sleep(0)

    def forbid(*_arguments: object, **_options: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    tried = asyncio.Event()
    monkeypatch.setattr("zeroconf.asyncio.AsyncZeroconf", forbid)
    async with announced(Options(host="127.0.0.1", mdns="always"), 8099, Hasty(), {}):
        for _ in range(3):
            await asyncio.wait_for(tried.wait(), HANG_LIMIT)
            tried.clear()
    assert caplog.text.count("Operation not permitted") == 1
