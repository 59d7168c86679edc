"""`imageserver password` and `imageserver tokens`, at the real program and without one."""

from __future__ import annotations

import asyncio
import re
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import aiohttp
import pytest
from program import HANG_LIMIT, Program, environment, program, run

CONTAINER = {"IMAGESERVER_IN_CONTAINER": "1"}


async def set_password(data: Path, password: str) -> tuple[int, str, str]:
    """`imageserver password` with the password on standard input: exit code, standard output, standard error."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "imageserver", "password", "--data", str(data),
        stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment(),
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(f"{password}\n".encode()), HANG_LIMIT)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def status(server: Program, path: str = "/", **headers: str) -> int:
    """What a client without cookies gets."""
    url = f"http://127.0.0.1:{server.port}{path}"
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
        http.get(url, headers=headers, allow_redirects=False) as answer,
    ):
        return answer.status


async def sign_in(server: Program, password: str) -> int:
    """Whether the password is the password: 303 or 403."""
    url = f"http://127.0.0.1:{server.port}/sign-in"
    async with (
        aiohttp.ClientSession() as http,
        http.post(url, data={"password": password}, allow_redirects=False) as answer,
    ):
        return answer.status


async def code_line(server: Program) -> str:
    """The line of the terminal after the three that say where everything is."""
    assert server.process.stdout is not None
    return (await asyncio.wait_for(server.process.stdout.readline(), HANG_LIMIT)).decode()


@pytest.mark.parametrize("runs", [True, False], ids=["a server runs", "no server runs"])
async def test_the_password(tmp_path: Path, runs: bool) -> None:
    """The command sets the password in a running server, and in the journal where none runs; it never repeats it."""
    data = tmp_path / "data"
    if runs:
        async with program(data, CONTAINER) as server:
            code, out, err = await set_password(data, "three small herons")
            assert await sign_in(server, "three small herons") == 303
    else:
        code, out, err = await set_password(data, "three small herons")
    assert (code, err) == (0, "")
    assert "The password is set" in out
    assert "herons" not in out
    assert (await set_password(data, "short")) == (2, "", "a password needs at least 8 characters\n")
    async with program(data, CONTAINER) as server:
        assert await status(server) == 401
        assert await sign_in(server, "three small herons") == 303
        assert await sign_in(server, "short") == 403


@pytest.mark.parametrize("runs", [True, False], ids=["a server runs", "no server runs"])
async def test_tokens(tmp_path: Path, runs: bool) -> None:
    """Tokens are made, listed without themselves, used and removed, with a server and without one."""
    data = tmp_path / "data"
    arguments = ("--data", str(data))

    async def manage() -> str:
        code, out, err = await run("tokens", "add", "prometheus", "--scope", "metrics", *arguments)
        assert code == 0, err
        assert re.fullmatch(r"[\w-]{43}\n", out)
        code, _, err = await run("tokens", "add", "prometheus", "--scope", "read", *arguments)
        assert code == 2
        assert "there is a token prometheus already" in err
        code, _, err = await run("tokens", "add", "x", "--scope", "all", *arguments)
        assert code == 2
        code, listed, _ = await run("tokens", *arguments)
        assert re.search(r"^prometheus +metrics +\d{4}-", listed, re.MULTILINE)
        assert out.strip() not in listed
        return out.strip()

    if runs:
        async with program(data, CONTAINER) as server:
            bearer = {"Authorization": f"Bearer {await manage()}"}
            assert await status(server, "/metrics", **bearer) == 200
    else:
        bearer = {"Authorization": f"Bearer {await manage()}"}
    async with program(data, CONTAINER) as server:
        assert await status(server, "/metrics", **bearer) == 200
        assert await status(server, "/", **bearer) == 403
        if runs:
            assert (await run("tokens", "remove", "prometheus", *arguments))[0] == 0
            assert await status(server, "/metrics", **bearer) == 401
    if not runs:
        assert (await run("tokens", "remove", "prometheus", *arguments))[0] == 0
    code, _, err = await run("tokens", "remove", "prometheus", *arguments)
    assert code == 2
    assert "there is no token prometheus; there are: none" in err


async def test_the_code_is_told_until_there_is_a_password(tmp_path: Path) -> None:
    """Without a password each start prints a new code on the terminal and in the log; with one there is none."""
    data = tmp_path / "data"
    codes = []
    for _ in range(2):
        async with program(data) as server:
            line = await code_line(server)
            found = re.fullmatch(r"Code:    (\w{4}-\w{4}) sets the password when another device .*\n", line)
            assert found is not None
            assert line.endswith(f"; http://localhost:{server.port} opens without one\n")
            codes.append(found[1])
            assert await status(server) == 200, "at the server's own computer the page is open"
            server.process.terminate()
            await server.process.wait()
            log = (tmp_path / "log" / "app.log").read_text(encoding="utf-8")
            assert f"no password is set yet: the page asks for one and for this code: {found[1]}\n" in log
    assert codes[0] != codes[1]
    assert (await set_password(data, "three small herons"))[0] == 0
    async with program(data) as server:
        server.process.terminate()
        assert await code_line(server) == ""


async def test_over_tls_the_cookie_is_secure(tmp_path: Path) -> None:
    """On the one port that speaks both, a session that begins over TLS has a cookie that is sent over TLS only."""
    data = tmp_path / "data"
    assert (await run("cert", "--ip", "127.0.0.1", "--data", str(data)))[0] == 0
    assert (await set_password(data, "three small herons"))[0] == 0
    async with program(data, CONTAINER) as server, aiohttp.ClientSession() as http:
        for scheme, cookie, ending in (
            ("https", "__Secure-imageserver_session=", "; SameSite=Strict; Secure"),
            ("http", "imageserver_session=", "; SameSite=Strict"),
        ):
            url = f"{scheme}://127.0.0.1:{server.port}/sign-in"
            form = {"password": "three small herons"}
            async with http.post(url, data=form, allow_redirects=False, ssl=False) as answer:
                said = answer.headers["Set-Cookie"]
                assert said.startswith(cookie)
                assert said.endswith(ending)


async def test_a_password_file_that_will_not_do_stops_the_start(tmp_path: Path) -> None:
    """The mistake is named with its line, by `check` as by `serve`, and `password` leaves the file alone."""
    data, file = tmp_path / "data", tmp_path / "secret"
    data.mkdir()
    (data / "options.yml").write_text(f"port: 0\npassword_file: {file}\n", encoding="utf-8")
    for command in ("check", "serve"):
        code, _, err = await run(command, "--data", str(data))
        assert code == 2
        assert f"options.yml:2: password_file: {file} cannot be read: No such file or directory" in err
    file.write_text("three small herons\n", encoding="utf-8")
    assert (await run("check", "--data", str(data)))[0] == 0
    code, _, err = await set_password(data, "nine lives of a cat")
    assert code == 2
    assert f"the password stands in {file}" in err
    code, shown, _ = await run("config", "--data", str(data))
    assert code == 0
    assert "herons" not in shown


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("hosts: [http://frames.example.org]", "expected a name such as frames.example.org"),
        ("hosts: ['frames.example.org:80']", "expected a name such as frames.example.org"),
        ("trusted_proxies: [proxy]", "expected an address or a network such as 172.18.0.0/16"),
        ("trusted_proxies: [0.0.0.0/0]", "is everybody"),
        ("password: hunter22", 'no such key; did you mean "password_file"?'),
    ],
)
async def test_options_that_will_not_do(tmp_path: Path, line: str, words: str) -> None:
    """Names, proxies and a misplaced password are refused with what to write instead, and no secret is told."""
    (tmp_path / "options.yml").write_text(f"{line}\n", encoding="utf-8")
    code, _, err = await run("check", "--data", str(tmp_path))
    assert code == 2
    assert words in err
    assert "hunter22" not in err
