"""openapi.yaml describes every route that there is, for whom it is, and what it answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from described import METHODS, description, judge
from live import live, painter
from openapi_spec_validator import OpenAPIV31SpecValidator

from imageserver.access.rules import For
from imageserver.web.description import FILE
from imageserver.web.routes import ROUTES, add_routes

SECURITY = {
    For.FRAMES: [],
    For.DOOR: [],
    For.PAGES: [{"session": []}, {"token": ["read"]}],
    For.READ: [{"session": []}, {"token": ["read"]}],
    For.WRITE: [{"session": []}, {"token": ["write"]}],
    For.METRICS: [{"session": []}, {"token": ["metrics"]}],
    For.OWNER: [{"session": []}, {"command": []}],
    For.COMMAND: [{"command": []}],
}


def operations() -> dict[tuple[str, str], dict[str, Any]]:
    """Every operation of the file, by method and path."""
    return {
        (method.upper(), path): item[method]
        for path, item in description()["paths"].items()
        for method in METHODS
        if method in item
    }


def test_it_is_a_description() -> None:
    """The file follows the rules of OpenAPI 3.1."""
    assert [str(error) for error in OpenAPIV31SpecValidator(description()).iter_errors()] == []
    ids = [operation["operationId"] for operation in operations().values()]
    assert len(set(ids)) == len(ids)


def test_every_route_is_in_it_and_nothing_else() -> None:
    """The router's routes, HEAD included, are the file's operations."""
    app = web.Application()
    add_routes(app)
    routes = {(route.method, route.resource.canonical) for route in app.router.routes() if route.resource is not None}
    assert set(operations()) == routes


def test_it_says_whom_each_route_is_for() -> None:
    """What opens a route is the same as in the table of routes."""
    said = {key: operation["security"] for key, operation in operations().items()}
    table = {(method, path.replace(":.*", "")): route_for for method, path, _, route_for in ROUTES}
    assert {key: said[key] for key in table} == {key: SECURITY[route_for] for key, route_for in table.items()}
    heads = {path for method, path in said if method == "HEAD"}
    assert {path: said["HEAD", path] for path in heads} == {path: said["GET", path] for path in heads}


def test_everything_in_it_is_used() -> None:
    """No shape, answer, parameter or header is left over from something that is gone."""
    text = FILE.read_text(encoding="utf-8")
    parts = description()["components"]
    unused = [
        f"{kind}/{name}"
        for kind in ("schemas", "responses", "parameters", "headers")
        for name in parts[kind]
        if f'"#/components/{kind}/{name}"' not in text
    ]
    assert unused == []


async def test_the_server_gives_it(tmp_path: Path) -> None:
    """GET /openapi.yaml is the file."""
    async with live(tmp_path) as server, server.http.get("/openapi.yaml") as answer:
        assert (answer.status, answer.content_type) == (200, "application/yaml")
        assert await answer.read() == FILE.read_bytes()


@pytest.mark.parametrize(
    ("path", "status", "body", "complaint"),
    [
        ("/operation/start", 200, {"id": "x" * 43, "status": "finished"}, "finished"),
        ("/operation/start", 200, {"id": "x" * 43, "status": "done", "more": 1}, "more"),
        ("/operation/start", 302, {}, "302"),
        ("/operation/start", 400, {"error": "no"}, "error"),
    ],
)
def test_answers_that_are_not_in_it_are_noticed(path: str, status: int, body: object, complaint: str) -> None:
    """The comparison that all tests' answers go through refuses a wrong word, an extra field and an unknown status."""
    headers = {"Content-Type": "application/json"}
    good = json.dumps({"id": "x" * 43, "status": "done"}).encode()
    judge("POST", "/operation/start", 200, headers, good)
    with pytest.raises(AssertionError, match=complaint):
        judge("POST", path, status, headers, json.dumps(body).encode())


async def test_a_tour_of_all_that_can_be_read(tmp_path: Path) -> None:
    """What every GET without a parameter answers, with things to tell, is what the file says."""
    async with live(tmp_path, painter(), stored=2) as server:
        operation = await server.start(type="ydart", prompt="a fox")
        await server.done(operation["id"])
        for method, path in operations():
            if method == "GET" and "{" not in path:
                async with server.http.get(path, allow_redirects=False) as answer:
                    await answer.read()
                    assert answer.status < 400 or path == "/language", path
