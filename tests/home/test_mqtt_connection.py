"""The connection to the broker at its edges: a killed server, a silent broker, certificates, options."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fakes.certificate import needs_openssl, self_signed
from live import live, picture_bytes
from program import program

from home.broker import HANG_LIMIT, PASSWORD, USER, broker, eventually
from home.test_home_assistant import FRAMES, KITCHEN, QUIET, Hasty, shown
from imageserver.config import reader
from imageserver.config.model import Config
from imageserver.config.redact import show
from imageserver.errors import ConfigError


async def prepared(folder: Path, options: str) -> Path:
    """A data folder with a picture in the store beside it."""

    def make() -> Path:
        (folder / "data").mkdir()
        (folder / "images").mkdir()
        (folder / "images" / "one.jpg").write_bytes(picture_bytes())
        (folder / "data" / "options.yml").write_text(options, encoding="utf-8")
        return folder / "data"

    return await asyncio.to_thread(make)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_the_broker_hears_of_the_end_either_way(tmp_path: Path, number: signal.Signals) -> None:
    """A stop says `offline` itself; after a kill -9 the broker says it in the server's place."""
    async with broker(tmp_path / "mqtt") as there, there.listener() as heard:
        data = await prepared(tmp_path, QUIET + FRAMES + there.options)
        async with program(data) as running:
            await heard.until(lambda said: said.get("imageserver/status") == b"online" and KITCHEN in said)
            os.kill(running.process.pid, number)
            await heard.until(lambda said: said.get("imageserver/status") == b"offline")
            assert await asyncio.wait_for(running.process.wait(), HANG_LIMIT) == (0 if number == signal.SIGTERM else -9)


@pytest.mark.parametrize("how", ["takes no word", "stops in the middle"])
async def test_a_silent_broker_holds_nobody_up(tmp_path: Path, how: str) -> None:
    """One that says nothing, and one that is frozen: frames are served, and the server ends when told to."""

    async def ignore(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        begun.set()
        while await reader.read(1000):
            pass
        writer.close()

    begun = asyncio.Event()
    async with broker(tmp_path / "mqtt", started=how != "takes no word") as there:
        silent = None
        if how == "takes no word":
            silent = await asyncio.start_server(ignore, "127.0.0.1", there.port)
        data = await prepared(tmp_path, QUIET + FRAMES + there.options)
        async with program(data) as running:
            if silent is not None:
                await asyncio.wait_for(begun.wait(), HANG_LIMIT)
            else:
                async with there.listener() as heard:
                    await heard.until(lambda said: said.get("imageserver/status") == b"online")
                there.freeze()
            assert await running.frame.picture("old")
            running.process.terminate()
            assert await asyncio.wait_for(running.process.wait(), HANG_LIMIT) == 0
        if silent is not None:
            silent.close()


@needs_openssl
# paho lets go of the socket of a handshake that failed without closing it; the garbage collector does
@pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket")
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket")
async def test_encrypted_and_only_with_a_certificate_that_is_known(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With ca_file the broker's own certificate is taken; without it nothing is said to that broker."""
    folder = tmp_path / "mqtt"
    async with broker(folder, started=False, with_tls=True) as there:
        await asyncio.to_thread(self_signed, folder)
        await there.start()
        mqtt = f"host: 127.0.0.1, port: {there.port}, username: {USER}, password: {PASSWORD}, tls: true"
        known = f"mqtt: {{{mqtt}, ca_file: {folder}/certificate.pem}}\n"
        caplog.set_level("INFO", "imageserver.home")
        for options, expected in (
            (f"mqtt: {{{mqtt}}}\n", "certificate verify failed"),
            (known, "connected to the MQTT"),
        ):

            async def was_said(expected: str = expected) -> bool:
                return expected in caplog.text

            async with live(tmp_path, options=QUIET + options, stored=1, clock=Hasty()) as server:
                await eventually(was_said)
                assert await shown(server) is not None
            assert ("connected to the MQTT" in caplog.text) == (options == known)
    gc.collect()


def test_neither_package_is_loaded_before_it_is_needed() -> None:
    """A server without these options holds neither of them in memory."""
    code = "import sys, imageserver.server; print(*sorted({'aiomqtt', 'paho', 'zeroconf'} & {*sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


async def test_without_the_package_the_server_says_so_and_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A missing extra costs nobody a picture."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    async with live(tmp_path, options=QUIET + "mqtt: {host: 127.0.0.1}\n", stored=1) as server:
        assert await shown(server) is not None
    assert "imageserver[mqtt]" in caplog.text


def loaded(folder: Path, text: str) -> Config:
    (folder / "options.yml").write_text(text, encoding="utf-8")
    return reader.load(folder, flags={}, environment={}, now=datetime.now(UTC))


def test_every_mistake_is_told_with_its_line(tmp_path: Path) -> None:
    """All at once, and none of them tells the password."""
    with pytest.raises(ConfigError) as raised:
        loaded(
            tmp_path,
            "mqtt:\n  host: mqtt://nas\n  port: 70000\n  topic: a/#\n  currency: rub\n  passwrd: hunter2\n"
            "  tls: yes\nmdns: on\n",
        )
    said = str(raised.value)
    for line, word in (
        (2, "mqtt.host"),
        (3, "mqtt.port"),
        (4, "mqtt.topic"),
        (5, "mqtt.currency"),
        (6, "passw"),
        (7, "tls"),
    ):
        assert f"options.yml:{line}: mqtt" in said
        assert word in said
    assert "options.yml:8: mdns" in said
    assert "hunter2" not in said


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ("username: me, password: hunter2, password_file: f", "keep one"),
        ("password: hunter2", "username"),
        ("ca_file: c", "tls"),
        ("port: 1883", ""),
    ],
)
def test_what_belongs_together(tmp_path: Path, keys: str, why: str) -> None:
    """Options that contradict each other are refused, and the last case is a good one."""
    if not why:
        assert loaded(tmp_path, f"mqtt: {{host: nas, {keys}}}\n").options.mqtt is not None
        assert loaded(tmp_path, "mqtt: ~\n").options.mqtt is None
        return
    with pytest.raises(ConfigError, match=why) as raised:
        loaded(tmp_path, f"mqtt: {{host: nas, {keys}}}\n")
    assert "hunter2" not in str(raised.value)


def test_the_password_is_masked_and_what_is_shown_can_be_read_again(tmp_path: Path) -> None:
    """`imageserver config` may be shown to others."""
    config = loaded(tmp_path, "mqtt: {host: nas, username: me, password: hunter2}\n")
    text = show(config, {})
    assert "hunter2" not in text + repr(config)
    assert 'password: "***"' in text
    again = loaded(tmp_path, text.replace("***", "hunter2"))
    assert again.options.mqtt == config.options.mqtt
