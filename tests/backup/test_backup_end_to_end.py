"""A backup made while everything runs, and put back on an empty machine: the same house, by the real program."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import signal
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import Callable
from pathlib import Path

from live import picture_bytes
from program import HANG_LIMIT, environment, run

from backup.house import busy, by_hand, house, names, shop


async def test_a_restore_gives_the_same_house(tmp_path: Path) -> None:
    """Frames, pictures, trash, prompts, spending, tokens and the ids that frames hold are there again."""
    async with shop(tmp_path / "old") as (data, fake):
        file = tmp_path / "house.tar"
        async with house(data) as it:
            paid = [await it.bought("a heron"), await it.bought("an owl")]
            first, second, *_ = (await it.get("/api/v1/pictures?count=100"))["pictures"]
            await it.send("PATCH", f"/api/v1/pictures/{first['id']}", {"favourite": True})
            await it.send("DELETE", f"/api/v1/pictures/{second['id']}")
            await it.send("POST", "/api/v1/prompts", {"prompt": "a fox"})
            await it.send("POST", "/api/v1/tokens", {"name": "home", "scopes": ["read"]})
            async with busy(it) as given:
                while not given:
                    await it.get("/healthz")
                code, out, err = await run("backup", str(file), "--data", str(data))
                assert (code, err) == (0, ""), err
                assert "2 purchases" in out
            before = await it.everything()
        assert file.stat().st_mode & 0o777 == 0o600
        assert names(tmp_path) == ["house.tar", "old"]
        assert not [name for name in names(data) if name.startswith(".journal")]

        by_hand(file, tmp_path / "by-hand")
        code, out, _ = await run("backup", "--check", str(file))
        assert (code, "whole" in out) == (0, True)

        new, pictures = tmp_path / "new" / "data", tmp_path / "elsewhere"
        code, out, err = await run("restore", str(file), "--data", str(new), "--images", str(pictures))
        assert (code, err) == (0, ""), err
        assert f"image_path names {pictures} now" in out
        async with house(new) as it:
            after = await it.everything()
            for name, was in before.items():
                assert after[name] == was, name
            for operation in (*paid, *given[:3]):
                assert await it.shown(operation)
            charges = len(fake.ledger.charges)
            await it.send("POST", "/api/v1/counters/confirm", {})
            await it.bought("a stork")
            assert len(fake.ledger.charges) == charges + 1


# The program, which stands still at its sixth picture: however late a busy machine looks at it, it is not through.
HELD = """
import sys
import time

pictures = []


def hold(event, arguments):
    if event == "open" and str(arguments[0]).endswith(".jpg"):
        pictures.append(arguments[0])
        while len(pictures) > 5:
            time.sleep(1)


sys.addaudithook(hold)
from imageserver.__main__ import run

run()
"""


async def killed(*arguments: str, when: Callable[[], bool]) -> int:
    """A command that is killed as soon as something is seen of it; its exit code."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HELD, *arguments, stdout=DEVNULL, stderr=DEVNULL, env=environment()
    )
    while process.returncode is None and not when():  # noqa: ASYNC110 - another process makes it so
        await asyncio.sleep(0)
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    return await asyncio.wait_for(process.wait(), HANG_LIMIT)


async def test_kill_9_leaves_nothing_half(tmp_path: Path) -> None:
    """A backup or a restore that is killed: no backup that is half a one, no house that is half a house."""
    data, file = tmp_path / "old" / "data", tmp_path / "house.tar"
    images = tmp_path / "old" / "images" / "original"
    images.mkdir(parents=True)
    data.mkdir()
    (data / "options.yml").write_text("disabled_providers: [atelier]\n")
    for number in range(40):
        (images / f"{number}.jpg").write_bytes(picture_bytes() + bytes(2**20))
    async with house(data) as it:
        assert (await it.get("/api/v1/numbers"))["shown"] == 40

    draft = tmp_path / ".house.tar.tmp"
    backup = ("backup", str(file), "--data", str(data))
    code = await killed(*backup, when=lambda: draft.exists() and draft.stat().st_size > 2**20)
    assert code == -signal.SIGKILL
    assert not file.exists()
    assert draft.stat().st_mode & 0o777 == 0o600
    assert (await run(*backup))[0] == 0
    assert names(tmp_path) == ["house.tar", "old"]
    good = file.read_bytes()
    assert await killed(*backup, when=draft.exists) == -signal.SIGKILL
    assert file.read_bytes() == good
    assert (await run(*backup))[0] == 0  # and takes away what was left

    new = tmp_path / "new" / "data"
    restore = ("restore", str(file), "--data", str(new))
    seen = new.parent / "images" / ".restore"
    code = await killed(*restore, when=lambda: sum(1 for _ in seen.rglob("*.jpg")) > 3)
    assert code == -signal.SIGKILL
    assert {path.name for path in new.iterdir()} == {".lock", ".restore"}
    assert [path.name for path in seen.parent.iterdir()] == [".restore"]
    code, _, err = await run(*restore)
    assert (code, err) == (0, ""), err
    assert not list((tmp_path / "new").rglob(".restore"))
    async with house(new) as it:
        assert (await it.get("/api/v1/numbers"))["shown"] == 40


async def test_a_start_finishes_a_restore(tmp_path: Path) -> None:
    """One that was killed behind the point from which it counts is whole when the server has started."""
    data = tmp_path / "data"
    stage = data / ".restore"
    (stage / "new").mkdir(parents=True)
    (data / "options.yml").write_text("port: 1\n")
    (stage / "new" / "options.yml").write_text("disabled_providers: [atelier]\nimage_amount_max: 1007\n")
    moves = [
        [str(data / "options.yml"), str(data / "aside" / "options.yml")],
        [str(stage / "new" / "options.yml"), str(data / "options.yml")],
    ]
    (stage / "plan.json").write_text(json.dumps({"stages": [str(stage)], "moves": moves}))
    async with house(data) as it:
        assert (await it.get("/api/v1/numbers"))["most"] == 1007
    assert (data / "aside" / "options.yml").read_text() == "port: 1\n"
    assert not stage.exists()


async def test_at_rest_as_well(tmp_path: Path) -> None:
    """Without a server, after a kill -9 too: the backup has what the journal's two files hold together, untouched."""
    data = tmp_path / "data"
    data.mkdir()
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "one.jpg").write_bytes(picture_bytes())
    (data / "options.yml").write_text("disabled_providers: [atelier]\n")
    async with house(data) as it:
        await it.send("POST", "/api/v1/tokens", {"name": "home", "scopes": ["read"]})
        it.server.process.kill()
        await it.server.process.wait()
    assert (data / "journal.sqlite-wal").stat().st_size > 0
    journals = {path.name: path.read_bytes() for path in data.glob("journal.sqlite*")}
    code, out, err = await run("backup", str(tmp_path / "house.tar"), "--data", str(data))
    assert (code, err) == (0, ""), err
    assert "1 pictures in its journal" in out
    assert {path.name: path.read_bytes() for path in data.glob("journal.sqlite*")} == journals
    new = tmp_path / "new" / "data"
    assert (await run("restore", str(tmp_path / "house.tar"), "--data", str(new)))[0] == 0
    code, out, _ = await run("tokens", "--data", str(new))
    assert (code, "home" in out) == (0, True)


async def test_the_owner_confirms_on_the_command_line(tmp_path: Path) -> None:
    """`spending` shows what was bought; `--confirm` is the word that a copy waits for, with a server and without."""
    async with shop(tmp_path / "old") as (data, fake):
        async with house(data) as it:
            await it.bought("a heron")
            for name in ("first", "second"):
                shutil.copytree(data, tmp_path / name / "data")
                shutil.copytree(data.parent / "images", tmp_path / name / "images")
        first, second = tmp_path / "first" / "data", tmp_path / "second" / "data"
        async with house(first) as it:
            code, out, _ = await run("spending", "--data", str(first))
            assert (code, "until you say `imageserver spending --confirm`" in out) == (0, True)
            assert any(line.split()[:3] == ["yandexart", "1", "1"] for line in out.splitlines()), out
            async with it.http.get("/numbers", headers={"Accept-Language": "ru"}) as page:
                assert 'data-send="POST api/v1/counters/confirm"' in await page.text()
            async with it.http.get("/") as page:
                assert "until you confirm what was bought" in await page.text()
            await it.bought("not now")
            assert len(fake.ledger.charges) == 1
            code, out, _ = await run("spending", "--confirm", "--data", str(first))
            assert (code, "The counters are confirmed." in out) == (0, True)
            await it.bought("now")
            assert len(fake.ledger.charges) == 2
            async with it.http.get("/numbers") as page:
                assert "counters/confirm" not in await page.text()
        async with house(second) as it:
            assert (await it.get("/healthz"))["unconfirmed"] == "copied"
        assert "are confirmed" in (await run("spending", "--confirm", "--data", str(second)))[1]
        assert "Nothing had to be" in (await run("spending", "--confirm", "--data", str(second)))[1]
        async with house(second) as it:
            assert (await it.get("/healthz"))["unconfirmed"] is None
