"""Plugins and options are changed while the server runs: what is new serves, what is under way comes to its end."""

from __future__ import annotations

import asyncio
import base64
import builtins
import errno
import io
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from live import OWNER, Gate, Live, live, picture_bytes
from PIL import Image
from program import HANG_LIMIT, Program, environment, program, run

from imageserver import AuthError, RateLimited
from imageserver.frame_client.failure import FrameWouldFail
from imageserver.provider_host import ProviderHost
from imageserver.registry import Registry
from imageserver.web import keys

FLAT = """
import io
from attrs import frozen
from PIL import Image
from imageserver import GeneratedImage, ImageProvider, hookimpl

@frozen(kw_only=True)
class Settings:
    colour: str = "COLOUR"

class Flat(ImageProvider):
    code = "CODE"
    settings_class = Settings
    # attributes

    def flat(self, request):
        page = io.BytesIO()
        picture = Image.new("RGB", (request.width, request.height), self.context.settings.colour)
        picture.paste("black", (0, 0, request.width, request.height // 2))
        picture.save(page, "PNG")
        return GeneratedImage(data=page.getvalue())

    async def generate(self, request):
        # before
        return self.flat(request)

@hookimpl
def imageserver_register_providers(register):
    register(Flat)
"""


def flat(colour: str = "red", code: str = "flat", *, attributes: str = "", before: str = "") -> str:
    """A plugin that paints black over one colour; `attributes` of its class, and what it does before it paints."""
    text = FLAT.replace("COLOUR", colour).replace("CODE", code)
    return text.replace("# attributes", attributes or "pass").replace("# before", before or "pass")


@pytest.fixture(autouse=True)
def modules_are_forgotten() -> Iterator[None]:
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("imageserver_plugin_"):
            del sys.modules[name]


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    """The owner's folder for plugins."""
    folder = tmp_path / "plugins"
    folder.mkdir()
    return folder


@asynccontextmanager
async def serving(tmp_path: Path, more: str = "") -> AsyncIterator[Live]:
    """A server on these plugins, with one stored picture so that no starter set is painted."""
    folder = tmp_path / "plugins"
    async with live(tmp_path, options=f"plugins_dir: {folder}\n{more}", stored=1, plugins_dir=folder) as server:
        yield server


def set_options(server: Live, more: str) -> None:
    (server.data / "options.yml").write_text(f"plugins_dir: {server.data.parent / 'plugins'}\n{more}")


async def reload(server: Live, status: int = 200) -> dict[str, Any]:
    """POST /api/v1/plugins/reload; the answer's JSON."""
    async with server.http.post("/api/v1/plugins/reload", headers=OWNER) as answer:
        said: dict[str, Any] = await answer.json()
        assert answer.status == status, said
        return said


def registry_of(server: Live) -> Registry:
    return server.app[keys.RELOADER]._registry  # the one that the whole server uses


def host_of(server: Live, code: str = "flat") -> ProviderHost:
    return registry_of(server).hosts[code]


async def all_have_left(server: Live) -> None:
    """Wait until every provider that was replaced or removed has come to its end."""
    async with asyncio.timeout(HANG_LIMIT):
        await asyncio.gather(*registry_of(server)._leaving)


async def colour(server: Live | Program, code: str = "flat") -> str:
    """Which of red, green and blue a frame sees when it asks this provider."""
    return seen(await server.frame.picture("provider", provider=code))


async def brought(server: Live, operation: str) -> str:
    """The same of what an operation comes to, however often it must be asked for."""
    response = (await server.done(operation))["response"]
    assert isinstance(response, dict)
    return seen(base64.b64decode(response["image"]))


def seen(jpeg: bytes) -> str:
    pixel = Image.open(io.BytesIO(jpeg)).convert("RGB").getpixel((160, 400))
    assert isinstance(pixel, tuple)
    names = {(255, 0, 0): "red", (0, 128, 0): "green", (0, 0, 255): "blue"}
    return next(
        (name for at, name in names.items() if all(abs(a - b) < 20 for a, b in zip(at, pixel, strict=True))), ""
    )


async def test_a_file_is_added_changed_and_removed(plugins: Path, tmp_path: Path) -> None:
    """Each reload serves what lies in the folder now, and says what it did."""
    async with serving(tmp_path) as server:
        with pytest.raises(FrameWouldFail, match="no provider called flat"):
            await colour(server)
        (plugins / "flat.py").write_text(flat("red"))
        report = await reload(server)
        assert (report["added"], report["problems"]) == (["flat"], [])
        assert await colour(server) == "red"
        (plugins / "flat.py").write_text(flat("blue"))
        report = await reload(server)
        assert (report["added"], report["changed"]) == ([], ["flat"])
        assert await colour(server) == "blue"
        (plugins / "flat.py").unlink()
        assert (await reload(server))["removed"] == ["flat"]
        with pytest.raises(FrameWouldFail, match="no provider called flat"):
            await colour(server)


async def test_only_the_owner_may(plugins: Path, tmp_path: Path) -> None:
    """A stranger, and a token that is not known, load nothing."""
    async with serving(tmp_path) as server:
        (plugins / "flat.py").write_text(flat())
        for headers, status in (({"X-Forwarded-For": "192.168.1.7"}, 400), ({"Authorization": "Bearer wrong"}, 401)):
            async with server.http.post("/api/v1/plugins/reload", headers=headers) as answer:
                assert answer.status == status
        assert "flat" not in registry_of(server).hosts


async def test_a_reload_forgives(plugins: Path, tmp_path: Path) -> None:
    """One that is left alone because of its key is asked again: the key may lie in a file that was corrected."""
    (plugins / "flat.py").write_text(flat())
    async with serving(tmp_path) as server:
        host = host_of(server)
        host.breaker.failed(AuthError("the key is wrong"))
        assert "the key is wrong. It is not asked again before" in host.state.reason
        assert "flat" in (await reload(server))["kept"]
        assert (host_of(server), host.state.ready) == (host, True)
        host.breaker.failed(RateLimited("slow down", retry_after=1000))
        await reload(server)
        assert not host.state.ready, "a pause that passes by itself was cut short"


async def test_what_is_wrong_is_in_the_log_once(
    plugins: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A broken plugin, one that cannot be built and one without its settings each have one line that says why."""
    caplog.set_level("INFO")
    async with serving(tmp_path) as server:
        (plugins / "torn.py").write_text("1/0\n")
        cannot = "def __init__(self, context): raise ValueError('no model')"
        (plugins / "unbuilt.py").write_text(flat(code="unbuilt", attributes=cannot))
        (plugins / "wanting.py").write_text(flat(code="wanting").replace('colour: str = "red"', "colour: str"))
        caplog.clear()
        assert len((await reload(server))["problems"]) == 3
        for said in ("division by zero", "no model", "it needs settings"):
            assert caplog.text.count(said) == 1, said


async def test_a_file_that_becomes_broken_leaves_the_old_one(plugins: Path, tmp_path: Path) -> None:
    """The old provider goes on untouched, every reload says why, and the corrected file takes its place."""
    file = plugins / "flat.py"
    file.write_text(flat("red"))
    async with serving(tmp_path) as server:
        old = host_of(server)
        file.write_text(flat("blue") + "1/0\n")
        for _ in range(2):
            report = await reload(server)
            assert "flat" in report["kept"]
            (problem,) = report["problems"]
            assert "plugin flat: serves as it was before the last change" in problem
            assert "ZeroDivisionError" in problem
            assert problem.endswith(". Correct or remove the file and say `imageserver plugins reload`")
            assert await colour(server) == "red"
        assert host_of(server) is old
        file.write_text(flat("blue"))
        report = await reload(server)
        assert (report["changed"], report["problems"]) == (["flat"], [])
        assert await colour(server) == "blue"


async def test_a_provider_that_cannot_be_built_is_held_back(plugins: Path, tmp_path: Path) -> None:
    """A changed provider whose constructor fails takes no place from one that serves; the page says why."""
    file = plugins / "flat.py"
    file.write_text(flat("red"))
    cannot = "def __init__(self, context): raise ValueError('no model')"
    async with serving(tmp_path) as server:
        old = host_of(server)
        file.write_text(flat("blue", attributes=cannot))
        report = await reload(server)
        assert report["changed"] == []
        assert [("flat serves as it was" in line, "no model" in line) for line in report["problems"]] == [(True, True)]
        assert host_of(server) is old
        assert await colour(server) == "red"
        assert "no model" in await reason(server, "flat")
        file.write_text(flat("blue"))
        assert (await reload(server))["changed"] == ["flat"]
        assert await colour(server) == "blue"
        assert await reason(server, "flat") == ""


async def reason(server: Live, code: str) -> str:
    async with server.http.get("/api/v1/plugins", headers=OWNER) as answer:
        providers = (await answer.json())["providers"]
    return str(next(provider["reason"] for provider in providers if provider["code"] == code))


async def test_one_that_serves_nobody_is_built_anew(
    plugins: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A provider that could not be built is tried again by a reload, without a change of its file."""
    monkeypatch.setattr(builtins, "model_is_there", False, raising=False)
    needs = "def __init__(self, context):\n        assert model_is_there\n        self.context = context"
    (plugins / "flat.py").write_text(flat("green", attributes=needs))
    async with serving(tmp_path) as server:
        assert "flat is broken" in " ".join((await reload(server))["problems"])
        monkeypatch.setattr(builtins, "model_is_there", True)
        assert (await reload(server))["problems"] == []
        assert await colour(server) == "green"


async def test_the_same_provider_is_not_touched(plugins: Path, tmp_path: Path) -> None:
    """A provider whose file and settings are the same keeps its host when others come and go."""
    (plugins / "flat.py").write_text(flat("red"))
    async with serving(tmp_path, "providers: {flat: {colour: blue, weight: 2}}\n") as server:
        old = host_of(server)
        (plugins / "other.py").write_text(flat("green", "other"))
        report = await reload(server)
        assert (report["added"], "flat" in report["kept"]) == (["other"], True)
        assert host_of(server) is old
        for changed in ("colour: green, weight: 2", "colour: green, weight: 3"):
            set_options(server, f"providers: {{flat: {{{changed}}}}}\n")
            assert (await reload(server))["changed"] == ["flat"]
        assert host_of(server) is not old


async def test_a_call_under_way_comes_to_its_end(
    plugins: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the old provider still paints, the new one serves; the old picture is kept, then the old one is closed."""
    gate, events = Gate(), list[str]()
    monkeypatch.setattr(builtins, "the_gate", gate, raising=False)
    monkeypatch.setattr(builtins, "the_events", events, raising=False)
    told = "async def close(self): the_events.append('closed')"
    waits = "await the_gate.passed(); the_events.append('painted')"
    (plugins / "flat.py").write_text(flat("red", attributes=told, before=waits))
    async with serving(tmp_path) as server:
        started = await server.start(type="provider", provider="flat")
        await asyncio.wait_for(gate.reached.wait(), HANG_LIMIT)
        (plugins / "flat.py").write_text(flat("blue"))
        assert (await reload(server))["changed"] == ["flat"]
        assert await colour(server) == "blue"
        assert events == []
        gate.open()
        assert await brought(server, started["id"]) == "red"
        assert (await server.job(started["id"])).provider == "flat"
        await all_have_left(server)
        assert events == ["painted", "closed"]


async def test_a_removed_provider_finishes_its_call_too(
    plugins: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A provider whose file is gone still delivers what it was asked for before."""
    gate = Gate()
    monkeypatch.setattr(builtins, "the_gate", gate, raising=False)
    (plugins / "flat.py").write_text(flat("red", before="await the_gate.passed()"))
    async with serving(tmp_path) as server:
        started = await server.start(type="provider", provider="flat")
        await asyncio.wait_for(gate.reached.wait(), HANG_LIMIT)
        (plugins / "flat.py").unlink()
        assert (await reload(server))["removed"] == ["flat"]
        gate.open()
        assert await brought(server, started["id"]) == "red"
        await all_have_left(server)


async def test_a_hung_provider_does_not_stop_the_reload(
    plugins: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that blocks its thread for good is replaced at once, and given up after its deadline."""
    gate, release = Gate(), threading.Event()
    monkeypatch.setattr(builtins, "the_gate", gate, raising=False)
    monkeypatch.setattr(builtins, "the_release", release, raising=False)
    hangs = "await the_gate.passed(); the_release.wait()"  # and a busy machine comes that far before its deadline
    gate.open()
    (plugins / "flat.py").write_text(flat("red", attributes="deadline = 4.0", before=hangs))
    async with serving(tmp_path) as server:
        old = host_of(server)
        await server.start(type="provider", provider="flat")
        await asyncio.wait_for(gate.reached.wait(), HANG_LIMIT)
        (plugins / "flat.py").write_text(flat("blue"))
        assert (await reload(server))["changed"] == ["flat"]
        assert await colour(server) == "blue"
        await all_have_left(server)
        assert old._is_closed
        release.set()


async def test_a_slot_that_is_never_given_back_does_not_keep_a_provider(plugins: Path, tmp_path: Path) -> None:
    """The old provider is closed after its deadline, whatever a job that still has it in its hands does."""
    (plugins / "flat.py").write_text(flat("red", attributes="deadline = 1.0"))
    async with serving(tmp_path) as server:
        old = host_of(server)
        assert old.take_slot("a job that never comes back")
        (plugins / "flat.py").write_text(flat("blue"))
        assert (await reload(server))["changed"] == ["flat"]
        await all_have_left(server)
        assert old._is_closed


async def test_a_closed_host_leaves_everything_to_its_successor(plugins: Path, tmp_path: Path) -> None:
    """A job that still has a closed host in its hands loses nothing; where nobody came after it, nothing is charged."""
    from imageserver import GenerationRequest, Unreachable

    request = GenerationRequest(job="j", prompt="p", negative=None, width=32, height=48, seed=1)
    recover = "async def recover(self, request, answer): return self.flat(request)"
    (plugins / "flat.py").write_text(flat("red"))
    async with serving(tmp_path) as server:
        old = host_of(server)
        (plugins / "flat.py").write_text(flat("blue", attributes=recover))
        await reload(server)
        await all_have_left(server)
        new = host_of(server)
        assert (await old.generate(request)).data == (await new.generate(request)).data
        assert await old.recover(request, b"the answer") is not None
        (plugins / "flat.py").unlink()
        await reload(server)
        await all_have_left(server)
        with pytest.raises(Unreachable, match="ended") as refused:
            await new.generate(request)
        assert not refused.value.charged


TICKETS = """
from imageserver import GeneratedImage, PollingImageProvider, hookimpl
from live import picture_bytes

class Tickets(PollingImageProvider):
    code = "tickets"
    paid = True

    async def submit(self, request):
        the_asked.append("VERSION")
        return "ticket-7"

    async def poll(self, ticket):
        the_polled.append(("VERSION", ticket))
        return GeneratedImage(data=picture_bytes()) if "VERSION" == "new" else None

@hookimpl
def imageserver_register_providers(register):
    register(Tickets)
"""


async def test_the_new_provider_asks_about_the_old_ones_ticket(
    plugins: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A paid picture that was ordered before the reload is fetched after it, and ordered once."""
    asked, polled = list[str](), list[tuple[str, str]]()
    monkeypatch.setattr(builtins, "the_asked", asked, raising=False)
    monkeypatch.setattr(builtins, "the_polled", polled, raising=False)
    (plugins / "tickets.py").write_text(TICKETS.replace("VERSION", "first"))
    async with serving(tmp_path) as server:
        started = await server.start(type="provider", provider="tickets")
        while (await server.job(started["id"])).ticket is None:
            await server.result(started["id"])
        (plugins / "tickets.py").write_text(TICKETS.replace("VERSION", "new"))
        assert (await reload(server))["changed"] == ["tickets"]
        assert (await server.asked_until_done(started["id"]))["status"] == "done"
        assert asked == ["first"]
        assert polled[-1] == ("new", "ticket-7")
        assert (await server.job(started["id"])).error is None


async def test_broken_options_change_nothing(plugins: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With mistakes in options.yml the answer and the log name all of them, and everything serves as before."""
    (plugins / "flat.py").write_text(flat("red"))
    async with serving(tmp_path) as server:
        before = dict(registry_of(server).hosts)
        (plugins / "other.py").write_text(flat("green", "other"))
        set_options(server, "quality: 300\nproviders: {flat: {color: blue}}\n")
        message = (await reload(server, status=409))["error"]["message"]
        for told in (message, caplog.text):
            assert "options.yml:2: quality" in told
            assert 'options.yml:3: providers.flat.color: no such key; did you mean "colour"?' in told
        assert registry_of(server).hosts == before
        assert await colour(server) == "red"
        set_options(server, "")
        assert (await reload(server))["added"] == ["other"]


async def test_options_of_providers_are_taken_over_and_others_named(plugins: Path, tmp_path: Path) -> None:
    """Settings, disabled_providers and what frames get count at once; whatever else was changed needs a restart."""
    (plugins / "flat.py").write_text(flat("red"))
    async with serving(tmp_path) as server:
        set_options(server, "port: 8123\nlog_days: 7\nquality: 50\nproviders: {flat: {colour: blue}}\n")
        report = await reload(server)
        assert (report["changed"], report["problems"]) == (["flat"], [])
        assert set(report["needs_restart"]) == {"port", "log_days"}
        assert server.app[keys.FRAMES].default.quality == 50
        assert await colour(server) == "blue"
        set_options(server, "disabled_providers: [flat]\n")
        report = await reload(server)
        assert (report["removed"], report["problems"], report["needs_restart"]) == (["flat"], [], [])
        with pytest.raises(FrameWouldFail, match="flat is off: disabled_providers names it"):
            await colour(server)


async def test_a_library_inside_the_store_is_refused(plugins: Path, tmp_path: Path) -> None:
    """The checks of folders hold at a reload too: pictures that could be deleted never become a library."""
    async with serving(tmp_path) as server:
        set_options(server, f"providers: {{folder: {{local_image_folder: {server.images}}}}}\n")
        message = (await reload(server, status=409))["error"]["message"]
        assert "keep them apart" in message
        assert "folder" not in registry_of(server).hosts


async def test_a_new_library_is_scanned(plugins: Path, tmp_path: Path) -> None:
    """The pictures of a library that a reload brings can be shown when the reload is done."""
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "one.jpg").write_bytes(picture_bytes("navy"))
    async with serving(tmp_path) as server:
        set_options(server, f"providers: {{folder: {{local_image_folder: {photos}}}}}\n")
        assert (await reload(server))["added"] == ["folder"]
        assert server.app[keys.STORE].count("folder") == 1


async def test_the_atelier_steps_back_when_another_comes(plugins: Path, tmp_path: Path) -> None:
    """The built-in painter becomes the last resort with the first other provider, and is kept all the same."""
    async with serving(tmp_path) as server:
        atelier = host_of(server, "atelier")
        roles = [atelier.state.role]
        for turn in ("add", "remove"):
            if turn == "add":
                (plugins / "flat.py").write_text(flat())
            else:
                (plugins / "flat.py").unlink()
            assert "atelier" in (await reload(server))["kept"]
            roles.append(atelier.state.role)
        assert roles == ["chosen", "last_resort", "chosen"]
        assert host_of(server, "atelier") is atelier


async def test_there_is_always_a_worker_more_than_slots(plugins: Path, tmp_path: Path) -> None:
    """Workers are taken on when slots grew, and /healthz looks after the new ones too."""
    async with serving(tmp_path) as server:
        (plugins / "flat.py").write_text(flat(attributes="slots = 6"))
        await reload(server)
        crew = server.app[keys.OPTIONS]._crew
        assert len(crew.names) == 1 + 6 + host_of(server, "atelier").slots
        assert all(server.app[keys.OPTIONS]._crew._supervisor.is_alive(name) for name in crew.names)
        async with server.http.get("/healthz") as answer:
            assert (await answer.json())["not_running"] == []


async def test_thresholds_outlive_a_reload(plugins: Path, tmp_path: Path) -> None:
    """When a provider was last asked is known to its new host, also when it was away in between."""
    (plugins / "flat.py").write_text(flat("red"))
    async with serving(tmp_path) as server:
        await colour(server)
        asked = host_of(server).asked_at
        assert asked is not None
        (plugins / "flat.py").write_text(flat("blue"))
        await reload(server)
        assert host_of(server).asked_at == asked
        for disabled in ("disabled_providers: [flat]\n", ""):
            set_options(server, disabled)
            await reload(server)
        assert host_of(server).asked_at == asked


async def test_two_reloads_at_once(plugins: Path, tmp_path: Path) -> None:
    """They come one after the other: the first adds, the second finds nothing to do."""
    async with serving(tmp_path) as server:
        (plugins / "flat.py").write_text(flat())
        first, second = await asyncio.gather(reload(server), reload(server))
        assert sorted([first["added"], second["added"]]) == [[], ["flat"]]
        assert ["flat" in first["kept"], "flat" in second["kept"]].count(True) == 1


async def test_one_that_needs_settings_is_a_problem_once(plugins: Path, tmp_path: Path) -> None:
    """A dropped provider that lacks a setting is named with the remedy; the reload after that says no more."""
    async with serving(tmp_path) as server:
        (plugins / "flat.py").write_text(flat().replace('colour: str = "red"', "colour: str"))
        (problem,) = (await reload(server))["problems"]
        assert "provider flat is off: it needs settings" in problem
        assert "Write them under providers: {flat: …}" in problem
        assert (await reload(server))["problems"] == []


LISTENER = """
from imageserver import PictureListener, hookimpl

class Ear(PictureListener):
    code = "ear"

    async def picture_ready(self, ready):
        the_heard.append("VERSION")

@hookimpl
def imageserver_register_listeners(register):
    register(Ear)
"""


async def test_extensions_are_taken_over_too(plugins: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An extension comes, changes and goes with its file; one that cannot be built is a problem."""
    heard = list[str]()
    monkeypatch.setattr(builtins, "the_heard", heard, raising=False)
    ear = plugins / "ear.py"
    async with serving(tmp_path) as server:
        for version, became in (("first", "added"), ("second one", "changed")):
            ear.write_text(LISTENER.replace("VERSION", version))
            report = await reload(server)
            assert (report[became], report["problems"]) == (["ear"], [])
            await server.frame.picture("ydart")
            async with asyncio.timeout(HANG_LIMIT):
                while version not in heard:
                    await server.health("stored")
        assert heard == ["first", "second one"]
        ear.unlink()
        assert (await reload(server))["removed"] == ["ear"]
        ear.write_text(LISTENER + "Ear.__init__ = None\n")
        (problem,) = (await reload(server))["problems"]
        assert "extension ear is broken" in problem


async def test_an_extension_that_cannot_be_built_is_held_back(
    plugins: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A changed extension whose constructor fails takes no place from one that serves; report and page say why."""
    heard = list[str]()
    monkeypatch.setattr(builtins, "the_heard", heard, raising=False)
    ear = plugins / "ear.py"
    ear.write_text(LISTENER.replace("VERSION", "first"))

    async def until_heard(version: str) -> None:
        heard.clear()
        await server.frame.picture("ydart")
        async with asyncio.timeout(HANG_LIMIT):
            while version not in heard:
                await server.health("stored")

    async with serving(tmp_path) as server:
        fails = (
            "    def __init__(self, context):\n        raise ValueError('no\\nmodel')\n\n    async def picture_ready"
        )
        ear.write_text(LISTENER.replace("    async def picture_ready", fails))
        for _ in range(2):
            report = await reload(server)
            (problem,) = report["problems"]
            why = "it serves as it was before the last change: it could not be built: ValueError: no model (ear.py:8)"
            assert problem == f"extension ear {why.removeprefix('it ')}"
            assert "ear" not in (*report["added"], *report["changed"], *report["removed"])
            assert await extension(server, "ear") == {"status": "ready", "reason": why}
            await until_heard("first")
        ear.write_text(LISTENER.replace("VERSION", "third"))
        report = await reload(server)
        assert (report["changed"], report["problems"]) == (["ear"], [])
        assert await extension(server, "ear") == {"status": "ready", "reason": ""}
        await until_heard("third")


async def extension(server: Live, code: str) -> dict[str, str]:
    """Its state, as the command line gets it."""
    async with server.http.get("/api/v1/plugins", headers=OWNER) as answer:
        extensions = (await answer.json())["extensions"]
    (found,) = [one for one in extensions if one["code"] == code]
    return {key: found[key] for key in ("status", "reason")}


async def test_an_extension_that_serves_nobody_is_built_anew(
    plugins: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is broken, or hangs, is revived by a reload without a change of its file."""
    release = threading.Event()
    monkeypatch.setattr(builtins, "the_heard", list[str](), raising=False)
    monkeypatch.setattr(builtins, "model_is_there", False, raising=False)
    monkeypatch.setattr(builtins, "the_release", release, raising=False)
    # A busy machine must come to the call before it is given up: one that never began blocks nothing.
    waits = "the_release.wait(60)"
    needs = "deadline = 5.0\n\n    def __init__(self, context):\n        assert model_is_there"
    text = LISTENER.replace('code = "ear"', f'code = "ear"\n    {needs}').replace("the_heard", f"{waits}; the_heard")
    (plugins / "ear.py").write_text(text)
    async with serving(tmp_path) as server:
        assert (await extension(server, "ear"))["status"] == "broken"
        monkeypatch.setattr(builtins, "model_is_there", True)
        assert (await reload(server))["changed"] == ["ear"]
        assert await extension(server, "ear") == {"status": "ready", "reason": ""}
        await server.frame.picture("ydart")
        async with asyncio.timeout(HANG_LIMIT):
            while (await extension(server, "ear"))["status"] != "hung":
                pass
        report = await reload(server)
        assert (report["changed"], report["problems"]) == (["ear"], [])
        assert await extension(server, "ear") == {"status": "ready", "reason": ""}
        assert "ear" in (await reload(server))["kept"]
        release.set()


async def test_a_new_plugin_is_begun(tmp_path: Path) -> None:
    """`imageserver plugins new` names the files that it wrote and the next steps; a second time it refuses."""
    code, out, err = await run("plugins", "new", "my-garden", cwd=tmp_path)
    assert (code, err) == (0, "")
    assert str(tmp_path / "my-garden" / "my_garden.py") in out.splitlines()
    assert (tmp_path / "my-garden" / "my_garden.py").is_file()
    assert "imageserver plugins reload" in out
    code, _, err = await run("plugins", "new", "my-garden", cwd=tmp_path)
    assert (code, "is there already" in err) == (2, True)


async def test_the_command_beside_the_real_program(plugins: Path, tmp_path: Path) -> None:
    """`imageserver plugins reload` takes over a dropped file, a broken one gives code 1, broken options code 2."""
    data = tmp_path / "data"
    data.mkdir()
    options, file = data / "options.yml", plugins / "flat.py"
    options.write_text("plugins_dir: ../plugins\n")
    command = ("plugins", "reload", "--data", str(data))
    async with program(data) as server:
        file.write_text(flat("red"))
        code, out, err = await run(*command)
        assert (code, err) == (0, "")
        assert "added: flat" in out
        assert await colour(server) == "red"
        file.write_text("1/0\n")
        code, out, err = await run(*command)
        assert (code, "ZeroDivisionError" in err, "kept: atelier, flat" in out) == (1, True, True)
        assert await colour(server) == "red"
        options.write_text("quality: 300\n")
        code, out, err = await run("plugins", "--data", str(data), "reload")
        assert (code, out, "options.yml:1: quality" in err) == (2, "", True)
        assert await colour(server) == "red"
    code, _, err = await run(*command)
    assert code == 2
    assert "imageserver serve" in err


async def test_being_woken_is_a_reload_too(plugins: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What a signal wakes goes on after broken options, and takes over the corrected ones."""
    async with serving(tmp_path) as server, asyncio.timeout(HANG_LIMIT):
        (plugins / "flat.py").write_text(flat())
        set_options(server, "quality: 300\n")
        server.app[keys.RELOADER].wake()
        while "not reloaded: options.yml:2: quality" not in caplog.text:
            await server.health("stored")
        assert "flat" not in registry_of(server).hosts
        set_options(server, "")
        server.app[keys.RELOADER].wake()
        while "flat" not in registry_of(server).hosts:
            await server.health("stored")
        async with server.http.get("/healthz") as answer:
            assert (await answer.json())["restarts"] == {}


async def test_sighup_reloads(plugins: Path, tmp_path: Path) -> None:
    """The signal does what the command does, and does not end the program."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "options.yml").write_text("plugins_dir: ../plugins\n")
    async with program(data) as server, asyncio.timeout(HANG_LIMIT):
        (plugins / "flat.py").write_text(flat("green"))
        with (data / "options.yml").open("a") as options:
            options.write("frames: {kitchen: {address: 127.0.0.1, image_width: 240}}\n")
        server.process.send_signal(signal.SIGHUP)
        while not await is_there(server):
            pass
        assert await colour(server) == "green"
        assert Image.open(io.BytesIO(await server.frame.picture("old"))).size == (240, 480)
        assert server.process.returncode is None


async def test_sighup_of_a_closed_terminal_ends_it(tmp_path: Path) -> None:
    """Started in a terminal, the program ends with its window, and cleanly."""
    keyboard, stdin = os.openpty()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "imageserver", "serve", "--data", str(tmp_path / "data"), "--port", "0",
        stdin=stdin, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, env=environment(),
    )  # fmt: skip
    os.close(stdin)
    assert process.stdout is not None
    assert (await asyncio.wait_for(process.stdout.readline(), HANG_LIMIT)).startswith(b"Frame:")
    os.close(keyboard)
    process.send_signal(signal.SIGHUP)
    await asyncio.wait_for(process.communicate(), HANG_LIMIT)
    assert process.returncode == 0


async def is_there(server: Program) -> bool:
    try:
        await server.frame.start("provider", provider="flat")
    except FrameWouldFail:
        return False
    return True


async def test_a_disk_that_hangs_holds_no_frame_up(
    plugins: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the plugins folder gives no answer, frames are served; when it gives an error, everybody serves on."""
    (plugins / "flat.py").write_text(flat("red"))
    reached, given_up = threading.Event(), threading.Event()

    def hang(folder: Path) -> list[object]:
        reached.set()
        given_up.wait(HANG_LIMIT)
        raise OSError(errno.EIO, "Input/output error", str(folder))

    async with serving(tmp_path) as server:
        monkeypatch.setattr("imageserver.plugins.folder_sources", hang)
        reloading = asyncio.create_task(reload(server))
        await asyncio.to_thread(reached.wait, HANG_LIMIT)
        assert await colour(server) == "red"
        assert not reloading.done()
        given_up.set()
        report = await reloading
        assert report["removed"] == []
        assert "the folder cannot be read: Input/output error" in report["problems"][0]
        assert await colour(server) == "red"


async def test_settings_that_are_read_for_ever_hold_no_frame_up(
    plugins: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stranger's settings class that never comes back ends the reload with a sentence and nothing else."""
    monkeypatch.setattr("imageserver.reloading._SETTINGS_SECONDS", 0.2)
    (plugins / "flat.py").write_text(flat("red"))
    async with serving(tmp_path) as server:
        text = flat("blue").replace('colour: str = "COLOUR"', "").replace(
            "class Settings:", "class Settings:\n    def __attrs_post_init__(self):\n        import threading\n"
            "        threading.Event().wait()\n",
        )  # fmt: skip
        (plugins / "flat.py").write_text(text)
        report = await reload(server, 409)
        assert "took longer than 0.2 s" in str(report)
        assert await colour(server) == "red"
