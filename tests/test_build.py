"""Locks, Makefile, wheel and container files: what can be said about them without a network and without a container."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from ruamel.yaml import YAML

from imageserver.cli import main
from imageserver.config.outside import IN_CONTAINER
from imageserver.version import __version__

ROOT = Path(__file__).resolve().parent.parent
LOCKS = (
    "requirements.txt",
    "requirements-all.txt",
    "requirements-build.txt",
    "requirements-dev.txt",
    "requirements-audit.txt",
)
SCRIPTS = (
    ".ci/run",
    ".ci/container",
    "tests/container/run.sh",
    "tests/container/base.sh",
    "tests/container/possible.sh",
)
VOLUMES = ["/data", "/images", "/log", "/certs", "/plugins"]
CONTAINERFILE = re.sub(r"\\\n", "", (ROOT / "Containerfile").read_text(encoding="utf-8"))


def entries(lock: str) -> list[str]:
    """Each requirement of a lock with its hashes, on one line."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    return [line for line in re.sub(r"\\\n", " ", text).splitlines() if line and not line.lstrip().startswith("#")]


def pins(lock: str) -> dict[str, set[Requirement]]:
    """Name → what the lock pins for it; several where Python versions differ."""
    found: dict[str, set[Requirement]] = {}
    for entry in entries(lock):
        requirement = Requirement(entry.split("--hash")[0])
        found.setdefault(canonicalize_name(requirement.name), set()).add(requirement)
    return found


def project() -> dict[str, Any]:
    """pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def instruction(name: str) -> str:
    """The last such line of the Containerfile, without its name."""
    lines: list[str] = re.findall(rf"^{name} (.*)$", CONTAINERFILE, re.MULTILINE)
    return lines[-1]


def compose() -> dict[str, Any]:
    """compose.yaml."""
    loaded: dict[str, Any] = YAML(typ="safe").load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    return loaded


# Locks


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_hash_everything(lock: str) -> None:
    """Every requirement of a lock has one exact version and at least one hash."""
    assert entries(lock)
    for entry in entries(lock):
        assert re.match(r"[a-z0-9.-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", entry), entry[:80]


@pytest.mark.parametrize("lock", [*LOCKS, "tests/container/requirements.txt"])
def test_locks_name_no_address(lock: str) -> None:
    """Where packages come from is the machine's business, so no lock says it."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert not re.findall(r"://|--index|--extra-index|--find-links|^-i|file:", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("requirements.txt", project()["project"]["dependencies"]),
        *(
            ("requirements-all.txt", wanted)
            for extra, wanted in {
                "": project()["project"]["dependencies"],
                **project()["project"]["optional-dependencies"],
            }.items()
            if extra != "dev"
        ),
        ("requirements-dev.txt", project()["project"]["dependencies"]),
        ("requirements-dev.txt", project()["project"]["optional-dependencies"]["dev"]),
        ("requirements-build.txt", project()["dependency-groups"]["build"]),
        ("requirements-build.txt", project()["build-system"]["requires"]),
        ("requirements-audit.txt", project()["dependency-groups"]["audit"]),
    ],
)
def test_locks_satisfy_the_project(lock: str, wanted: list[str]) -> None:
    """Whatever pyproject.toml asks for is in the lock, in a version that will do: else `make lock` was forgotten."""
    locked = pins(lock)
    for requirement in map(Requirement, wanted):
        found = locked.get(canonicalize_name(requirement.name), set())
        assert found, f"{requirement.name} is not in {lock}"
        for pin in found:
            version = Version(next(iter(pin.specifier)).version)
            assert version in requirement.specifier, f"{pin} in {lock} is not {requirement}"


def test_locks_agree() -> None:
    """No package has one version in one lock and another in the next."""
    run, everything, build, dev, audit = (pins(lock) for lock in LOCKS)
    assert run.keys() <= everything.keys() <= dev.keys()
    for one, other in (*combinations((run, everything, build, dev), 2), (dev, audit)):
        for name in one.keys() & other.keys():
            assert {pin.specifier for pin in one[name]} == {pin.specifier for pin in other[name]}, name


# Makefile and scripts


def test_help_names_every_target() -> None:
    """`make` alone lists every target with a word about it."""
    targets = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)[0].split()
    # a surrounding `make test` hands its own flags down
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    said = subprocess.run(["make", "-s"], cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    assert {"run", "setup", "test", "lock", "clean", "help"} <= set(targets)
    for target in targets:
        assert re.search(rf"^  make {target} +\w", said, re.MULTILINE), target


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_stop_at_the_first_error(script: str) -> None:
    """Each script can be started, is good bash, and does not go on after a failure."""
    text = (ROOT / script).read_text(encoding="utf-8")
    assert os.access(ROOT / script, os.X_OK)
    assert text.startswith("#!/bin/bash\n")
    assert "set -euo pipefail" in text
    assert subprocess.run(["bash", "-n", script], cwd=ROOT, check=False).returncode == 0


# Wheel and changelog


def test_wheel_is_whole(tmp_path: Path) -> None:
    """The wheel has every file of the package, templates and styles included, and nothing else of the checkout."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    package = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "imageserver").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".tmp"
    }
    assert {"imageserver/py.typed", "imageserver/web/templates/now.html", "imageserver/web/static/page.css"} <= names
    assert package == {name for name in names if name.startswith("imageserver/")}
    assert {name.split("/")[0] for name in names} == {"imageserver", f"imageserver-{__version__}.dist-info"}


def test_changelog_knows_this_version() -> None:
    """The newest heading of the changelog is the version that this is, and plugin authors have their part."""
    newest, _, rest = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").partition("\n## ")[2].partition("\n")
    assert newest.split()[0] == __version__
    assert "### For plugin authors" in rest


# Container


def test_ignore_files_let_nothing_private_in() -> None:
    """A build sees exactly what the Containerfile copies: no history, no pictures, no keys."""
    text = (ROOT / ".containerignore").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    admitted = {line[1:] for line in lines if line.startswith("!")}
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.*)$", CONTAINERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    }
    assert text == (ROOT / ".dockerignore").read_text(encoding="utf-8")
    assert lines[0] == "*"
    assert copied == admitted
    assert not admitted & {".git", "var", ".venv", "conf", "plugins"}
    assert {".git", "var", ".venv"} <= set(lines)


def test_base_image_is_named_exactly() -> None:
    """Every stage starts from the one base that an argument names, with registry and tag."""
    assert re.search(r"^ARG BASE=\S+/\S+:3\.\d+-slim\S*$", CONTAINERFILE, re.MULTILINE)
    assert {"${BASE}"} == {line.split()[0] for line in re.findall(r"^FROM (.*)$", CONTAINERFILE, re.MULTILINE)}
    assert ":latest" not in CONTAINERFILE


def test_container_is_not_root() -> None:
    """The server runs under a number that is not root's, and starts without a shell between it and signals."""
    numbers = dict(re.findall(r"^ARG (UID|GID)=(\d+)$", CONTAINERFILE, re.MULTILINE))
    assert instruction("USER") == "${UID}:${GID}"
    assert int(numbers["UID"]) > 0
    assert int(numbers["GID"]) > 0
    assert [*json.loads(instruction("ENTRYPOINT")), *json.loads(instruction("CMD"))] == ["imageserver", "serve"]


def test_the_image_is_labelled() -> None:
    """What is inside can be read from outside, without starting it."""
    labels = dict(re.findall(r'org\.opencontainers\.image\.([\w.]+)="([^"]*)"', instruction("LABEL")))
    assert labels["version"] == __version__
    assert labels["licenses"] == project()["project"]["license"]
    assert {"title", "description", "revision", "base.name"} <= labels.keys()


def test_health_is_asked_with_a_command_of_ours() -> None:
    """The image and compose.yaml ask for the health with a command that there is, and at the same times."""
    said = compose()["services"]["imageserver"]["healthcheck"]
    times = dict(re.findall(r"--([\w-]+)=(\w+)", instruction("HEALTHCHECK")))
    assert times == {name.replace("_", "-"): str(value) for name, value in said.items() if name != "test"}
    command = json.loads(instruction("HEALTHCHECK").partition(" CMD ")[2])
    assert said["test"] == ["CMD", *command]
    assert command[0] == json.loads(instruction("ENTRYPOINT"))[0]
    assert command[1] in main.commands


def test_the_image_says_that_it_is_one() -> None:
    """In the image nobody counts as sitting at the server's own computer, and the server reads the very same name."""
    assert re.search(rf"\b{IN_CONTAINER}=1\b", instruction("ENV"))
    assert not {IN_CONTAINER} & set(compose()["services"]["imageserver"]["environment"])


def test_compose_keeps_what_must_be_kept() -> None:
    """Every volume of the image is a named volume in compose.yaml, and all else is read-only and without rights."""
    said = compose()
    service = said["services"]["imageserver"]
    mounts = {entry.split(":")[1]: entry.split(":")[0] for entry in service["volumes"]}
    assert json.loads(instruction("VOLUME")) == VOLUMES
    assert {place: mounts.get(place) for place in VOLUMES} == {place: place[1:] for place in VOLUMES}
    assert set(said["volumes"]) == {place[1:] for place in VOLUMES}
    assert mounts["/etc/localtime"] == "/etc/localtime"
    assert service["ports"] == ["${PORT:-8099}:8099"]
    assert (service["read_only"], service["cap_drop"], service["restart"]) == (True, ["ALL"], "unless-stopped")
    assert service["user"] == "${IMAGESERVER_UID:-1000}:${IMAGESERVER_GID:-1000}"
    # a fresh volume belongs to whom the image was built for
    assert service["build"]["args"] == {"UID": "${IMAGESERVER_UID:-1000}", "GID": "${IMAGESERVER_GID:-1000}"}
    assert service["mem_limit"]


def test_folders_of_ones_own_take_the_place_of_volumes() -> None:
    """Each set of lines that waits in compose.yaml as a comment brings every volume, under one root."""
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    shown = re.findall(r"^ +# - \$\{(IMAGE_?SERVER_DATA_ROOT):[^}]*}/(\w+):(/\w+)(?::(\S+))?$", text, re.MULTILINE)
    sets = [shown[at : at + len(VOLUMES)] for at in range(0, len(shown), len(VOLUMES))]
    assert [one[0][0] for one in sets] == ["IMAGESERVER_DATA_ROOT", "IMAGESERVER_DATA_ROOT", "IMAGE_SERVER_DATA_ROOT"]
    for one in sets:
        assert [place for _, _, place, _ in one] == VOLUMES
        assert all(f"/{name}" == place for _, name, place, _ in one)
        assert one[-1][3].startswith("ro")


def _possible(*before: str) -> subprocess.CompletedProcess[str]:
    script = ROOT / "tests/container/possible.sh"
    return subprocess.run([*before, str(script)], capture_output=True, text=True, check=False)


def test_a_machine_that_permits_no_containers_is_known_by_its_own_words() -> None:
    """Whether containers can be tested is asked of the kernel; who lacks its rights hears so, with its answer."""
    asked = _possible()
    assert asked.returncode in (0, 77), asked.stderr
    if os.geteuid() == 0 and shutil.which("setpriv"):
        refused = _possible("setpriv", "--bounding-set=-all", "--inh-caps=-all")
        assert refused.returncode == 77
        assert re.search(r"^this machine permits no containers: \w.*: \S", refused.stderr)
