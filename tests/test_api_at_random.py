"""The running program answers whatever openapi.yaml allows, and what it does not, as the file says (schemathesis)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from at_random import ask_at_random, exact, owner, server_to_ask
from described import METHODS

pytestmark = pytest.mark.timeout(600)  # a hang limit: it takes a quarter of a minute of CPU
STRANGERS = {"IMAGESERVER_IN_CONTAINER": "1"}  # there even this computer may be anybody
EXAMPLES = 5
# What answers with something good only once something else has happened in the same house.
LATER = {
    "DELETE /api/v1/prompts/{idx}",  # wants the file's version
    "PATCH /api/v1/prompts/{idx}",
    "PATCH /api/v1/settings",  # wants values that options may have
    "PATCH /api/v1/frames/{name}",  # wants a frame that has a name
    "DELETE /api/v1/frames/{name}",
    "GET /operation/status/{id}",
    "GET /operation/result/{id}",
    "POST /api/v1/pictures/focus",
    "POST /key/api/v1/text2image/run",  # wants JSON inside of a form
    "POST /sign-in",
}


def operations() -> set[str]:
    """Every operation of the file."""
    return {
        f"{method.upper()} {path}" for path, item in exact()["paths"].items() for method in METHODS if method in item
    }


async def test_with_every_right(tmp_path: Path) -> None:
    """As the owner: no server error, no status, header, type or body that is not described, and the server lives on.

    Nearly every operation gave something good too, so what was asked was not only refused.
    """
    async with server_to_ask(tmp_path) as server:
        asked = await ask_at_random(tmp_path, server.port, exact(), headers=owner(tmp_path), examples=EXAMPLES)
        assert asked.code == 0, asked.said
        assert server.process.returncode is None
    assert set(asked.statuses) == operations()
    assert asked.requests > 1000
    refused = {name for name, statuses in asked.statuses.items() if min(statuses) >= 400}
    assert refused <= LATER


async def test_as_a_stranger(tmp_path: Path) -> None:
    """Without a right, with wrong tokens and cookies: frames and the door are open, everything else is refused."""
    async with server_to_ask(tmp_path, STRANGERS) as server:
        asked = await ask_at_random(tmp_path, server.port, exact(), headers={}, examples=EXAMPLES)
        assert asked.code == 0, asked.said
        assert server.process.returncode is None
    assert set(asked.statuses) == operations()
    for path, item in exact()["paths"].items():
        for method in METHODS:
            if item.get(method, {}).get("security"):
                assert asked.statuses[f"{method.upper()} {path}"] <= {401, 429}, path


def falsified() -> dict[str, Any]:
    """The description with a lie of each kind, each about another operation."""
    lies = exact()
    del lies["paths"]["/language"]["get"]["responses"]["400"]
    lies["paths"]["/frame.jpg"]["get"]["responses"]["200"] = {"description": "a lie", "content": {"image/png": {}}}
    health = lies["components"]["schemas"]["Health"]
    del health["properties"]["queued"]
    health["required"].remove("queued")
    lies["components"]["responses"]["Elsewhere"]["headers"]["X-Lie"] = {"required": True, "schema": {"type": "string"}}
    return lies


async def test_a_false_description_is_found(tmp_path: Path) -> None:
    """The same run goes red for a status, a type, a field and a header of which the file does not tell the truth."""
    some = [word for path in ("/language", "/frame.jpg", "/healthz", "/sign-out") for word in ("--include-path", path)]
    async with server_to_ask(tmp_path) as server:
        asked = await ask_at_random(
            tmp_path, server.port, falsified(), headers=owner(tmp_path), examples=EXAMPLES, more=some
        )
    assert asked.code == 1
    for complaint in (
        "Undocumented status code",
        "Undocumented Content-Type",
        "violates schema",
        "Missing required response header",
    ):
        assert complaint in asked.said, asked.said
