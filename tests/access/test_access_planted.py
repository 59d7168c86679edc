"""Promise P14: secrets planted wherever an owner may put one, and a whole run searched for them.

The services in this run tell everything that they are sent, in the words of their errors: worse they cannot do.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gc
import itertools
import json
import logging
import secrets
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote, quote_plus

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from live import OWNER, live, painter
from program import program, run

from access.visitors import PASSWORD
from imageserver.testing import FakeClock  # noqa: F401 - its module is loaded, so that its objects are looked at too
from imageserver.web import keys
from imageserver.web.routes import ROUTES

NAMES = ("openai", "horde", "web-ui", "immich", "snapshot", "signature", "yandex", "hook", "signing")
FOLDER = "b1gheron0000000000000"  # a name and no key: refusals of the service may say it
PROVIDERS = ("openai", "aihorde", "sdwebui", "immich", "url", "yandexart")


class Tattler:
    """A service that answers with everything that it was sent, and notes what stood in addresses."""

    def __init__(self) -> None:
        self.addresses: list[str] = []
        self.heard: list[str] = []
        self._turn = itertools.count()

    async def answer(self, request: web.Request) -> web.Response:
        """Each time another kind of failure."""
        self.addresses.append(str(request.rel_url))
        body = await request.text()
        told = " ".join([str(request.rel_url), *(f"{name}: {value}" for name, value in request.headers.items()), body])
        for value in request.headers.values():
            if value.startswith("Basic "):
                told += f" {base64.b64decode(value[6:]).decode()}"
        self.heard.append(told)
        match next(self._turn) % 5:
            case 0:
                return web.json_response({"error": {"message": told}}, status=401, headers={"X-Told": told[:2000]})
            case 1:
                return web.json_response({"message": told}, status=400)
            case 2:
                return web.Response(text=told, status=503, headers={"Retry-After": "0"})
            case 3:
                return web.Response(status=302, headers={"Location": f"/elsewhere?{quote(told[:1000])}"})
            case _:
                return web.Response(text=f"<html>{told}</html>", content_type="text/html")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Its address."""
        app = web.Application()
        app.router.add_route("*", "/{anything:.*}", self.answer)
        async with TestServer(app) as server:
            yield f"http://127.0.0.1:{server.port}"


def planted() -> dict[str, str]:
    """A new secret for each place; nothing else in the world has these letters."""
    return {name: secrets.token_urlsafe(24).replace("_", "a").replace("-", "b") for name in NAMES}


def write_options(data: Path, base: str, secret: dict[str, str]) -> None:
    data.mkdir(parents=True, exist_ok=True)
    (data / "password.txt").write_text(PASSWORD, encoding="utf-8")
    (data / "yandex.key").write_text(secret["yandex"], encoding="utf-8")
    (data / "options.yml").write_text(
        f"""
log_level: debug
password_file: {data / "password.txt"}
disabled_providers: [atelier]
providers:
  openai: {{base_url: "{base}/v1", api_key: "{secret["openai"]}", model: m, timeout: 5}}
  aihorde: {{base_url: "{base}", api_key: "{secret["horde"]}", timeout: 5}}
  sdwebui: {{base_url: "{base}", username: me, password: "{secret["web-ui"]}", timeout: 5}}
  immich: {{base_url: "{base}", api_key: "{secret["immich"]}", timeout: 5}}
  url:
    url: "{base}/photo.jpg?expires=1&sig={secret["signature"]}"
    username: me
    password: "{secret["snapshot"]}"
    timeout: 5
  yandexart: {{base_url: "{base}", api_key_file: {data / "yandex.key"}, timeout: 5}}
extensions:
  webhook: {{url: "{base}/hook/{secret["hook"]}", secret: "{secret["signing"]}", timeout: 5}}
""",
        encoding="utf-8",
    )


def found(secret: dict[str, str], text: str) -> set[str]:
    """Which of them stand in a text, in whatever writing."""
    writings = (str, quote, quote_plus, lambda one: base64.b64encode(f"me:{one}".encode()).decode())
    return {name for name, one in secret.items() for written in writings if written(one) in text}


def test_the_search_finds_every_writing() -> None:
    """The control of the control."""
    secret = {"one": "a b/c"}
    for text in ("x a b/c x", "a%20b/c", "a+b%2Fc", base64.b64encode(b"me:a b/c").decode()):
        assert found(secret, text) == {"one"}
    assert found(secret, "a b") == set()


async def people_and_programs(http: aiohttp.ClientSession, data: Path) -> tuple[dict[str, str], dict[str, str]]:
    """The secrets that the server gave out itself, and the headers of the owner's command line."""
    owners = json.loads((data / "server.json").read_text(encoding="utf-8"))["token"]
    headers = {"Authorization": f"Bearer {owners}"}
    async with http.post("/sign-in", data={"password": PASSWORD}, allow_redirects=False) as answer:
        session = answer.cookies["imageserver_session"].value
    http.cookie_jar.clear()
    async with http.post("/api/v1/tokens", json={"name": "p", "scopes": ["read"]}, headers=headers) as answer:
        token = (await answer.json())["token"]
    return {"owner's": owners, "the password": PASSWORD, "a session": session, "a token": token}, headers


async def wishes(http: aiohttp.ClientSession) -> dict[str, str]:
    """What frames hear while each provider fails."""
    told = {}
    for code in (*PROVIDERS, *PROVIDERS[:2]):
        wish = {"type": "provider", "provider": code, "prompt": "a heron"}
        async with http.post("/operation/start", json=wish) as answer:
            told[f"start {code}"] = await answer.text()
            operation = (await answer.json()).get("id")
        for turn in range(40):
            async with http.get(f"/operation/result/{operation}") as answer:
                told[f"result {code} {turn}"] = await answer.text()
            if '"pending"' not in told[f"result {code} {turn}"]:
                break
    return told


async def every_route(http: aiohttp.ClientSession, headers: dict[str, str]) -> dict[str, str]:
    """Each as a page and as an answer for programs, and two that are errors of their own kind."""
    told = {}
    asked = [(method, path) for method, path, _, _ in ROUTES if path not in ("/sign-out", "/api/v1/password")]
    asked += [("GET", "/nowhere"), ("GET", f"/?token={'x' * 9000}")]
    for (method, path), accept in itertools.product(asked, ("text/html", "*/*")):
        where = path.replace("{uuid:.*}", "x").replace("{", "").replace("}", "")
        named = {**headers, "Accept": accept}
        async with http.request(method, where, allow_redirects=False, headers=named) as answer:
            told[f"{method} {path} {accept}"] = f"{answer.headers}{(await answer.read()).decode('utf-8', 'replace')}"
    return told


def files_below(folder: Path, but: set[Path]) -> dict[str, str]:
    """What stands in the files, without those into which the owner wrote secrets.

    What a service sent in place of a picture is kept as it came, whatever it told; so it is for the owner's eyes only.
    """
    files = [one for one in folder.rglob("*") if one.is_file() and one not in but]
    kept = [one for one in files if one.parent.name == "quarantine" and one.suffix == ".bin"]
    assert {stat.S_IMODE(one.stat().st_mode) for one in kept} <= {0o600}
    files = [one for one in files if one not in kept]
    return {str(file): file.read_text(encoding="utf-8", errors="replace") for file in files}


async def test_a_whole_run_tells_no_secret(tmp_path: Path) -> None:
    """Log, log file, every route, metrics, description, error pages, every command and every file: not one of them.

    The services did hear the keys and told them, so there was something to leak.
    """
    secret, tattler = planted(), Tattler()
    data = tmp_path / "data"
    async with tattler.running() as base:
        write_options(data, base, secret)
        extra = {"IMAGESERVER_YANDEX_FOLDER_ID": FOLDER}
        async with program(data, extra) as running, aiohttp.ClientSession(f"http://127.0.0.1:{running.port}") as http:
            given_out, headers = await people_and_programs(http, data)
            told = await wishes(http) | await every_route(http, headers)
            for command in ("config", "plugins", "jobs", "tokens", "check"):
                told[command] = repr(await run(command, "--data", str(data)))
            running.process.terminate()
            await running.process.wait()
        told["check --providers"] = repr(await run("check", "--providers", "--data", str(data)))
    heard = found(secret, " ".join(tattler.heard))
    assert heard >= {"openai", "horde", "web-ui", "immich", "snapshot", "signature", "yandex"}
    secret |= given_out
    # only the address that the owner wrote may hold a secret, for it is one; the tattler's own are not ours
    own = {address for address in tattler.addresses if address.startswith("/photo.jpg")}
    theirs = {address for address in tattler.addresses if address.startswith("/elsewhere")}
    told |= {f"address {address}": address for address in tattler.addresses if address not in own | theirs}
    assert all(found(secret, address) <= {"signature"} for address in own)
    known = {data / "options.yml", data / "password.txt", data / "yandex.key", data / "server.json"}
    written = await asyncio.to_thread(files_below, tmp_path, known)
    assert any(name.endswith(".log") and "DEBUG" in text for name, text in written.items()), "the log was looked at"
    assert {name: hits for name, text in (told | written).items() if (hits := found(secret, text))} == {}


async def test_no_object_shows_a_secret(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The repr of every object of ours that is alive while the server runs, and of the errors that were raised."""
    caplog.set_level(logging.DEBUG)
    secret, tattler = planted(), Tattler()
    monkeypatch.setenv("IMAGESERVER_YANDEX_FOLDER_ID", FOLDER)
    async with tattler.running() as base:
        write_options(tmp_path / "data", base, secret)
        options = (tmp_path / "data" / "options.yml").read_text(encoding="utf-8")
        async with live(tmp_path, painter(), options=options, stored=1) as server:
            for code in PROVIDERS:
                operation = (await server.start(type="provider", provider=code, prompt="a heron"))["id"]
                await server.ended(operation)
            secret["a session"] = await server.app[keys.ACCESS].sessions.begin()
            async with server.http.get("/metrics", headers=OWNER) as answer:
                assert found(secret, await answer.text()) == set()
            seen = await asyncio.to_thread(lambda: list(gc.get_objects()))
            ours = [one for one in seen if str(type(one).__module__).startswith("imageserver.")]
            kinds = {type(one).__qualname__ for one in ours}
            assert {"ImmichSettings", "ProviderHost", "Access", "Caller", "Config", "WebhookSettings"} <= kinds, kinds
            hits: dict[str, set[str]] = {}
            for one in ours:
                shown = ""
                with contextlib.suppress(AttributeError):  # some other test kept one whose making was refused half-way
                    shown = repr(one)
                if leaked := found(secret, shown):
                    hits.setdefault(type(one).__qualname__, set()).update(leaked)
            del seen, ours
    assert hits == {}
    for record in caplog.records:
        if record.name == "aiohttp.access":  # of the tattler: our own server has none
            continue
        assert found(secret, f"{record.getMessage()} {record.exc_text or ''} {record.args!r}") == set()
