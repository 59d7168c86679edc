"""Behind a real nginx, with the file that owners are given (conf/nginx.conf); only ports and certificate differ."""

from __future__ import annotations

import asyncio
import io
import os
import re
import shutil
import socket
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
from attrs import frozen
from live import OWNER, Live, live, picture_bytes
from patient import patient_frame
from ports import kept_ports
from short_records import short_records
from yarl import URL

from access.visitors import FRAMES_ONLY, PASSWORD
from imageserver.certificates import make_certificate
from imageserver.web import keys

HANG_LIMIT = 60.0
EXAMPLE = Path(__file__).parents[2] / "conf" / "nginx.conf"
# what the head of the file tells the owner to write
OPTIONS = FRAMES_ONLY + "".join(f"{line}\n" for line in re.findall(r"^#   (\w+: \[.*\])$", EXAMPLE.read_text(), re.M))
AROUND = """
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr notice;
events {{ worker_connections 100; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {servers}
}}
"""


@frozen(kw_only=True)
class Proxy:
    """A running nginx."""

    plain: int  # port
    tls: int


def _nginx() -> str:
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if found is None:
        missing = "nginx is missing: apt install nginx-light"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(missing)
    return found


@asynccontextmanager
async def nginx(folder: Path, server: Live) -> AsyncIterator[Proxy]:
    """nginx in front of the server, until the end."""
    with kept_ports(2) as (plain, tls):
        async with _listening(folder, server, Proxy(plain=plain, tls=tls)) as proxy:
            yield proxy


@asynccontextmanager
async def _listening(folder: Path, server: Live, proxy: Proxy) -> AsyncIterator[Proxy]:
    program = _nginx()
    make_certificate(folder, names=["frames.example.org"], addresses=[], now=datetime.now(UTC))
    servers = EXAMPLE.read_text(encoding="utf-8")
    for there, here in [
        (r"listen 80;", f"listen 127.0.0.1:{proxy.plain};"),
        (r"listen 443 ssl;", f"listen 127.0.0.1:{proxy.tls} ssl;"),
        (r"http://127\.0\.0\.1:8099", f"http://127.0.0.1:{server.port}"),
        (r"/etc/letsencrypt/\S+/fullchain\.pem", f"{folder}/cert.pem"),
        (r"/etc/letsencrypt/\S+/privkey\.pem", f"{folder}/key.pem"),
    ]:
        servers, count = re.subn(there, here, servers)
        assert count, there
    file = folder / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    file.write_text(AROUND.format(folder=folder, servers=servers, user=user), encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        program, "-p", str(folder), "-c", str(file), stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE
    )
    assert process.stderr is not None
    said = b""
    try:
        async with asyncio.timeout(HANG_LIMIT):
            while b"start worker process " not in said:  # its listening sockets are open then
                line = await process.stderr.readline()
                assert line, said.decode()
                said += line
        assert b"[warn]" not in said, said.decode()
        yield proxy
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.communicate(), HANG_LIMIT)


async def test_frames_and_pages_behind_nginx(tmp_path: Path) -> None:
    """Frames over HTTP and TLS, with short records, each known by its address; pages under a name and under a path."""
    async with live(tmp_path, options=OPTIONS, stored=3) as server, nginx(tmp_path, server) as proxy:
        assert await patient_frame(proxy.plain).picture("old")
        async with short_records(proxy.tls) as (port, records):
            assert await patient_frame(port).picture("old")
        assert 0 < max(records) <= 512

        # 127.0.0.2 is another device to nginx, and one that says it were a third is not believed
        there = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))
        async with aiohttp.ClientSession(connector=there) as device:
            lie = {"X-Forwarded-For": "192.168.1.99"}
            async with device.post(
                f"http://127.0.0.1:{proxy.plain}/operation/start", json={"type": "old"}, headers=lie
            ):
                pass
        async with server.http.get("/frames", headers=OWNER) as answer:
            seen = set(re.findall(r'"address": "([^"]+)"', await answer.text()))
        assert seen == {"127.0.0.1", "127.0.0.2"}

        await _first_visit(server, URL.build(scheme="http", host="home.example.org", port=proxy.plain, path="/frames/"))
        # larger than nginx lets through by itself
        large = io.BytesIO(picture_bytes(size=(300, 400)) + bytes(2**21))
        address = f"http://127.0.0.1:{proxy.plain}/api/v1/pictures?name=large.jpg"
        async with server.http.post(address, data=large, headers=OWNER) as answer:
            assert answer.status == 200, await answer.text()


async def _first_visit(server: Live, home: URL) -> None:
    """Through the path: the password is set, and the page, its style and its pictures are found."""
    connector = aiohttp.TCPConnector(resolver=_Here())
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=jar, headers={"Accept": "text/html"}) as browser:
        async with browser.get(home.with_path("/frames")) as answer:
            assert answer.url == home / "first-visit"
            action = re.findall(r'<form method="post" action="([^"]+)"', await answer.text())
        form = {"code": server.app[keys.ACCESS].setup_code, "password": PASSWORD, "again": PASSWORD}
        own = {"Origin": str(home.origin()), "Sec-Fetch-Site": "same-origin"}
        async with browser.post(answer.url.join(URL(action[0])), data=form, headers=own) as answer:
            assert (answer.status, answer.url) == (200, home)
            text = await answer.text()
        for pattern in (r'<link rel="stylesheet" href="([^"]+)"', r'<img src="([^"]+)"'):
            (link, *_) = re.findall(pattern, text)
            async with browser.get(home.join(URL(link.replace("&amp;", "&"), encoded=True))) as answer:
                assert answer.status == 200, link


class _Here(aiohttp.abc.AbstractResolver):
    """Every name is this computer."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[aiohttp.abc.ResolveResult]:
        return [
            aiohttp.abc.ResolveResult(
                hostname=host, host="127.0.0.1", port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST
            )
        ]

    async def close(self) -> None:
        """Nothing is open."""


async def test_an_nginx_that_was_not_named_stops_pages_and_no_frame(tmp_path: Path) -> None:
    """Without `trusted_proxies` the page says what is missing, and a frame gets its picture all the same."""
    async with live(tmp_path, options=FRAMES_ONLY, stored=1) as server, nginx(tmp_path, server) as proxy:
        assert await patient_frame(proxy.plain).picture("old")
        async with server.http.get(f"http://127.0.0.1:{proxy.plain}/") as answer:
            assert answer.status == 400
            assert "trusted_proxies" in await answer.text()
