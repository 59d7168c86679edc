"""What the doctor prints is pasted into forums: secrets lie everywhere in this house, and none is on the page."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from datetime import UTC, datetime
from pathlib import Path

import pytest
from live import failing, live, picture_bytes, refuse
from program import HANG_LIMIT, environment, program

from doctor.test_doctor import NOW, found, looked_at, seen_by
from imageserver import Unreachable
from imageserver.certificates import make_certificate
from imageserver.doctor.masking import Discretion
from imageserver.doctor.secrets import _of_environment
from imageserver.journal import Journal, Sighting

HIDDEN = {
    "a key in the options": "sk-proj-Vb7planted1234567890",
    "a key in the wrong place": "hunter2-in-the-port",
    "a secret of a strange name": "zebra crossing planted",
    "the same in a part": "crossing planted",
    "a password in a file": "planted correct horse",
    "a key in a file": "planted-file-key-0815",
    "a key of the older file": "AQVN-planted-yandex-key-42",
    "a folder id of the older file": "b1gplantedfolder7x",
    "a token in the environment": "ghp_plantedEnvironmentToken",
    "a user and password of a proxy": "plantedproxypass",
    "a host in the environment": "proxy.planted.example",
    "a host of the options": "planted-house.example",
    "a host of a provider": "immich.planted-home.example",
    "a name in a certificate": "planted-cert.example",
    "a person": "plantedperson",
    "a public address of a frame": "203.0.113.77",
    "a public address of a frame in IPv6": "2001:db8::beef:17",
    "a key that only the service knows": "9f8e7d6c5b4a39281706aa",
    "a session that only the service knows": "plantedsessionword",
    "a bearer that only the service knows": "plantedbearerword",
    "a host that only the service knows": "edge-7.planted-service.example",
    "an address that only the service knows": "8.8.4.4",
    "the same in IPv6": "2a02:6b8::2:242",
    "a way in a web address": "planted-path",
    "a mail address": "somebody.planted@mail.example",
    "an address of a network card": "de:ad:be:ef:00:17",
    "a home": "/home/plantedother",
    "a prompt with a mistake": "planted prompt of mine",
}
WORDS = (
    "the service said: key 9f8e7d6c5b4a39281706aa refused, session=plantedsessionword, Authorization: Bearer "
    "plantedbearerword; see https://plantedproxypass@edge-7.planted-service.example:8443/planted-path?token=1 or "
    "edge-7.planted-service.example from 8.8.4.4 (2a02:6b8::2:242, de:ad:be:ef:00:17), ask "
    "somebody.planted@mail.example, file /home/plantedother/keys/x, host immich.planted-home.example:2283, "
    "zebra crossing planted"
)
PLUGIN = f"""
from imageserver import ImageProvider, hookimpl

class Leaky(ImageProvider):
    code = "leaky"

    async def readiness(self):
        raise RuntimeError({WORDS!r})

    async def check(self):
        return {WORDS!r}

    async def generate(self, request):
        raise RuntimeError({WORDS!r})

@hookimpl
def imageserver_register_providers(register):
    register(Leaky)
"""
OPTIONS = """
port: 0
password_file: planted.password
hosts: [planted-house.example]
plugins_dir: ../plugins
frames: {hall: {address: [203.0.113.77]}, plantedperson: {port: 18124}}
providers:
  leaky: {}
  openai: {api_key: "sk-proj-Vb7planted1234567890", model: x, base_url: "http://immich.planted-home.example:2283/v1"}
  yandexart: {}
  immich: {api_key_file: planted.key, token: zebra crossing planted, base_url: "http://immich.planted-home.example"}
log_megabytes: "hunter2-in-the-port"
"""
ENVIRONMENT = {
    "PLANTED_TOKEN": "ghp_plantedEnvironmentToken",
    "HTTPS_PROXY": "http://plantedperson:plantedproxypass@proxy.planted.example:3128",
    "HOSTNAME": "planted-house.example",
    "LOGNAME": "plantedperson",
    "USER": "plantedperson",
}


def house(folder: Path) -> Path:
    """A house full of secrets; its data lies in the home of a person."""
    home = folder / "home" / "plantedperson"
    data = home / "data"
    data.mkdir(parents=True)
    (home / "plugins").mkdir()
    (home / "images").mkdir()
    (home / "images" / "one.jpg").write_bytes(picture_bytes())  # so that a server has none to paint
    (home / "plugins" / "leaky.py").write_text(PLUGIN, encoding="utf-8")
    (home / "plugins" / "broken.py").write_text(f"raise ValueError({WORDS!r})\n", encoding="utf-8")
    (data / "options.yml").write_text(OPTIONS, encoding="utf-8")
    (data / "planted.password").write_text("planted correct horse\n", encoding="utf-8")
    (data / "planted.key").write_text("planted-file-key-0815\n", encoding="utf-8")
    keys = {"folder_id": "b1gplantedfolder7x", "api_key": "AQVN-planted-yandex-key-42"}
    (data / "ydart-options.json").write_text(json.dumps(keys), encoding="utf-8")
    prompts = "prompts:\n- {idx: 1, prompt: 'planted prompt of mine [[nothing]]'}\n"
    (data / "prompts.yaml").write_text(prompts, encoding="utf-8")
    names = ["planted-cert.example", "planted-house.example"]
    make_certificate(home / "certs", names=names, addresses=[], now=datetime(2020, 1, 1, tzinfo=UTC), days=30)
    return data


async def seen_by_frames(data: Path) -> None:
    """Frames from the internet have asked; two of them as one."""
    journal = Journal(data / "journal.sqlite")
    await journal.open()
    at = NOW.timestamp()
    journal.sightings.keep(
        Sighting(frame=address, address=address, first_seen=at, last_seen=at, fetched=9, aborted=9, crossed=9)
        for address in ("203.0.113.77", "2001:db8::beef:17", "192.168.1.20")
    )
    await journal.close()


async def printed(data: Path, *arguments: str) -> str:
    """Everything that the real program writes on either output."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "imageserver", "doctor", "--data", str(data), *arguments,
        stdout=PIPE, stderr=PIPE, env=environment() | ENVIRONMENT | {"HOME": str(data.parent)},
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), HANG_LIMIT)
    assert process.returncode == 1, (out, err)
    return out.decode() + err.decode()


def seen(text: str) -> set[str]:
    """Which of the secrets stand in a text."""
    return {name for name, secret in HIDDEN.items() if secret.casefold() in text.casefold()}


async def test_nothing_of_it_is_on_the_page(tmp_path: Path) -> None:
    """At rest and beside a running server, as a page and as JSON, on standard output and standard error."""
    data = house(tmp_path)
    await seen_by_frames(data)
    pages = [await printed(data), await printed(data, "--json")]
    right = OPTIONS.replace('log_megabytes: "hunter2-in-the-port"', "").replace("token: zebra crossing planted, ", "")
    right = right.replace(", plantedperson: {port: 18124}", "")
    right += "extensions: {webhook: {url: 'http://immich.planted-home.example/x', secret: zebra crossing planted}}\n"
    (data / "options.yml").write_text(right, encoding="utf-8")
    (data / "prompts.yaml").unlink()
    async with program(data):
        token = json.loads((data / "server.json").read_text())["token"]
        pages.append(await printed(data))
    for page in pages:
        assert seen(page) == set(), page
        assert token not in page
        assert str(data.parent) not in page, "the home is shortened"
        assert "leaky: the service said: key *** refused" in page.replace('"says": "', ""), page
        assert "192.168.1.20" in page, "an address that every house has helps and tells nothing"
        assert "~/data" in page


async def test_without_the_mask_they_would_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: the same page with nothing hidden shows what was planted, so the search above means something."""
    data = house(tmp_path)
    await seen_by_frames(data)
    for way in ("__call__", "strangers", "problem"):
        monkeypatch.setattr(Discretion, way, lambda _, text, most=0: text)  # noqa: ARG005 - as the real ones are called
    monkeypatch.setitem(os.environ, "HOME", str(data.parent))
    report = await asyncio.to_thread(looked_at, data, None, ENVIRONMENT, offline=False)
    shown = seen("\n".join(report.page("en")).replace("\n", " ").replace("  ", " "))
    assert set(HIDDEN) - shown == {  # of these the page has nothing to say even so
        "a key in the options", "a key in a file", "a key of the older file", "a folder id of the older file",
        "a password in a file", "a token in the environment", "a host in the environment", "a host of the options",
        "a name in a certificate", "a prompt with a mistake",
    }  # fmt: skip


async def test_what_a_provider_said_in_the_running_server(tmp_path: Path) -> None:
    """Its last words lie in the journal as they came, and come to the page without what they must not tell."""
    kind = failing(refuse(Unreachable, WORDS), paid=False)
    async with live(tmp_path, kind, options="disabled_providers: [atelier]\nport: 0\n", stored=1) as server:
        wish = await server.start(type="provider", provider="failing")
        await server.ended(wish["id"])
        report = await asyncio.to_thread(seen_by, server)
    said = found(report, "provider_error").says("en")
    assert seen(said) <= {"a secret of a strange name", "the same in a part"}, "no option of this house has that one"
    assert "the service said" in said


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("version 3.14.5 at 12:30:45 on ::1", "version 3.14.5 at 12:30:45 on ::1"),
        ("192.168.1.5:8099 and 127.0.0.1", "192.168.1.5:8099 and 127.0.0.1"),
        ("from 1.1.1.1, 100.64.0.9 and fe80::1ff:fe23:4567:890a%eth0", "from [address], [address] and [address]"),
        ("::ffff:1.1.1.1 and 2001:db8::1.", "[address] and [address]."),
        ("/media/anna/usb/pictures and /srv/pictures", "~/usb/pictures and /srv/pictures"),
    ],
)  # fmt: skip
def test_our_own_words(text: str, safe: str) -> None:
    """Addresses that every house has stay, all others go; versions and times are no addresses."""
    assert Discretion(secrets=[], names=[], homes=[])(text) == safe


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("see http://192.168.1.9:7860/sdapi/v1?x=1", "see http://192.168.1.9:7860/…"),
        ("Cannot connect to host my.house.example:443 ssl:default", "Cannot connect to host [host]:443 ssl:default"),
        ("options.yml and cert.pem are there", "options.yml and cert.pem are there"),
        ("{'api_key': 'abc', \"Password\": \"x y\"}", "{'api_key': '***', \"Password\": \"*** y\"}"),
        ("id 550e8400-e29b-41d4-a716-446655440000", "id ***"),
        ("the picture could not be kept, ask again later", "the picture could not be kept, ask again later"),
        ("ключ не подошёл: проверьте api_key", "ключ не подошёл: проверьте api_key"),
    ],
)
def test_strangers_words(text: str, safe: str) -> None:
    """What looks like a key, a host or a way goes; what a person needs to understand the trouble stays."""
    assert Discretion(secrets=[], names=[], homes=[]).strangers(text) == safe


def test_a_key_that_begins_like_a_path(tmp_path: Path) -> None:
    """One key in 64 does; the path of a file that holds one is no secret."""
    environment = {"PLANTED_SECRET_KEY": "/wJalrplantedXUtn", "PLANTED_SECRET_FILE": str(tmp_path)}
    assert set(_of_environment(environment)) == {"/wJalrplantedXUtn"}
