"""A server with a certificate that it made itself, for the refusal of one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

# In CI a missing tool is a failure: the test is run and says what is not there.
needs_openssl = pytest.mark.skipif(
    shutil.which("openssl") is None and os.environ.get("CI") != "true", reason="no openssl here to make a certificate"
)


def self_signed(folder: Path) -> ssl.SSLContext:
    """For a server at 127.0.0.1."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
    )
    subprocess.run([*command.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context


@asynccontextmanager
async def doubtful_server(folder: Path) -> AsyncIterator[str]:
    """The https address of a server that says "hello" to those who trust it."""

    greeting = set[asyncio.Task[None]]()

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
        writer.close()
        with contextlib.suppress(OSError):  # an SSLError is one
            await writer.wait_closed()

    def greeted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        greeting.add(asyncio.create_task(greet(reader, writer)))

    server = await asyncio.start_server(greeted, "127.0.0.1", 0, ssl=self_signed(folder))
    async with server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    if greeting:  # a connection that the end of the test's loop leaves open would fail another test
        await asyncio.wait(greeting)
