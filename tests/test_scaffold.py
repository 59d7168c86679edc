"""The beginning of a plugin: it serves, it passes its own tests wherever it lies, and nothing is overwritten."""

from __future__ import annotations

import io
import logging
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from imageserver import GenerationRequest, ProviderContext
from imageserver.errors import ImageServerError
from imageserver.plugins import load_plugins
from imageserver.scaffold import write_plugin
from imageserver.testing import FakeClock

ROOT = Path(__file__).resolve().parent.parent
LONGEST = "a-plugin-with-a-name-of-forty-characters"


def run(folder: Path, *command: str) -> str:
    """Run a Python module as its author would, and give what it said. It must end well."""
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_its_files_are_named_after_it(tmp_path: Path) -> None:
    """A folder of the plugin's name; modules have "_" where a code has "-"; no placeholder is left."""
    files = write_plugin("my-dots", tmp_path)
    assert [str(file.relative_to(tmp_path)) for file in files] == [
        "my-dots/my_dots.py",
        "my-dots/test_my_dots.py",
        "my-dots/README.md",
    ]
    for file in files:
        text = file.read_text("utf-8")
        assert not {word for word in ("CODE", "MODULE", "CLASS", "TITLE") if word in text}


@pytest.mark.parametrize("name", ["dots", "my-dots"])
def test_its_tests_pass_where_it_lies(tmp_path: Path, name: str) -> None:
    """Bare pytest in its folder, and with its name from the folder above."""
    write_plugin(name, tmp_path)
    for folder, arguments in ((tmp_path / name, []), (tmp_path, [name])):
        said = run(folder, "pytest", "-q", "-p", "no:cacheprovider", f"--basetemp={tmp_path / 'tmp'}", *arguments)
        assert " passed" in said
        assert "skipped" not in said


@pytest.mark.parametrize("name", ["dots", LONGEST])
def test_it_is_clean(tmp_path: Path, name: str) -> None:
    """Ruff with our rules and mypy as strict as ours find nothing."""
    assert len(LONGEST) == 40
    files = [str(file) for file in write_plugin(name, tmp_path) if file.suffix == ".py"]
    ours = ["--no-cache", "--config", str(ROOT / "pyproject.toml")]
    tests = ["--per-file-ignores", "test_*.py:S"]  # as for our own tests, which lie elsewhere
    run(
        tmp_path / name,
        "ruff",
        "check",
        "--no-cache",
        "--config",
        str(ROOT / "pyproject.toml"),
        "--ignore=S101",
        *files,
    )
    run(tmp_path / name, "ruff", "check", *ours, *tests, *files)
    run(tmp_path / name, "ruff", "format", "--check", *ours, *files)
    run(tmp_path / name, "mypy", "--strict", "--config-file=", f"--cache-dir={tmp_path / 'cache'}", *files)


async def test_it_serves_when_it_is_dropped_alone(tmp_path: Path) -> None:
    """The one file in a plugins folder is loaded, and gives a picture of the panel's size with its defaults."""
    file = write_plugin("my-dots", tmp_path)[0]
    plugins_dir = tmp_path / "plugins"
    plugins_dir.mkdir()
    file.rename(plugins_dir / file.name)
    plugins = await load_plugins(plugins_dir, built_in=())
    assert [record.reason for record in plugins.records] == [""]
    kind = plugins.providers["my-dots"]
    assert kind.settings_class is not None
    provider = kind(
        ProviderContext(
            settings=kind.settings_class(),
            clock=FakeClock(),
            random=random.Random(1),
            log=logging.getLogger("imageserver.provider.my-dots"),
            data_folder=tmp_path / "data",
        )
    )
    wish = GenerationRequest(job="job-1", prompt="цапля", negative=None, width=64, height=96, seed=5)
    picture = Image.open(io.BytesIO((await provider.generate(wish)).data))
    assert picture.size == (64, 96)
    assert len(picture.getcolors(64 * 96) or []) > 10


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Dots", "begin with a letter"),
        ("1dots", "begin with a letter"),
        ("_dots", "begin with a letter"),
        ("dots.py", "begin with a letter"),
        ("../dots", "begin with a letter"),
        ("", "begin with a letter"),
        ("d" * 41, "1 to 40"),
        ("class", "a word of Python"),
        ("json", "a module of Python"),
        ("imageserver", "installed here"),
        ("pytest", "installed here"),
        ("aiohttp", "installed here"),
        ("atelier", "comes with ImageServer"),
        ("ydart", "comes with ImageServer"),
        ("store", "comes with ImageServer"),
    ],
)
def test_a_name_that_would_not_work_is_refused(tmp_path: Path, name: str, why: str) -> None:
    """A sentence says why, and nothing is written."""
    with pytest.raises(ImageServerError, match=why):
        write_plugin(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """A folder that is there is left as it is."""
    (tmp_path / "dots").mkdir()
    (tmp_path / "dots" / "dots.py").write_text("mine", encoding="utf-8")
    with pytest.raises(ImageServerError, match="is there already"):
        write_plugin("dots", tmp_path)
    assert [file.read_text("utf-8") for file in (tmp_path / "dots").iterdir()] == ["mine"]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A file where the folder above belongs ends in a sentence."""
    (tmp_path / "file").touch()
    with pytest.raises(ImageServerError, match="cannot be made"):
        write_plugin("dots", tmp_path / "file")
