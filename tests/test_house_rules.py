"""The rules of the house, as tests: who may import whom, who alone uses which package, what runs on the loop."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "imageserver"

# From the foundations upwards: a room imports from its own floor or from floors below, never from above.
FLOORS = [
    {"errors", "answers", "calls", "checks", "clock", "version", "target", "job_ids", "durable", "cron", "language",
     "job_news", "lettering", "addresses", "logs", "log_file", "log_ration", "memory", "sleeping", "panel", "fitting",
     "hanging", "testcard", "systemd", "troubles", "card_words"},
    {"image", "heif", "jobs", "providers", "extensions", "plugin_context", "plugin_loop", "plugin_sources", "lock",
     "supervisor", "schedule", "running", "listening", "stragglers", "certificates", "config.limits", "config.model",
     "config.values", "config.schema", "config.setting", "config.broker"},
    {"announcing", "cards", "hookspecs", "money", "breaker", "prompts", "config"},
    {"journal", "provider_host", "extension_host"},
    {"plugins", "policy", "frames", "counters", "sightings", "access", "error_cards", "naps"},
    {"registry", "pictures"},
    {"till", "judge", "settler", "extension_registry", "owners_texts", "backup"},
    {"intake", "delivery", "worker", "crew", "rounds", "summary", "card_facts", "snapshots"},
    {"workshop", "steering"},
    {"reloading", "options_in_use", "settings_desk", "vigil"},
    {"web", "starter"},
    {"overview", "home"},
    {"app"},
    {"server"},
    {"commands", "cert_command", "access_command", "prompt_command", "panel_command", "backup_command", "scaffold",
     "moving_in", "healthcheck", "doctor", "doctor_command"},
    {"cli"},
    {"__main__"},
]  # fmt: skip
APART = {"__init__", "testing", "default_plugins", "frame_client"}  # rules of their own, below

ONLY_THERE = {
    "croniter": {"cron"},
    "sqlite3": {"journal"},
    "pluggy": {"hookspecs", "plugins"},
    "aiofiles": {"pictures"},
    "ruamel": {"config", "prompts"},
    "jinja2": {"web"},
    "prometheus_client": {"web"},
    "click": {
        "cli",
        "frame_client",
        "cert_command",
        "access_command",
        "prompt_command",
        "panel_command",
        "doctor_command",
        "backup_command",
    },
    "cryptography": {"certificates"},
    "argon2": {"access"},
    "pillow_heif": {"heif"},
    "tzlocal": {"clock"},
    "aiomqtt": {"home"},
    "zeroconf": {"announcing"},
    "numpy": {"default_plugins", "panel", "fitting"},
    "PIL": {
        "image",
        "cards",
        "lettering",
        "hanging",
        "testcard",
        "panel",
        "fitting",
        "default_plugins",
        "frame_client",
        "testing",
    },
    "time": {"clock"},
}


def modules() -> dict[str, Path]:
    """Dotted name below the package → file."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)
        found[name] = path
    return found


def imports(path: Path, *, also_late: bool = True) -> set[str]:
    """Absolute names of everything a module imports; TYPE_CHECKING blocks do not count, they never run."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = "imageserver." + ".".join(path.relative_to(PACKAGE).parts[:-1])
    skipped: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            skipped.update(ast.walk(node))
        if not also_late and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            skipped.update(ast.walk(node))
    names: set[str] = set()
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                up = package.rstrip(".").split(".")
                base = ".".join([*up[: len(up) - node.level + 1], *([base] if base else [])])
            names.update(f"{base}.{alias.name}" for alias in node.names)
    return names


def room_of(name: str) -> str:
    """The room a dotted name below the package belongs to, as the floors list it."""
    two = ".".join(name.split(".")[:2])
    return two if any(two in floor for floor in FLOORS) else name.split(".", maxsplit=1)[0]


def floor_of(room: str) -> int:
    """The floor a room is on."""
    return next(number for number, floor in enumerate(FLOORS) if room in floor)


def inner(path: Path) -> set[str]:
    """Rooms of the package that a module imports."""
    known = modules()
    rooms = set()
    for name in imports(path):
        if not name.startswith("imageserver."):
            continue
        below = name.removeprefix("imageserver.")
        while below not in known and "." in below:
            below = below.rpartition(".")[0]
        rooms.add(room_of(below) if below in known else "__init__")
    return rooms


def test_every_module_has_its_floor() -> None:
    """No room stands outside the plan."""
    homeless = {
        name for name in modules() if room_of(name) not in APART and not any(room_of(name) in f for f in FLOORS)
    }
    assert homeless == set()


@pytest.mark.parametrize("name", sorted(name for name in modules() if room_of(name) not in APART))
def test_imports_point_down(name: str) -> None:
    """A room imports only from floors below its own, or from its own."""
    room = room_of(name)
    above = {other for other in inner(modules()[name]) - APART if floor_of(other) > floor_of(room)}
    assert above == set()


@pytest.mark.parametrize("name", sorted(name for name in modules() if name.split(".")[0] == "web"))
def test_web_knows_no_workshop(name: str) -> None:
    """web never imports the worker, the schedule, plugins or pictures' pixels."""
    assert inner(modules()[name]) & {"worker", "schedule", "plugins", "image", "cards", "app"} == set()


@pytest.mark.parametrize("name", sorted(name for name in modules() if name.split(".")[0] == "default_plugins"))
def test_built_in_providers_come_through_the_strangers_door(name: str) -> None:
    """They import the public package and their own files; of the server's rooms only the one with the letters."""
    assert inner(modules()[name]) <= {"__init__", "default_plugins", "lettering"}


@pytest.mark.parametrize("name", sorted(name for name in modules() if name.split(".")[0] == "frame_client"))
def test_the_test_frame_knows_no_server(name: str) -> None:
    """It stands where a frame stands: outside. The model of the decoder is its own too."""
    assert inner(modules()[name]) <= {"frame_client", "errors", "clock", "panel"}


def test_plugins_import_the_public_package_only() -> None:
    """What lies in plugins/ shows strangers the one import they need."""
    for path in (ROOT / "plugins").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("imageserver"):
                assert node.module in {"imageserver", "imageserver.testing"}, path


@pytest.mark.parametrize("package", ONLY_THERE)
def test_each_package_has_one_home(package: str) -> None:
    """Packages that could leak everywhere are used in their own rooms only."""
    users = {
        name.split(".")[0]
        for name, path in modules().items()
        if any(used == package or used.startswith(f"{package}.") for used in imports(path))
    }
    assert users <= ONLY_THERE[package]
    assert users


def test_nothing_runs_at_the_wrong_time() -> None:
    """Starting the server imports neither NumPy nor Pillow: they cost memory until a picture is made."""
    code = "import sys, imageserver.cli; print(*sorted({m.split('.')[0] for m in sys.modules} & {'numpy', 'PIL'}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


NAMED = ["aiohttp", "pluggy", "aiofiles", "pillow", "croniter", "ruamel.yaml", "attrs"]


def test_the_packages_that_were_asked_for_are_used() -> None:
    """Each of the seven is a dependency, and the server's own rooms import it."""
    top = {"pillow": "PIL", "attrs": "attrs", "ruamel.yaml": "ruamel"}
    # distribution names are compared as PEP 503 says
    lines = importlib.metadata.requires("imageserver") or []
    required = {re.split(r"[<>=;\[ ]", line)[0].lower().replace("-", ".") for line in lines}
    served = [path for name, path in modules().items() if name.split(".")[0] not in {"frame_client", "testing"}]
    used = {name.split(".")[0] for path in served for name in imports(path)}
    for package in NAMED:
        assert package in required
        assert top.get(package, package) in used


def test_files_stay_small() -> None:
    """A file over 350 lines does two jobs."""
    long = {name: n for name, path in modules().items() if (n := len(path.read_text().splitlines())) > 350}
    assert long == {}
