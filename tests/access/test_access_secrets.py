"""No secret is ever seen where it need not be: a run through everything, and a search in all that came of it."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest
from live import OWNER, live, painter

from access.visitors import FRAMES_ONLY, HTML, PASSWORD, STRANGERS, Answer, ask, cookie_of, set_up, token_of
from imageserver.web import keys
from imageserver.web.routes import ROUTES

SECOND = "nine lives of a cat"


def found(secrets: dict[str, str], text: str) -> set[str]:
    """Which of the secrets stand in a text."""
    return {name for name, secret in secrets.items() if secret in text}


def test_the_search_finds() -> None:
    """What the tests below look for is found where it is."""
    assert found({"one": "abc", "two": "def"}, "x abc x") == {"one"}


async def test_secrets_stay_where_they_belong(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Passwords, codes, cookies and tokens are in no answer, header, log line, repr or file of a whole run."""
    caplog.set_level(logging.DEBUG)
    answers: list[Answer] = []
    given_out: list[Answer] = []  # those that have to hold one secret, this once
    async with live(tmp_path, painter(), options=FRAMES_ONLY, stored=1, environment=STRANGERS) as server:
        access = server.app[keys.ACCESS]
        code = access.setup_code
        cookie = await set_up(server)
        other = await cookie_of(server)
        token = await token_of(server, "program", "read", "write", "metrics")
        secrets = {
            "the password": PASSWORD,
            "the password as a form has it": PASSWORD.replace(" ", "+"),
            "the second password": SECOND,
            "a wrong password": "wrong but near",
            "the code": code,
            "the code without its dash": code.replace("-", ""),
            "a session": cookie["Cookie"].partition("=")[2],
            "another session": other["Cookie"].partition("=")[2],
            "a token": token["Authorization"].removeprefix("Bearer "),
            "the owner's token": "the-owners-token",
        }
        visitors = [{}, cookie, token, OWNER, {"Authorization": "Bearer wrong but near"}, {**cookie, **HTML}]
        bodies = [
            {"data": {"password": "wrong but near", "code": "wrong but near", "again": "wrong but near"}},
            {"json": {"password": "wrong but near" * 20, "name": "wrong but near" * 9, "scopes": ["wrong but near"]}},
            {"data": b'{"password": "wrong but near'},
        ]
        for method, path, _, _ in ROUTES:
            if path == "/sign-out":
                continue  # at the end
            for visitor in visitors:
                for body in bodies if method != "GET" else [{}]:
                    where = path.replace("{uuid:.*}", "x").replace("{", "").replace("}", "")
                    answers.append(await ask(server, method, where, headers=visitor, **body))  # type: ignore[arg-type]
        access.bans.forgive("127.0.0.1")
        given_out.append(await ask(server, "POST", "/sign-in", data={"password": PASSWORD}))
        answers.append(await ask(server, "POST", "/api/v1/password", json={"password": SECOND}, headers=OWNER))
        answers.append(await ask(server, "GET", "/api/v1/tokens", headers=OWNER))
        answers.append(await ask(server, "POST", "/sign-out", data={"everywhere": "yes"}, headers=cookie))
        shown = [repr(one) for one in (access, access.sessions, access.tokens, access.bans, server.app[keys.JOURNAL])]
        shown.append(repr(await server.app[keys.JOURNAL].access.all()))
        shown.append(repr(list(server.app.values())))
    assert len(answers) > 200
    for answer in answers:
        assert found(secrets, repr(answer)) == set(), answer
    assert found(secrets, repr(given_out)) == set(), "it is another session"
    assert "Set-Cookie" in given_out[0].headers
    for record in caplog.records:
        assert found(secrets, f"{record.getMessage()} {record.exc_text or ''}") == set()
    assert any("guessed wrong too often" in record.getMessage() for record in caplog.records), "the log was looked at"
    for text in shown:
        assert found(secrets, text) == set()
    for file in await asyncio.to_thread(lambda: [one for one in tmp_path.rglob("*") if one.is_file()]):
        content = file.read_bytes()
        assert {name for name, secret in secrets.items() if secret.encode() in content} == set(), file


async def test_hashes_are_not_shown_either(tmp_path: Path) -> None:
    """What is kept in place of secrets stays in the journal: no answer and no repr has it."""
    async with live(tmp_path, options=FRAMES_ONLY, environment=STRANGERS) as server:
        cookie = await set_up(server)
        await token_of(server, "program", "read")
        kept = await server.app[keys.JOURNAL].access.all()
        assert kept.password_hash is not None
        hashes = {"password": kept.password_hash, "session": kept.sessions[0].digest, "token": kept.tokens[0].digest}
        access = server.app[keys.ACCESS]
        texts = [repr(kept), repr(kept.tokens), repr(access), repr(access.sessions), repr(access.tokens)]
        texts += [(await ask(server, "GET", path, headers=cookie)).text for path in ("/", "/api/v1/tokens")]
        for text in texts:
            assert found(hashes, text) == set()
