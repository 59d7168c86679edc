"""The real program with ten bad plugins beside a good one: every frame gets its picture, every culprit is named."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from pathlib import Path

import pytest
from program import HANG_LIMIT, Program, program, run

from imageserver.frame_client.failure import FrameWouldFail
from imageserver.frame_client.jpeg import inspect
from imageserver.plugins import load_plugins

ZOO = Path(__file__).parent / "zoo"
PICTURES = 10
_FAILURES = 3  # in a row pause a provider

# plugin → its provider when it has one, its state, what is wrong, and what the owner can do
_RELOAD = "say `imageserver plugins reload`"
CULPRITS = {
    "raises_at_import": ("", "broken", "RuntimeError: no camera (raises_at_import.py:3)", _RELOAD),
    "misspells_a_hook": ("", "broken", "did you mean imageserver_register_providers?", _RELOAD),
    "from_the_future": ("", "broken", "version 1000 of the plugin interface", "Update the server"),
    "takes_a_code": ("", "broken", 'the code "atelier" is taken already', "Choose another code"),
    "wrong_settings": ("", "broken", "which is no attrs class", _RELOAD),
    "hangs_in_c": ("hangs", "broken", "it could not be built", _RELOAD),
    "blocks_its_loop": ("blocks", "hung", "its code does not come back", _RELOAD),
    "leaves_the_program": ("leaves", "paused", "SystemExit", "asked again in"),
    "returns_rubbish": ("rubbish", "paused", "returned str where a GeneratedImage", "asked again in"),
    "leaks_tasks": ("leaks", "paused", "gave no answer within 1 s", "asked again in"),
}
PROVIDERS = [provider for provider, *_ in CULPRITS.values() if provider]
NEVER_THERE = ["misspells", "future", "wrong-settings"]


def test_the_zoo_is_complete() -> None:
    """Every animal is expected below, and the good one is the eleventh."""
    assert {path.stem for path in ZOO.glob("*.py")} == {*CULPRITS, "good"}


async def test_the_zoo(tmp_path: Path) -> None:
    """20 of 20 pictures while every bad provider is asked; each is named with its state; and the program ends."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "options.yml").write_text(f"plugins_dir: {ZOO}\nimage_generate_threshold: 0\n")
    async with program(data) as server:
        bothering = asyncio.create_task(bother(server))
        pictures = [await server.frame.picture("auto") for _ in range(PICTURES)]
        pictures += [await server.frame.picture("provider", provider="good") for _ in range(PICTURES)]
        assert [inspect(picture).width for picture in pictures] == [320] * 2 * PICTURES
        await bothering
        named = await until_all_are_named(data)
        for plugin, (provider, state, wrong, remedy) in CULPRITS.items():
            (line,) = [line for line in named if line.startswith(f"{provider or plugin} ")]
            for word in (f" {state} ", wrong, remedy):
                assert word in line, (plugin, line)
        plugin_line, provider_line = [line.split() for line in named if line.startswith("good ")]
        assert (plugin_line[2], provider_line[1]) == ("loaded", "ready")
        assert await painted_by_the_good_one(data) >= PICTURES
        server.process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(server.process.wait(), HANG_LIMIT) == 0


async def bother(server: Program) -> None:
    """Ask every bad provider by its code, as often as it takes to see what is wrong with it."""

    async def ask(code: str) -> None:
        for _ in range(_FAILURES):
            with contextlib.suppress(FrameWouldFail):  # the job fails, or the provider is not there
                await server.frame.picture("provider", provider=code)

    await asyncio.gather(*(ask(code) for code in (*PROVIDERS, *NEVER_THERE)))


async def until_all_are_named(data: Path) -> list[str]:
    """What `imageserver plugins` says once nothing is being started any more: that one hangs takes 15 seconds."""
    async with asyncio.timeout(HANG_LIMIT):
        while True:
            code, out, err = await run("plugins", "--data", str(data))
            assert (code, err) == (0, "")
            if " starting " not in out:
                return out.splitlines()


@pytest.mark.parametrize(
    ("said", "reason"),
    [("2", "Update the server"), ("'1'", "it must be a whole number, such as 1"), ("True", "whole number"), ("1", "")],
)
async def test_the_interface_that_a_plugin_is_written_for(said: str, reason: str, tmp_path: Path) -> None:
    """A later version, or what is no version, is refused with what to do; today's is not."""
    text = (ZOO / "from_the_future.py").read_text().replace("1000", said)
    (tmp_path / "future.py").write_text(text)
    (record,) = (await load_plugins(tmp_path, built_in=())).records
    assert (reason in record.advice, record.codes) == (True, () if reason else ("future",))


async def painted_by_the_good_one(data: Path) -> int:
    """How many wishes for the good provider it fulfilled itself."""
    _, out, _ = await run("jobs", "--count", "1000", "--data", str(data))
    asked = [line for line in out.splitlines() if "  provider  " in line and "  good  " in line]
    return len([line for line in asked if "  done  " in line])
