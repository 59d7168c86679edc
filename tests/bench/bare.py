"""What the server is measured against: `python -m tests.bench.bare ANSWER CHUNK CERTS`.

Two ceilings with the answer's bytes. One is an aiohttp handler that does nothing but write them in pieces. The other
has no HTTP server at all: it says how much the load client itself can take. Each has a port for HTTP and one for TLS;
they are printed in one line.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from pathlib import Path

from aiohttp import web

_END_OF_REQUEST = b"\r\n\r\n"


class Canned(asyncio.Protocol):
    """Answers whatever comes with the same bytes."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it to write to."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """A request of the load client comes in one piece."""
        if self._transport is not None and data.endswith(_END_OF_REQUEST):
            self._transport.write(self._answer)


def application(body: bytes, chunk: int) -> web.Application:
    """One handler that writes the body in chunks, as the server's result does."""
    pieces = [body[start : start + chunk] for start in range(0, len(body), chunk)]

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
        await response.write_eof()
        return response

    app = web.Application()
    app.router.add_get("/{any:.*}", answer)
    return app


async def serve(body: bytes, chunk: int, certificates: Path) -> None:
    """Serve until killed."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")
    runner = web.AppRunner(application(body, chunk), access_log=None)
    await runner.setup()
    ports = []
    for given in (None, context):
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=given).start()
        ports.append(runner.addresses[-1][1])
    canned = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    for given in (None, context):
        server = await asyncio.get_running_loop().create_server(lambda: Canned(canned), "127.0.0.1", 0, ssl=given)
        ports.append(server.sockets[0].getsockname()[1])
    sys.stdout.write(" ".join(map(str, ports)) + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]).read_bytes(), int(sys.argv[2]), Path(sys.argv[3])))
