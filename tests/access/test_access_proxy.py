"""Behind a proxy: a real one in front of the server, under a path of its own."""

from __future__ import annotations

import re
from pathlib import Path

import aiohttp
from live import OWNER, live
from yarl import URL

from access.proxy import proxy
from access.visitors import FRAMES_ONLY, PASSWORD, ask
from imageserver.web import keys

TRUSTED = FRAMES_ONLY + "trusted_proxies: [127.0.0.1]\n"


async def test_everything_works_under_a_path(tmp_path: Path) -> None:
    """Through a proxy with a path of its own: first visit, page, language, picture, signing out and in again."""
    async with (
        live(tmp_path, options=TRUSTED, stored=1) as server,
        proxy(server) as home,
        aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True), headers={"Accept": "text/html"}) as browser,
    ):
        await server.done((await server.start(type="old"))["id"])  # so that a picture hangs there
        own = {"Origin": str(home.origin()), "Sec-Fetch-Site": "same-origin"}
        async with browser.get(home) as answer:
            assert answer.url == home / "first-visit"
            action = re.findall(r'<form method="post" action="([^"]+)"', await answer.text())
        form = {"code": server.app[keys.ACCESS].setup_code, "password": PASSWORD, "again": PASSWORD}
        async with browser.post(answer.url.join(URL(action[0])), data=form, headers=own) as answer:
            assert (answer.status, answer.url) == (200, home)
            text = await answer.text()
            picture = re.findall(r'<img src="([^"]+)"', text)
            russian = re.findall(r'<a href="([^"]+)" lang="ru"', text)
        async with browser.get(home.join(URL(picture[0]))) as answer:
            assert (answer.status, answer.content_type) == (200, "image/png")
        async with browser.get(home.join(URL(russian[0].replace("&amp;", "&")))) as answer:
            assert answer.url == home
            assert "На стене" in await answer.text()
        async with browser.post(home / "sign-out", data={"everywhere": "yes"}, headers=own) as answer:
            assert answer.url == home / "sign-in"
        async with browser.post(home / "sign-in", data={"password": PASSWORD}, headers=own) as answer:
            assert (answer.status, answer.url) == (200, home)
        foreign = {**own, "Origin": f"http://127.0.0.1:{server.port}"}
        async with browser.post(home / "sign-out", data={"x": ""}, headers=foreign) as answer:
            assert answer.status == 403, "the page's own address is the proxy's"


async def test_frames_behind_a_trusted_proxy_are_told_apart(tmp_path: Path) -> None:
    """A trusted proxy's word says which frame asks; nobody else's does, and a word that makes no sense stops nobody."""
    frames = "frames: {kitchen: {address: 192.168.1.20, image_width: 128, image_height: 160}}\n"
    for trusted, options in ((True, TRUSTED + frames), (False, FRAMES_ONLY + frames)):
        folder = tmp_path / str(trusted)
        folder.mkdir()
        async with live(folder, options=options, stored=1) as server:
            for said in ("192.168.1.20", "203.0.113.9, 192.168.1.21", "::ffff:192.168.1.22", "nonsense"):
                answer = await ask(server, "GET", "/frame.jpg", headers={"X-Forwarded-For": said})
                assert answer.status == 200
            begun = await ask(
                server, "POST", "/operation/start", json={"type": "old"}, headers={"X-Forwarded-For": "192.168.1.20"}
            )
            assert begun.status == 200
            listed = await ask(server, "GET", "/frames", headers=OWNER)
            addresses = set(re.findall(r'"address": "([^"]+)"', listed.text))
            assert addresses == (
                {"192.168.1.20", "192.168.1.21", "192.168.1.22", "127.0.0.1"} if trusted else {"127.0.0.1"}
            )


async def test_our_own_page_behind_a_proxy_may_ask_as_frames_do(tmp_path: Path) -> None:
    """A frame's route judges a page by the name that the proxy was asked by; a page of another site is refused."""
    async with live(tmp_path, options=TRUSTED + "hosts: [frames.example.org]\n", stored=1) as server:
        said = {"X-Forwarded-For": "192.168.1.7", "X-Forwarded-Host": "frames.example.org"}
        for origin, status in (("https://frames.example.org", 200), ("https://evil.example", 403)):
            answer = await ask(
                server, "POST", "/operation/start", json={"type": "old"}, headers={**said, "Origin": origin}
            )
            assert answer.status == status


async def test_a_trusted_proxy_that_talks_nonsense_is_refused_on_pages(tmp_path: Path) -> None:
    """Words of a trusted proxy that cannot be understood are 400 on pages, and say which they are."""
    async with live(tmp_path, options=TRUSTED) as server:
        for headers, words in [
            ({"X-Forwarded-For": "somebody"}, "X-Forwarded-For must hold addresses"),
            ({"X-Forwarded-For": "10.0.0.1", "X-Forwarded-Proto": "gopher"}, "X-Forwarded-Proto"),
            ({"X-Forwarded-For": "10.0.0.1", "X-Forwarded-Host": "a b"}, "X-Forwarded-Host"),
            ({"X-Forwarded-For": "10.0.0.1", "X-Forwarded-Prefix": "//evil.example"}, "X-Forwarded-Prefix"),
            ({"X-Forwarded-For": "10.0.0.1", "X-Forwarded-Proto": "http, https, http"}, "has 3 values"),
        ]:
            answer = await ask(server, "GET", "/sign-in", headers=headers)
            assert (answer.status, answer.code) == (400, "untrusted_proxy")
            assert words in answer.text


async def test_a_forwarded_name_is_judged(tmp_path: Path) -> None:
    """The name that a trusted proxy was asked by must be one of the server's, as any other."""
    async with live(tmp_path, options=TRUSTED + "hosts: [frames.example.org]\n") as server:
        for host, status in (("frames.example.org", 303), ("nas.local:8443", 303), ("evil.example", 421)):
            headers = {"X-Forwarded-For": "192.168.1.7", "X-Forwarded-Host": host}
            assert (await ask(server, "GET", "/sign-in", headers=headers)).status == status
