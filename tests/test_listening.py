"""One port for HTTP and TLS, several ports, and clients that are slow, silent or many. Real sockets, real TLS."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import re
import socket
import ssl
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from attrs import frozen
from fakes.certificate import needs_openssl
from ports import kept_ports

from imageserver.certificates import make_certificate
from imageserver.certificates.loading import load_context
from imageserver.listening import CannotListen, Door, DoorSite, Patience, open_doors

HANG_LIMIT = 30.0  # seconds; nothing here takes a fraction of it
NEVER = 3600.0  # seconds: what is not to run out in a test
NOW = datetime.now(UTC)
LARGE = 20_000  # bytes of an answer that needs several records
HELLO = bytes.fromhex("160301")  # how a handshake begins
KINDS = ("p256", "rsa2048", "rsa4096")


@frozen
class Certified:
    """A pair in a folder."""

    folder: Path

    def server(self) -> ssl.SSLContext:
        context = load_context(self.folder)
        assert context is not None
        return context

    def client(self) -> ssl.SSLContext:
        """Trusts this certificate only, and looks whether it is for the host that was asked."""
        return ssl.create_default_context(cafile=str(self.folder / "cert.pem"))


@pytest.fixture(scope="session")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Certified]:
    """A pair of each kind that frames understand, and the one that the Go server's owners have."""
    found = {}
    for kind in KINDS:
        folder = tmp_path_factory.mktemp(kind)
        if kind == "rsa4096":
            write_large_key(folder / "key.pem")
        make_certificate(
            folder,
            names=["localhost"],
            addresses=[ip_address("127.0.0.1"), ip_address("::1")],
            now=NOW,
            kind="rsa2048" if kind == "rsa2048" else "p256",
            keep_key=kind == "rsa4096",
        )
        found[kind] = Certified(folder)
    return found


def write_large_key(path: Path) -> None:
    """RSA-4096, which `make_certificate` does not make."""
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = rsa.generate_private_key(65537, 4096)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))


@pytest.fixture
def pair(pairs: dict[str, Certified]) -> Certified:
    """The kind that is made by default."""
    return pairs["p256"]


async def facts(request: web.Request) -> web.Response:
    """What a handler can know about its connection."""
    transport = request.transport
    assert transport is not None
    sock = transport.get_extra_info("socket")
    return web.json_response(
        {
            "port": transport.get_extra_info("sockname")[1],
            "secure": request.secure,
            "from": transport.get_extra_info("peername")[1],
            "nodelay": sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0,
        }
    )


async def large(request: web.Request) -> web.Response:
    """More than one record."""
    return web.Response(body=b"x" * LARGE)


def door(**more: Any) -> Door:
    """At any free port of this machine."""
    return Door(**{"option": "port", "host": "127.0.0.1", "port": 0, **more})


@asynccontextmanager
async def serving(
    *doors: Door,
    pair: Certified | None = None,
    patience: Patience = Patience(silence=NEVER, handshake=NEVER, whole=NEVER),  # noqa: B008 - frozen
    sockets: Sequence[socket.socket] = (),
) -> AsyncIterator[list[DoorSite]]:
    """An application behind these doors."""
    app = web.Application()
    app.router.add_get("/", facts)
    app.router.add_get("/large", large)
    runner = web.AppRunner(app, shutdown_timeout=0.01)
    await runner.setup()
    context = pair.server() if pair else None
    sites = [
        DoorSite(runner, one, sock, context=lambda: context, patience=patience)
        for one, sock in zip(doors, sockets or open_doors(doors), strict=True)
    ]
    try:
        for site in sites:
            await site.start()
        yield sites
    finally:
        await runner.cleanup()
        for site in sites:
            await site.cut_off()


async def ask(http: aiohttp.ClientSession, address: str, trust: ssl.SSLContext | bool = True) -> dict[str, Any]:
    """The facts about one request."""
    async with http.get(address, ssl=trust) as answer:
        assert answer.status == 200
        said: dict[str, Any] = await answer.json()
        return said


async def knock(port: int, host: str = "127.0.0.1") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection that has said nothing yet."""
    return await asyncio.open_connection(host, port)


async def until_closed(reader: asyncio.StreamReader) -> bytes:
    """Everything until the server ends the connection."""
    with contextlib.suppress(ConnectionResetError):  # the end, too
        return await asyncio.wait_for(reader.read(), HANG_LIMIT)
    return b""


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_one_port_speaks_both(pair: Certified, host: str) -> None:
    """A client that keeps its HTTP connection and one that keeps its TLS connection take turns on one port."""
    try:
        one = door(host=host)
        sockets = open_doors([one])
    except CannotListen:
        pytest.skip("no IPv6 here")
    named = f"[{host}]" if ":" in host else host
    async with serving(one, pair=pair, sockets=sockets) as [site], aiohttp.ClientSession() as http:
        plain, encrypted = [], []
        for _ in range(3):
            plain.append(await ask(http, f"http://{named}:{site.port}/"))
            encrypted.append(await ask(http, f"https://{named}:{site.port}/", pair.client()))
    assert [said["secure"] for said in plain] == [False] * 3
    assert [said["secure"] for said in encrypted] == [True] * 3
    assert {said["port"] for said in plain + encrypted} == {site.port}
    assert len({said["from"] for said in plain}) == 1  # one connection, kept
    assert all(said["nodelay"] for said in plain + encrypted)


async def test_a_kept_tls_connection_is_one(pair: Certified) -> None:
    """Keep-alive works over TLS as well; the same context of the client is needed for it."""
    trust = pair.client()
    async with serving(door(), pair=pair) as [site], aiohttp.ClientSession() as http:
        froms = {(await ask(http, f"https://127.0.0.1:{site.port}/", trust))["from"] for _ in range(3)}
    assert len(froms) == 1


async def test_each_request_knows_its_port(pair: Certified) -> None:
    """With a port for each frame, the handler sees at which one somebody asked, over HTTP and over TLS."""
    doors = [door(), door(option="frames.kitchen.port"), door(option="frames.hall.port")]
    async with serving(*doors, pair=pair) as sites, aiohttp.ClientSession() as http:
        ports = [site.port for site in sites]
        assert len(set(ports)) == 3
        for port in ports:
            assert (await ask(http, f"http://127.0.0.1:{port}/"))["port"] == port
            assert (await ask(http, f"https://127.0.0.1:{port}/", pair.client()))["port"] == port


async def test_the_https_port_speaks_tls_only(pair: Certified) -> None:
    """Plain HTTP is not answered there, and the other clients do not notice."""
    async with serving(door(option="https_port", tls_only=True), pair=pair) as [site], aiohttp.ClientSession() as http:
        reader, writer = await knock(site.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"HTTP" not in await until_closed(reader)
        writer.close()
        assert (await ask(http, f"https://127.0.0.1:{site.port}/", pair.client()))["secure"]


@needs_openssl
@pytest.mark.parametrize("kind", KINDS)
async def test_a_frame_gets_records_of_512_bytes(pairs: dict[str, Certified], kind: str) -> None:
    """Who asks for short records as the frames do gets no longer one; who does not ask gets longer ones."""
    async with serving(door(), pair=pairs[kind]) as [site]:
        short = await record_sizes(site.port, "-maxfraglen", "512")
        usual = await record_sizes(site.port)
    assert sum(short) > LARGE
    assert max(short) == 512
    assert max(usual) > 512


async def record_sizes(port: int, *more: str) -> list[int]:
    """Bytes of each record with a part of the answer, as a TLS 1.2 client got it."""
    client = await asyncio.create_subprocess_exec(
        *("openssl", "s_client", "-tls1_2", "-cipher", "ECDHE+AES128", "-msg", "-ign_eof"),
        *("-connect", f"127.0.0.1:{port}", *more),
        stdin=PIPE, stdout=PIPE, stderr=DEVNULL,
    )  # fmt: skip
    out, _ = await asyncio.wait_for(
        client.communicate(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), HANG_LIMIT
    )
    headers = re.findall(r"<<< TLS 1\.2, RecordHeader \[length 0005\]\s+17 03 03 (\w\w) (\w\w)", out.decode())
    assert "AES128-GCM" in out.decode()
    return [int(high + low, 16) - 8 - 16 for high, low in headers]  # without its nonce and its tag


async def test_who_says_nothing_is_sent_away() -> None:
    """A silent connection is closed after its time; one that has spoken is not."""
    async with serving(door()) as [site], aiohttp.ClientSession() as http:
        before = await ask(http, f"http://127.0.0.1:{site.port}/")
        site._patience = Patience(silence=0.05)  # not before: a busy machine may be silent for longer as well
        reader, writer = await knock(site.port)
        assert await until_closed(reader) == b""
        writer.close()
        assert await ask(http, f"http://127.0.0.1:{site.port}/") == before  # the same connection


@pytest.mark.parametrize("said", [HELLO, HELLO + bytes(200)])
async def test_half_a_handshake_is_cut_off(pair: Certified, said: bytes) -> None:
    """Who begins with TLS and does not go on, or goes on with nonsense, is closed too."""
    patience = Patience(silence=NEVER, handshake=0.05)
    async with serving(door(), pair=pair, patience=patience) as [site], aiohttp.ClientSession() as http:
        reader, writer = await knock(site.port)
        writer.write(said)
        assert b"HTTP" not in await until_closed(reader)
        writer.close()
        assert (await ask(http, f"http://127.0.0.1:{site.port}/"))["port"] == site.port


@pytest.mark.parametrize("said", [b"", HELLO])
async def test_a_crowd_of_silent_ones_does_not_keep_a_client_out(pair: Certified, said: bytes) -> None:
    """Of 300 that say nothing, or only begin, 100 may stay: the youngest. A frame among them is served."""
    patience = Patience(silence=NEVER, handshake=NEVER, whole=NEVER, newcomers=100)
    async with serving(door(), pair=pair, patience=patience) as [site], aiohttp.ClientSession() as http:
        crowd = [await knock(site.port) for _ in range(300)]
        for _, writer in crowd:
            with contextlib.suppress(OSError):  # it may have been its turn to go
                writer.write(said)
        assert (await ask(http, f"http://127.0.0.1:{site.port}/"))["port"] == site.port
        assert (await ask(http, f"https://127.0.0.1:{site.port}/", pair.client()))["secure"]
        await asyncio.gather(*(until_closed(reader) for reader, _ in crowd[:200]))
        assert not any(reader.at_eof() for reader, _ in crowd[210:])  # the two clients took places as well
        for _, writer in crowd:
            writer.close()


async def test_those_who_waited_for_the_start_count_too() -> None:
    """With room for one, each that is taken in sends the one before away, at whatever pace they are taken in."""
    one = door()
    sockets = open_doors([one])
    waiting = [await knock(sockets[0].getsockname()[1]) for _ in range(20)]
    async with serving(one, patience=Patience(silence=NEVER, newcomers=1), sockets=sockets):
        await asyncio.gather(*(until_closed(reader) for reader, _ in waiting[:-1]))
        assert not waiting[-1][0].at_eof()
    for _, writer in waiting:
        writer.close()


async def test_a_client_that_sends_byte_by_byte_is_served(pair: Certified) -> None:
    """The first byte decides, whenever the others come."""
    async with serving(door(), pair=pair) as [site]:
        reader, writer = await knock(site.port)
        for byte in b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n":
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)
        assert (await until_closed(reader)).startswith(b"HTTP/1.1 200 ")
        writer.close()


@pytest.mark.parametrize("said", [b"\x00\x01\x02\r\n\r\n", b"\x80\x2e\x01\x03", b"SSH-2.0-Go\r\n", b"\xff" * 500])
async def test_nonsense_gets_an_answer(pair: Certified, said: bytes) -> None:
    """What is neither TLS nor HTTP is refused as HTTP refuses."""
    async with serving(door(), pair=pair) as [site]:
        reader, writer = await knock(site.port)
        writer.write(said + b"\r\n\r\n")
        assert (await until_closed(reader)).startswith(b"HTTP/1.0 400 ")
        writer.close()


async def test_who_hangs_up_at_once_leaves_nothing() -> None:
    """Connections that end before their first byte, one of them with a reset."""
    async with serving(door()) as [site], aiohttp.ClientSession() as http:
        before = asyncio.all_tasks()
        for linger in (b"", b"\x01\x00\x00\x00\x00\x00\x00\x00"):
            _, writer = await knock(site.port)
            if linger:
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.close()
            await writer.wait_closed()
        await ask(http, f"http://127.0.0.1:{site.port}/")
        while site._newcomers:  # noqa: ASYNC110 - until the server has seen the end
            await asyncio.sleep(0)
        assert not [task for task in asyncio.all_tasks() - before if "_receive" in repr(task)]


async def test_tls_without_certificates_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    """A frame that is set to HTTPS fails; the log tells its owner why, and not every minute ten times."""
    async with serving(door()) as [site]:
        for _ in range(3):
            reader, writer = await knock(site.port)
            writer.write(HELLO + b"\r\n\r\n")
            assert (await until_closed(reader)).startswith(b"HTTP/1.0 400 ")
            writer.close()
    lines = [record.getMessage() for record in caplog.records if record.name == "imageserver.listening"]
    assert len(lines) == 1
    assert "imageserver cert" in lines[0]
    assert str(site.port) in lines[0]


async def test_certificates_that_come_later_count_at_once(pair: Certified) -> None:
    """The context is asked for anew by each connection."""
    runner = web.AppRunner(web.Application(), shutdown_timeout=0.01)
    await runner.setup()
    one = door()
    given: list[ssl.SSLContext] = []
    patience = Patience(silence=NEVER, handshake=NEVER, whole=NEVER)
    site = DoorSite(runner, one, open_doors([one])[0], context=lambda: given[-1] if given else None, patience=patience)
    await site.start()
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.ClientError):
            await ask(http, f"https://127.0.0.1:{site.port}/", pair.client())
        given.append(pair.server())
        async with http.get(f"https://127.0.0.1:{site.port}/", ssl=pair.client()) as answer:
            assert answer.status == 404
    await runner.cleanup()
    await site.cut_off()


async def test_a_stop_with_open_connections_is_clean(pair: Certified) -> None:
    """Silent, shaking hands, kept open in plain and over TLS without an answer to the goodbye: all are closed."""
    before = asyncio.all_tasks()
    async with serving(door(), pair=pair) as [site]:
        port = site.port
        silent, beginning, plain = [await knock(port) for _ in range(3)]
        beginning[1].write(HELLO)
        plain[1].write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await plain[0].readline()).startswith(b"HTTP/1.1 200 ")
        deaf = await asyncio.to_thread(tls_client, port, pair)
        late = await knock(port)  # has not even been taken in
    assert asyncio.all_tasks() == before
    for reader, writer in (silent, beginning, plain, late):
        await until_closed(reader)
        writer.close()
    with contextlib.suppress(ConnectionResetError):
        while deaf.recv(65_536):  # its answer and the goodbye, then the end
            pass
    deaf.close()
    with pytest.raises(ConnectionRefusedError):
        await knock(port)


def tls_client(port: int, pair: Certified) -> socket.socket:
    """The bare socket of a client that has had an answer over TLS, and goes on without listening to TLS."""
    bare = socket.create_connection(("127.0.0.1", port), timeout=HANG_LIMIT)
    with bare, pair.client().wrap_socket(bare, server_hostname="localhost") as secure:
        secure.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert secure.recv(12) == b"HTTP/1.1 200"
        return socket.socket(fileno=socket.dup(secure.fileno()))


class Trouble(socket.socket):
    """A listening socket on which accepting fails a few times before it works."""

    failures: list[OSError | None]  # None: this one works

    def accept(self) -> tuple[socket.socket, Any]:
        if self.failures and (failure := self.failures.pop(0)):
            raise failure
        return super().accept()


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.EPERM])
async def test_accepting_goes_on_after_trouble(number: int, caplog: pytest.LogCaptureFixture) -> None:
    """A connection that was aborted is passed over; after real trouble there is a pause, and one line in the log."""
    one = door()
    [plain] = open_doors([one])
    sock = Trouble(fileno=plain.detach())
    aborted = ConnectionAbortedError(errno.ECONNABORTED, "aborted")
    sock.failures = [aborted, OSError(number, "no more"), aborted, OSError(number, "no more")]
    patience = Patience(silence=NEVER, pause=0.01)
    async with serving(one, patience=patience, sockets=[sock]) as [site], aiohttp.ClientSession() as http:
        assert (await ask(http, f"http://127.0.0.1:{site.port}/"))["port"] == site.port
    assert sock.failures == []
    lines = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(lines) == 1
    assert "no more" in lines[0]


async def test_the_oldest_make_room_when_files_run_out() -> None:
    """Half of those who have said nothing are sent away, even when they came in a moment before."""
    one = door()
    [plain] = open_doors([one])
    sock = Trouble(fileno=plain.detach())
    sock.failures = [None, None, None, None, OSError(errno.EMFILE, "no more")]
    crowd = [await knock(sock.getsockname()[1]) for _ in range(4)]
    async with serving(one, sockets=[sock]):
        await asyncio.gather(*(until_closed(reader) for reader, _ in crowd[:2]))
        assert not any(reader.at_eof() for reader, _ in crowd[2:])
    for _, writer in crowd:
        writer.close()


async def test_a_pause_is_a_pause() -> None:
    """Nobody is taken in meanwhile, however many wait, and after a stop nothing begins again."""
    one = door()
    [plain] = open_doors([one])
    sock = Trouble(fileno=plain.detach())
    sock.failures = [OSError(errno.EMFILE, "no more"), OSError(errno.EMFILE, "no more")]
    async with serving(one, patience=Patience(pause=NEVER), sockets=[sock]) as [site]:
        reader, writer = await knock(site.port)
        while site._pause is None:  # noqa: ASYNC110 - until it has happened
            await asyncio.sleep(0)
        for _ in range(10):
            await asyncio.sleep(0)
        assert len(sock.failures) == 1
    assert site._pause.cancelled()
    await until_closed(reader)
    writer.close()


FEW_FILES = """
import asyncio, resource, sys
from aiohttp import web
from imageserver.listening import Door, DoorSite, Patience, open_doors

async def hello(request):
    return web.Response(text="hello")

async def main():
    app = web.Application()
    app.router.add_get("/", hello)
    runner = web.AppRunner(app)
    await runner.setup()
    door = Door(option="port", host="127.0.0.1", port=0)
    [sock] = open_doors([door])
    site = DoorSite(runner, door, sock, patience=Patience(silence=3600, pause=0.01))
    await site.start()
    resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
    print(site.port, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()

asyncio.run(main())
"""


async def test_a_process_without_more_files_goes_on() -> None:
    """With 40 files and 100 silent clients a frame is served all the same, and the log has one line."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", "-c", FEW_FILES, stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    assert process.stdout is not None
    port = int(await asyncio.wait_for(process.stdout.readline(), HANG_LIMIT))
    crowd = [await knock(port) for _ in range(100)]
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}/") as answer:
        assert await answer.text() == "hello"
    for _, writer in crowd:
        writer.close()
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}/") as answer:
        assert await answer.text() == "hello"
    _, err = await asyncio.wait_for(process.communicate(b""), HANG_LIMIT)
    assert process.returncode == 0
    assert err.decode().splitlines() == [f"nobody can connect to port {port} for a moment: Too many open files"]


@pytest.mark.parametrize("option", ["port", "https_port", "frames.kitchen.port"])
def test_one_port_that_is_taken_leaves_none_bound(option: str) -> None:
    """The message names the option; the ports that were free are free again."""
    with socket.create_server(("127.0.0.1", 0)) as other, kept_ports(1) as [port]:
        taken = other.getsockname()[1]
        with pytest.raises(CannotListen) as refused:
            open_doors([door(port=port), door(option=option, port=taken)])
        assert str(refused.value).startswith(f"{option}: 127.0.0.1 port {taken} cannot be used: Address already in use")
        assert f"`{option}:` in options.yml" in str(refused.value)
        assert ("--port" in str(refused.value)) == (option == "port")
        with socket.create_server(("127.0.0.1", port), reuse_port=False):
            pass


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_of_somebody_else_is_said_so(host: str) -> None:
    """Another port would not help there."""
    with pytest.raises(CannotListen, match="`host:` must be an address of this machine"):
        open_doors([door(host=host)])
