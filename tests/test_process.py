"""The real program: started, killed, stopped, asked by its command line."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

import aiohttp
import pytest
from live import picture_bytes
from program import HANG_LIMIT, program, run, start

from imageserver.frame_client.jpeg import inspect


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file and folder below, with the files' bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}


async def test_three_lines_and_a_picture(tmp_path: Path) -> None:
    """A first start on an empty folder says where frame, page and options are, and paints for the first frame."""
    async with program(tmp_path / "data") as server:
        frame, page, options = server.said
        assert frame.startswith("Frame:")
        assert f"port {server.port}" in frame
        assert page.strip() == f"Page:    http://127.0.0.1:{server.port}"
        assert options.strip().endswith(str(tmp_path / "data" / "options.yml"))
        assert inspect(await server.frame.picture("auto")).width == 320


async def test_kill_9_between_start_and_result(tmp_path: Path) -> None:
    """After kill -9 and a restart, ids given before give their pictures: a stored one and one still to be painted."""
    data = tmp_path / "data"
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "one.jpg").write_bytes(picture_bytes())
    async with program(data) as server:
        stored = await server.frame.start("old")
        painted = await server.frame.start("ydart", prompt="red mountains")
        server.process.kill()
        await server.process.wait()
    async with program(data) as server:
        for operation in (stored.id, painted.id):
            while (answer := await server.frame.result(operation)).status == "pending":
                pass
            assert answer.status == "done"
            assert answer.jpeg is not None
            assert inspect(answer.jpeg).height == 480


async def test_sigterm_ends_it_with_code_0(tmp_path: Path) -> None:
    """SIGTERM in the middle of work ends the program cleanly, and takes its note of the address away."""
    async with program(tmp_path / "data") as server:
        await server.frame.start("ydart")
        assert (tmp_path / "data" / "server.json").stat().st_mode & 0o777 == 0o600
        server.process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(server.process.wait(), HANG_LIMIT) == 0
        assert not (tmp_path / "data" / "server.json").exists()


async def test_a_plugin_that_hangs_does_not_hold_the_stop(tmp_path: Path) -> None:
    """A provider that blocks its thread for good neither stops the frames nor the end of the program."""
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    (plugins / "stuck.py").write_text(
        "import threading\n"
        "from imageserver import ImageProvider, hookimpl\n"
        "class Stuck(ImageProvider):\n"
        "    code = 'stuck'\n"
        "    async def generate(self, request):\n"
        "        threading.Event().wait()\n"
        "@hookimpl\n"
        "def imageserver_register_providers(register):\n"
        "    register(Stuck)\n"
    )
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "options.yml").write_text("plugins_dir: ../plugins\n")
    async with program(tmp_path / "data") as server:
        await server.frame.start("provider", provider="stuck")
        assert inspect(await server.frame.picture("provider", provider="atelier")).width == 320
        server.process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(server.process.wait(), HANG_LIMIT) == 0


async def test_a_second_server_on_the_same_data_is_refused(tmp_path: Path) -> None:
    """The second one says which process holds the folder, and the first goes on."""
    async with program(tmp_path / "data") as server:
        second = await start(tmp_path / "data")
        _, err = await asyncio.wait_for(second.communicate(), HANG_LIMIT)
        assert second.returncode == 2
        assert str(server.process.pid) in err.decode()
        assert (await server.frame.start("auto")).id


async def test_a_port_that_is_taken_is_said_so(tmp_path: Path) -> None:
    """The message names the port and how to choose another; the exit code is 2."""
    async with program(tmp_path / "one" / "data") as server:
        code, _, err = await run(
            "serve", "--data", str(tmp_path / "two" / "data"), "--host", "127.0.0.1", "--port", str(server.port)
        )
        assert code == 2
        assert str(server.port) in err
        assert "--port" in err
        assert "Traceback" not in err


async def test_commands_work_beside_the_running_server(tmp_path: Path) -> None:
    """jobs, plugins, config, check and rotate answer while the server runs; jobs and plugins also without it."""
    data = str(tmp_path / "data")
    async with program(tmp_path / "data") as server:
        await server.frame.picture("ydart", prompt="a boat")
        for command, words in [
            (["jobs"], ["any", "done", "atelier"]),
            (["plugins"], ["folder", "not configured", "atelier", "ready"]),
            (["config"], ["image_generate_threshold"]),
            (["check"], ["no problems"]),
            (["rotate"], ["were deleted"]),
        ]:
            code, out, err = await run(*command, "--data", data)
            assert (code, err) == (0, "")
            for word in words:
                assert word in out
    for at_rest in ("jobs", "plugins"):
        code, out, _ = await run(at_rest, "--data", data)
        assert code == 0
        assert "atelier" in out
    code, _, err = await run("rotate", "--data", data)
    assert code == 2
    assert "imageserver serve" in err


async def test_all_problems_at_once_and_nothing_changed(tmp_path: Path) -> None:
    """Broken options end serve, check and config with code 2 and every problem by file:line; no file is touched."""
    data = tmp_path / "data"
    photos = tmp_path / "images" / "photos"
    photos.mkdir(parents=True)
    data.mkdir()
    (data / "options.yml").write_text(
        "log_levl: INFO\n"
        "image_amount_min: 50\n"
        "image_amount_max: 10\n"
        "scan_image_cron: '0 0 31 2 *'\n"
        f"providers: {{folder: {{local_image_folder: {photos}}}, atelir: {{}}}}\n"
        "port: eighty\n"
    )
    before = snapshot(tmp_path)
    for command in ("serve", "check"):
        code, out, err = await run(command, "--data", str(data))
        assert code == 2
        assert out == ""
        for words in [
            ("options.yml:1", "log_level"),
            ("options.yml:2", "image_amount_max"),
            ("options.yml:4", "0 0 31 2 *"),
            ("options.yml:5", "local_image_folder"),
            ("options.yml:5", "atelier"),
            ("options.yml:6", "eighty"),
        ]:
            assert any(all(word in line for word in words) for line in err.splitlines()), (words, err)
    assert (await run("config", "--data", str(data)))[0] == 2
    assert snapshot(tmp_path) == before


async def test_rotation_waits_for_the_owner(tmp_path: Path) -> None:
    """With the default maximum passed by the owner's files nothing is deleted until `rotate --yes`."""
    images = tmp_path / "images"
    images.mkdir()
    for number in range(2003):
        (images / f"{number:04}.jpg").write_bytes(b"x%d" % number)
    async with program(tmp_path / "data") as server:
        while await _stored(server.port) < 2003:
            pass
        code, out, _ = await run("rotate", "--data", str(tmp_path / "data"))
        assert (code, "--yes" in out) == (0, True)
        assert len(list(images.glob("*.jpg"))) == 2003
        _, out, _ = await run("rotate", "--yes", "--data", str(tmp_path / "data"))
        assert "1003 were deleted" in out
        assert len(list(images.glob("*.jpg"))) == 1000


async def _stored(port: int) -> int:
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}/healthz") as answer:
        stored = json.loads(await answer.read())["stored"]
        assert isinstance(stored, int)
        return stored


@pytest.mark.parametrize("arguments", [["--help"], ["serve", "--help"], ["frame", "--help"], ["--version"]])
async def test_help_is_there(arguments: list[str]) -> None:
    """Every command explains itself."""
    code, out, _ = await run(*arguments)
    assert code == 0
    assert out
