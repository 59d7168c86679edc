"""`imageserver healthcheck`: what a container's engine makes of a server, by its exit code."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from live import picture_bytes
from program import environment, program, run

import imageserver
from imageserver.certificates import make_certificate
from imageserver.healthcheck import look

LIGHT = """
import sys
from imageserver.healthcheck import plain_call
code = plain_call(["--data", sys.argv[1]])
print(code, *sorted({name.split(".")[0] for name in sys.modules} & {"aiohttp", "click", "jinja2", "ruamel", "PIL"}))
"""


async def test_the_code_says_whether_it_lives(tmp_path: Path) -> None:
    """0 beside a living server, HTTPS or not; 1 when it stands still, when it is gone, and when there was never one."""
    data = tmp_path / "data"
    assert (await run("healthcheck", "--data", str(data)))[0] == 1
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "one.jpg").write_bytes(picture_bytes())  # so that it has none to paint
    make_certificate(tmp_path / "certs", names=["frames.lan"], addresses=[], now=datetime.now(UTC))
    async with program(data) as server:
        assert await run("healthcheck", "--data", str(data)) == (0, "alive\n", "")
        server.process.send_signal(signal.SIGSTOP)
        try:
            alive, why = await asyncio.to_thread(look, data, 0.5)
        finally:
            server.process.send_signal(signal.SIGCONT)
        assert (alive, "does not answer" in why) == (False, True)
        server.process.kill()
        await server.process.wait()
        code, out, err = await run("healthcheck", "--data", str(data))
        assert (code, out) == (1, "")
        assert "does not answer" in err


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n" + json.dumps({"status": "ok", "not_running": []}).encode(), (True, "alive")),
        (b"HTTP/1.1 503 No\r\n\r\n" + json.dumps({"status": "failing", "not_running": ["journal"]}).encode(),
         (False, "not alive: journal")),
        (b"HTTP/1.1 200 OK\r\n\r\n<html>a router</html>", (False, "is no ImageServer")),
        (b"HTTP/1.1 200 OK\r\n\r\n[]", (False, "is no ImageServer")),
        (b"SSH-2.0-OpenSSH_9.2\r\n", (False, "does not answer")),
        (b"", (False, "does not answer")),
    ],
)  # fmt: skip
async def test_only_our_own_good_word_counts(tmp_path: Path, answer: bytes, expected: tuple[bool, str]) -> None:
    """Another program on the old port of a server that was killed is no living server."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        (tmp_path / "server.json").write_text(json.dumps({"url": f"http://127.0.0.1:{port}", "token": "x"}))
        alive, why = await asyncio.to_thread(look, tmp_path)
    assert (alive, expected[1] in why) == (expected[0], True), why


@pytest.mark.parametrize(
    "left", ["", "{", "[]", '{"url": 5}', '{"url": "http://[::1"}', '{"url": "http://127.0.0.1:x"}']
)
def test_a_broken_note_is_no_server(tmp_path: Path, left: str) -> None:
    """Whatever stands in server.json, the code is 1 and there is a sentence."""
    (tmp_path / "server.json").write_text(left)
    alive, why = look(tmp_path)
    assert not alive
    assert why


def test_it_is_quick_because_it_needs_little(tmp_path: Path) -> None:
    """It runs twice a minute for years: neither the web framework nor the command line is imported for it."""
    done = subprocess.run(
        [sys.executable, "-c", LIGHT, str(tmp_path)], env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["1"]


def test_every_public_name_is_still_there() -> None:
    """They are imported when asked for, each the very object of its room; others are no attribute."""
    for name in imageserver.__all__:
        assert getattr(imageserver, name) is not None
    assert imageserver.ImageProvider.__module__ == "imageserver.providers"
    with pytest.raises(AttributeError, match="Nonsense"):
        imageserver.Nonsense  # type: ignore[attr-defined]  # noqa: B018 - that is the test
