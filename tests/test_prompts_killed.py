"""Power cuts, as near as a test comes to them: a real process that writes the library is killed in the middle."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from prompt_files import opened, texts

from imageserver.prompts import PromptLibrary

# Says the number of each prompt once add() has returned; it never stops by itself.
WRITER = """
import logging, sys
from pathlib import Path
from imageserver.prompts import PromptLibrary
library = PromptLibrary(Path(sys.argv[1]), 50, logging.getLogger("writer"))
library.open()
number = int(sys.argv[2])
while True:
    library.add(f"prompt {number} " + "x" * 500)
    print(number, flush=True)
    number += 1
"""
KILLS = 20  # for each format


@pytest.mark.parametrize("ending", ["json", "yaml"])
def test_a_killed_writer_leaves_a_whole_file(ending: str, tmp_path: Path) -> None:
    """After every kill -9 the file is whole, and holds each prompt whose addition had returned."""
    chance = random.Random(ending)
    start = '{"prompts": []}' if ending == "json" else "# ours\nprompts:\n- {idx: 1, prompt: first}\n"
    path = tmp_path / f"prompts.{ending}"
    path.write_text(start)
    path.chmod(0o600)
    number = 0
    for _ in range(KILLS):
        number = _killed_after(tmp_path, number, chance.randint(1, 3), chance)
        assert path.stat().st_mode & 0o777 == 0o600
        library = opened(tmp_path, 50)
        assert library.problems == [], "the file is torn"
        found = [int(text.split()[1]) for text in texts(library) if text != "first"]
        assert found == sorted(found)
        assert number - 1 in found or number in found
        number = max(found) + 1
    assert [name.name for name in tmp_path.iterdir() if name.suffix == ".tmp"] == [], "leftovers are swept at the start"
    if ending == "yaml":
        assert path.read_text().startswith("# ours\n")


def _killed_after(folder: Path, number: int, additions: int, chance: random.Random) -> int:
    """Run a writer and kill it somewhere after some additions; the number after the last one that it reported."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), str(number)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for _ in range(additions):
            assert process.stdout.readline().strip() == str(number)
            number += 1
        for _ in range(chance.randrange(30_000)):  # a random moment within the next addition, without a clock
            os.getpid()
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().split()
    return int(rest[-1]) + 1 if rest else number


def read_beside_a_writer(folder: Path, additions: int, noticed: threading.Event) -> list[Exception]:
    """What two readers of the file stumble over while one thread adds; `noticed` is set at the first."""
    library = opened(folder, 500, json='{"prompts": []}')
    path = folder / "prompts.json"
    done = threading.Event()
    sizes: list[list[int]] = [[], []]
    failures: list[Exception] = []

    def read(seen: list[int]) -> None:
        try:
            while not done.is_set():
                seen.append(len(json.loads(path.read_text())["prompts"]))
        except Exception as error:
            failures.append(error)
            noticed.set()

    readers = [threading.Thread(target=read, args=(seen,)) for seen in sizes]
    for reader in readers:
        reader.start()
    for number in range(additions):
        library.add(f"prompt {number}")
    done.set()
    for reader in readers:
        reader.join()
    assert all(seen == sorted(seen) for seen in sizes)
    return failures


def test_readers_see_only_whole_files(tmp_path: Path) -> None:
    """While one thread adds, others that read the file see valid JSON each time and never a smaller library."""
    assert read_beside_a_writer(tmp_path, 60, threading.Event()) == []


def test_readers_would_see_a_torn_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: a writer that writes in place is caught half-way by the readers."""
    noticed = threading.Event()

    def in_place(path: Path, data: bytes, **_: object) -> None:
        with path.open("wb", buffering=0) as file:
            file.write(data[: len(data) // 2])
            noticed.wait(30)
            file.write(data[len(data) // 2 :])

    monkeypatch.setattr("imageserver.prompts.file.write_durably", in_place)
    assert read_beside_a_writer(tmp_path, 2, noticed)


def test_additions_from_many_threads_all_arrive(tmp_path: Path) -> None:
    """Eight threads add to one library and none of the prompts is lost."""
    library = opened(tmp_path, 500, json='{"prompts": []}')

    def add(library: PromptLibrary, name: int) -> None:
        for number in range(5):
            library.add(f"{name} {number}")

    threads = [threading.Thread(target=add, args=(library, name)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(texts(opened(tmp_path))) == sorted(f"{name} {number}" for name in range(8) for number in range(5))
