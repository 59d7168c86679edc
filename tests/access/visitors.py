"""Those who come to the server's door in these tests: strangers, people, programs."""

from __future__ import annotations

import re
from typing import Any

import aiohttp
from attrs import frozen
from live import Live

from imageserver.web import keys

STRANGERS = {"IMAGESERVER_IN_CONTAINER": "1"}  # with this environment nobody is at the server's own computer
PASSWORD = "three small herons"
FRAMES_ONLY = "disabled_providers: [atelier]\n"
HTML = {"Accept": "text/html"}


@frozen(kw_only=True)
class Answer:
    """What somebody got."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def code(self) -> str:
        """Of an error."""
        found = re.search(r'"code": "(\w+)"', self.text)
        return found[1] if found else ""

    @property
    def leads_to(self) -> str:
        """Where a browser goes next."""
        return self.headers.get("Location", "")


async def ask(server: Live, method: str, path: str, **more: Any) -> Answer:
    """One request of a client without cookies, which follows nothing."""
    url = f"http://127.0.0.1:{server.port}{path}"
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
        http.request(method, url, allow_redirects=False, **more) as answer,
    ):
        body = await answer.read()
        return Answer(
            status=answer.status,
            headers={name: "\n".join(answer.headers.getall(name)) for name in answer.headers},
            text=body.decode("utf-8", "replace"),
        )


async def cookie_of(server: Live, password: str = PASSWORD, **headers: str) -> dict[str, str]:
    """Sign in: the header with which the browser comes back."""
    answer = await ask(server, "POST", "/sign-in", data={"password": password}, headers=headers)
    assert answer.status == 303, answer.text
    return {"Cookie": answer.headers["Set-Cookie"].partition(";")[0]}


async def set_up(server: Live, password: str = PASSWORD) -> dict[str, str]:
    """The first visit, from a phone: the header with which its browser comes back."""
    form = {"code": server.app[keys.ACCESS].setup_code, "password": password, "again": password}
    answer = await ask(server, "POST", "/first-visit", data=form)
    assert answer.status == 303, answer.text
    return {"Cookie": answer.headers["Set-Cookie"].partition(";")[0]}


async def token_of(server: Live, name: str, *scopes: str) -> dict[str, str]:
    """A new token: the header with which its program comes."""
    owner = {"Authorization": "Bearer the-owners-token"}
    answer = await ask(server, "POST", "/api/v1/tokens", json={"name": name, "scopes": scopes}, headers=owner)
    assert answer.status == 201, answer.text
    found = re.search(r'"token": "([\w-]{43})"', answer.text)
    assert found is not None
    return {"Authorization": f"Bearer {found[1]}"}
