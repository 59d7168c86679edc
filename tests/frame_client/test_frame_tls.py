"""Both kinds of frame over TLS, against a real server with a certificate that nobody vouches for."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fakes.certificate import needs_openssl, self_signed

from imageserver.frame_client import FrameClient, FrameWouldFail, Limits
from imageserver.frame_client.conversation import run
from imageserver.frame_client.options import FrameOptions

from .fakes import PATIENT, FakeClock, chunked, drawn, jpeg_of, plain, result_json, serve_bytes, started_json, talking
from .test_frame_stock import BOOT, DONE, STARTED

pytestmark = needs_openssl


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """Made once for all tests here."""
    return self_signed(tmp_path_factory.mktemp("certificate"))


@contextlib.asynccontextmanager
async def secure(context: ssl.SSLContext, *answers: bytes) -> AsyncIterator[tuple[int, list[str | None]]]:
    """A TLS server that gives these answers in turn; its port, and the version that each connection spoke."""
    left, versions = list(answers), list[str | None]()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = next((int(line[15:]) for line in head.split("\r\n") if line.startswith("Content-Length:")), 0)
            await reader.readexactly(length)
            versions.append(writer.get_extra_info("ssl_object").version())
            writer.write(left.pop(0))
            await writer.drain()

    async with talking(talk, context) as port:
        yield port, versions


@pytest.mark.parametrize("stock", [False, True])
async def test_a_picture_over_tls(certificate: ssl.SSLContext, stock: bool) -> None:
    """TLS 1.2 and no look at the certificate, each request on a connection of its own."""
    ours = (plain(started_json()), chunked(result_json(jpeg_of(drawn()))))
    answers = (*BOOT, STARTED, DONE) if stock else ours
    lines: list[str] = []
    async with secure(certificate, *answers) as (port, versions):
        options = FrameOptions(host="127.0.0.1", port=port, tls=True, stock=stock, limits=PATIENT)
        assert await run(options, lines.append, clock=FakeClock()) == 0
    assert versions == ["TLSv1.2"] * len(answers)
    assert f"asking 127.0.0.1 port {port} over TLS" in lines[0]
    assert any(line.startswith("picture: ") for line in lines)


async def test_a_server_without_tls_is_told() -> None:
    """Who answers a handshake in plain HTTP speaks none."""
    async with serve_bytes(plain("{}", status="400 Bad Request")) as fake:
        client = FrameClient("127.0.0.1", fake.port, tls=True, clock=FakeClock(), limits=Limits(handshake=5))
        fake.over.set()
        with pytest.raises(FrameWouldFail, match=r"^no (TLS|connection) (with|to) 127\.0\.0\.1 port \d+"):
            await client.start()


async def test_newer_tls_only_is_told(tmp_path: Path) -> None:
    """A server that wants 1.3 has nothing for a frame."""
    context = await asyncio.to_thread(self_signed, tmp_path)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    async with secure(context) as (port, versions):
        client = FrameClient("127.0.0.1", port, tls=True, clock=FakeClock(), limits=PATIENT)
        with pytest.raises(FrameWouldFail, match=r"^no (TLS|connection) (with|to) 127\.0\.0\.1 port \d+ \(.+\)"):
            await client.start()
    assert versions == []


async def test_a_silent_handshake_is_given_up() -> None:
    """A port that takes the connection and says nothing."""
    over = asyncio.Event()

    async def talk(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await over.wait()

    async with talking(talk) as port:
        limits = Limits(connect=0.05, handshake=0.05)
        client = FrameClient("127.0.0.1", port, tls=True, clock=FakeClock(), limits=limits)
        with pytest.raises(FrameWouldFail, match=r"no connection to 127\.0\.0\.1 port"):
            await client.start()
        over.set()
