"""Every route, and who gets through to it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from live import OWNER, Live, live, painter

from access.visitors import FRAMES_ONLY, STRANGERS, Answer, ask, set_up, token_of
from imageserver.access import open_access
from imageserver.access.rules import For
from imageserver.clock import SystemClock
from imageserver.config.model import Options
from imageserver.journal import Journal
from imageserver.web import keys
from imageserver.web.access import WHO_MAY, gate
from imageserver.web.middlewares import errors
from imageserver.web.routes import ROUTES, add_routes

# Said here once more and by hand: what the rules come to, for everybody who may come.
OPEN = {"frames", "door"}
EVERYTHING = OPEN | {"pages", "api:read", "api:write", "metrics", "owner", "command"}
MAY = {
    "stranger": OPEN,
    "person": EVERYTHING - {"command"},
    "here": EVERYTHING - {"command"},
    "command line": EVERYTHING,
    "read": OPEN | {"pages", "api:read"},
    "write": OPEN | {"api:write"},
    "metrics": OPEN | {"metrics"},
    "read and write": OPEN | {"pages", "api:read", "api:write"},
    "an old cookie": OPEN,
}
# As the router calls a path: without the pattern of what stands in braces.
TABLE = {(method, path.replace(":.*", "")): route_for for method, path, _, route_for in ROUTES}


async def visitor(server: Live, name: str) -> Mapping[str, str]:
    """The headers of somebody."""
    match name:
        case "person":
            return {"Cookie": f"imageserver_session={await server.app[keys.ACCESS].sessions.begin()}"}
        case "command line":
            return OWNER
        case "read" | "write" | "metrics" | "read and write":
            return await token_of(server, name.replace(" ", "-"), *name.split(" and "))
        case "an old cookie":
            return {"Cookie": "imageserver_session=" + "A" * 43}
        case _:
            return {}


def is_refused(answer: Answer) -> bool:
    """Whether the gate kept somebody out; what a handler says to them is another matter."""
    no_body = not answer.text  # of HEAD
    return answer.status == 401 or (answer.status == 403 and (no_body or answer.code == "forbidden"))


def test_the_router_has_the_table_and_nothing_else() -> None:
    """Each route of the application is in the table of who may, and no route is in it twice."""
    app = web.Application()
    add_routes(app)
    there = {(route.method, route.resource.canonical) for route in app.router.routes() if route.resource is not None}
    assert len(TABLE) == len(ROUTES)
    assert {pair for pair in there if pair[0] != "HEAD"} == set(TABLE)
    who_may = app[WHO_MAY]
    assert who_may.keys() == set(app.router.routes())
    for route, route_for in who_may.items():
        assert route.resource is not None
        method = "GET" if route.method == "HEAD" else route.method
        assert TABLE[method, route.resource.canonical] is route_for
    assert {str(one) for one in TABLE.values()} == EVERYTHING


@pytest.mark.parametrize("name", MAY)
async def test_every_route_lets_in_whom_it_is_for(tmp_path: Path, name: str) -> None:
    """The whole router is walked by everybody who may come: the routes that are theirs answer, the others refuse."""
    environment = {} if name == "here" else STRANGERS
    async with live(tmp_path, painter(), options=FRAMES_ONLY, stored=1, environment=environment) as server:
        let_in = {}
        headers = await visitor(server, name)
        for route in server.app.router.routes():
            assert route.resource is not None
            path = route.resource.canonical
            for part in ("{id}", "{idx}", "{name}", "{list}", "{uuid}", "{file}"):
                path = path.replace(part, "x")
            if name == "person":  # a route on the way signs out
                headers = await visitor(server, name)
            answer = await ask(server, route.method, path, headers=headers)
            assert answer.status < 500, (route, answer.text)
            assert answer.status != 429
            let_in[f"{route.method} {route.resource.canonical}"] = not is_refused(answer)
            if is_refused(answer) and route.method != "HEAD":
                assert answer.text.startswith('{"error"')
                assert ("WWW-Authenticate" in answer.headers) == (answer.status == 401)
        expected = {f"{method} {path}": str(route_for) in MAY[name] for (method, path), route_for in TABLE.items()}
        expected |= {one: expected[one.replace("HEAD", "GET")] for one in let_in if one.startswith("HEAD")}
        assert let_in == expected


async def test_a_browser_is_led_to_the_door(tmp_path: Path) -> None:
    """Who may not see a page is sent to the first visit, and once there is a password to where it is asked for."""
    html = {"Accept": "text/html,application/xhtml+xml"}
    async with live(tmp_path, options=FRAMES_ONLY, environment=STRANGERS) as server:
        answer = await ask(server, "GET", "/", headers=html)
        assert (answer.status, answer.leads_to) == (303, "./first-visit")
        await set_up(server)
        answer = await ask(server, "GET", "/", headers=html)
        assert (answer.status, answer.leads_to) == (303, "./sign-in")
        assert (await ask(server, "GET", "/api/v1/jobs", headers=html)).leads_to == "../../sign-in"
        assert (await ask(server, "GET", "/current.jpg", headers={"Accept": "image/*"})).status == 401


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "X-Forwarded-Host", "x-forwarded-anything", "Forwarded", "X-Real-IP", "Via"]
)
async def test_a_sign_of_a_proxy_closes_the_page(tmp_path: Path, header: str) -> None:
    """On the server's own computer pages are open; with a header that some proxy leaves behind they are not."""
    async with live(tmp_path, options=FRAMES_ONLY, stored=1) as server:
        for path in ("/", "/api/v1/jobs", "/metrics"):
            assert (await ask(server, "GET", path)).status == 200
            answer = await ask(server, "GET", path, headers={header: "127.0.0.1"})
            assert (answer.status, answer.code) == (
                (401, "unauthorized") if header == "Via" else (400, "untrusted_proxy")
            )
        # a frame gets its picture through whatever there is
        assert (await ask(server, "GET", "/frame.jpg", headers={header: "nonsense"})).status == 200
        assert (
            await ask(server, "POST", "/operation/start", json={"type": "old"}, headers={header: "x"})
        ).status == 200


@pytest.mark.parametrize(
    ("options", "environment"),
    [("trusted_proxies: [10.0.0.1]\n", {}), ("", {"IMAGESERVER_IN_CONTAINER": "1"})],
    ids=["a proxy is named", "in the container"],
)
async def test_where_loopback_may_be_anybody_it_is_closed(
    tmp_path: Path, options: str, environment: dict[str, str]
) -> None:
    """With a trusted proxy, or in our image, a connection of this computer proves nothing."""
    async with live(tmp_path, options=FRAMES_ONLY + options, stored=1, environment=environment) as server:
        for path in ("/", "/frames", "/api/v1/plugins", "/metrics"):
            assert (await ask(server, "GET", path)).status == 401
        assert (await ask(server, "GET", "/healthz")).status == 200
        assert (await ask(server, "GET", "/frame.jpg")).status == 200


async def test_a_bad_token_is_no_way_in_where_none_is_needed(tmp_path: Path) -> None:
    """Where the page is open a token that is not known is refused all the same; other schemes are not looked at."""
    async with live(tmp_path, options=FRAMES_ONLY) as server:
        for bad in ("Bearer wrong", "bearer ", "Bearer \u00fc", "Bearer \udcff"):
            answer = await ask(server, "GET", "/api/v1/jobs", headers={"Authorization": bad})
            assert (answer.status, answer.code) == (401, "unauthorized")
        answer = await ask(server, "GET", "/api/v1/jobs", headers={"Authorization": "Basic bWU6bWU="})
        assert answer.status == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "me@127.0.0.1", "nas.evil.example:8099"])
async def test_pages_have_names_and_frames_do_not(tmp_path: Path, host: str) -> None:
    """Under a name of somebody else's no page, number or answer is given, not even the door; frames use any name."""
    async with live(tmp_path, options=FRAMES_ONLY, stored=1) as server:
        for path in ("/", "/sign-in", "/static/page.css", "/api/v1/jobs", "/metrics", "/frames"):
            answer = await ask(server, "GET", path, headers={"Host": host})
            assert (answer.status, answer.code) == (421, "wrong_host")
        answer = await ask(server, "GET", "/", headers={"Host": host, "Accept": "text/html", "Accept-Language": "ru"})
        assert answer.status == 421
        assert "Сервер не знает себя под этим именем." in answer.text
        for path in ("/frame.jpg", "/healthz", "/key/api/v1/models"):
            assert (await ask(server, "GET", path, headers={"Host": host})).status == 200
        assert (await ask(server, "GET", "/api/v1/jobs", headers={"Host": host, **OWNER})).status == 200


async def test_the_owner_adds_names(tmp_path: Path) -> None:
    """A name under `hosts:` opens the page, and its own forms may be sent from there."""
    async with live(tmp_path, options=FRAMES_ONLY + "hosts: [frames.example.org]\n") as server:
        named = {"Host": "frames.example.org"}
        assert (await ask(server, "GET", "/", headers=named)).status == 200
        own = {**named, "Origin": "https://frames.example.org", "Sec-Fetch-Site": "same-origin"}
        assert (await ask(server, "POST", "/api/v1/rotation", headers=own)).status == 200
        assert (await ask(server, "POST", "/operation/start", json={"type": "old"}, headers=own)).status == 200
        foreign = {**named, "Origin": "https://evil.example"}
        assert (await ask(server, "POST", "/api/v1/rotation", headers=foreign)).code == "foreign_page"


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}],
    ids=str,
)
async def test_forms_of_other_sites_do_nothing(tmp_path: Path, headers: dict[str, str]) -> None:
    """Whatever changes something is refused when another site's page sends it, whoever is signed in."""
    async with live(tmp_path, options=FRAMES_ONLY, environment=STRANGERS) as server:
        cookie = await set_up(server)
        for method, path, _, _ in ROUTES:
            if method != "GET":
                answer = await ask(server, method, path.replace("{name}", "x"), headers={**cookie, **headers})
                assert (answer.status, answer.code) == (403, "foreign_page"), path
        assert (await ask(server, "GET", "/", headers=cookie)).status == 200, "nobody was signed out"


async def test_a_route_that_is_not_in_the_table_is_closed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A route that somebody adds beside the table is a mistake of ours: nobody gets through to it."""
    journal = Journal(tmp_path / "journal.sqlite")
    await journal.open()
    clock = SystemClock()
    access = await open_access(Options(), journal, clock, os.urandom, "the-owners-token", {})

    async def unlisted(_request: web.Request) -> web.Response:
        return web.Response(text="a secret of the house")

    app = web.Application(middlewares=[errors, gate])
    add_routes(app)
    app[keys.ACCESS] = access
    app.router.add_get("/unlisted", unlisted)
    try:
        async with TestClient(TestServer(app)) as client:
            async with client.get("/unlisted", headers=OWNER) as answer:
                assert answer.status == 500
                assert "secret of the house" not in await answer.text()
            async with client.get("/nowhere") as answer:
                assert answer.status == 404
            async with client.get("/operation/start") as answer:
                assert answer.status == 405
    finally:
        access.close()
        await journal.close()
    assert "is not in the table of routes" in caplog.text


def test_words_of_the_table_are_all_used() -> None:
    """There is no kind of route that no route has."""
    assert {route_for for _, _, _, route_for in ROUTES} == set(For)
