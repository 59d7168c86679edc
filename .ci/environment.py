"""Prepare .venv for `make`: python3 .ci/environment.py run|dev. Needs nothing but Python and its venv module.

Run by whatever `python3` the machine has, so it keeps to what Python 3.6 can read: an old one shall say what is
wanted instead of a syntax error. At the second time it only compares a stamp and needs no network.
"""

import contextlib
import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
# Running needs the build backend too: an editable install asks for it, and pip would fetch it anew each time.
RUN = ("requirements.txt", "requirements-build.txt")
LOCKS = {"run": RUN, "dev": (*RUN, "requirements-dev.txt")}
# The project's own facts, which an editable install copies.
SOURCES = ("pyproject.toml", "imageserver/version.py")


def fault(version: "tuple[int, ...]", modules: "set[str]") -> str:
    """What is wrong with a Python of this version that has these modules, for its owner; "" when it will do."""
    name = f"{version[0]}.{version[1]}"
    if version[:2] < OLDEST:
        return (
            f"ImageServer needs Python {OLDEST[0]}.{OLDEST[1]} or newer; this is Python {name}.\n"
            "If a newer one is installed, name it: make run PYTHON=python3.12"
        )
    if not {"venv", "ensurepip"} <= modules:
        return (
            "Python's venv module is missing. On Debian, Ubuntu and Raspberry Pi OS: sudo apt install python3-venv\n"
            f"(python{name}-venv if that does not help)"
        )
    return ""


def present(names: "tuple[str, ...]") -> "set[str]":
    """Those of these modules that this Python has."""
    # Debian keeps `venv` without `ensurepip`, so both are asked for.
    return {name for name in names if importlib.util.find_spec(name) is not None}


def interpreter_of(python: Path) -> str:
    """What identifies the Python that `python` starts; "" when it does not start."""
    # The same version at another place is another Python, with other libraries.
    question = "import os, sys; print(sys.version, os.path.realpath(sys.executable))"
    command = [str(python), "-I", "-c", question]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.decode(errors="replace").strip()


def wanted(checkout: Path, level: str, interpreter: str) -> "dict[str, str]":
    """The stamp of a complete installation: changes with the locks, the place of the checkout and the Python."""
    digest = hashlib.sha256()
    for name in (*LOCKS[level], *SOURCES):
        digest.update(name.encode() + b"\0" + (checkout / name).read_bytes() + b"\0")
    return {"level": level, "files": digest.hexdigest(), "checkout": str(checkout), "interpreter": interpreter}


def read_stamp(stamp: Path) -> "dict[str, str]":
    """What is installed completely; empty when nothing is."""
    try:
        said = json.loads(stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def create(venv: Path) -> None:
    """An empty .venv with pip. Raises CalledProcessError."""
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)


def install(checkout: Path, python: Path, level: str) -> None:
    """Install the locks of `level`, and the checkout itself so that edits count. Raises CalledProcessError."""
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet"]
    for name in LOCKS[level]:
        subprocess.run([*pip, "--require-hashes", "-r", name], cwd=str(checkout), check=True)
    itself = ["--no-deps", "--no-index", "--no-build-isolation", "--editable", "."]
    subprocess.run([*pip, *itself], cwd=str(checkout), check=True)


def prepare(checkout: Path, level: str, *, chosen: bool) -> None:
    """Make .venv ready for `level`. `chosen`: the person named this Python, so an .venv of another one goes."""
    venv = checkout / ".venv"
    python, stamp = venv / "bin" / "python", venv / "imageserver.json"
    interpreter, installed = interpreter_of(python), read_stamp(stamp)
    # The tools for development include everything that running needs.
    whole = interpreter and installed in [wanted(checkout, each, interpreter) for each in (level, "dev")]
    if whole and (not chosen or interpreter == interpreter_of(Path(sys.executable))):
        return
    wrong = fault(sys.version_info[:3], present(("venv", "ensurepip")))
    if wrong:
        sys.exit(wrong)
    with contextlib.suppress(FileNotFoundError):
        stamp.unlink()  # what is half installed must not look whole
    # Scripts in an .venv know its place, and its packages the Python they were made for.
    usable = interpreter == interpreter_of(Path(sys.executable)) and installed.get("checkout") == str(checkout)
    if not usable:
        print("Making .venv", flush=True)
        if venv.is_dir():
            shutil.rmtree(str(venv))
        create(venv)
    print("Installing what the requirement files name", flush=True)
    install(checkout, python, level)
    complete = wanted(checkout, level, interpreter_of(python))
    draft = stamp.with_suffix(".tmp")
    draft.write_text(json.dumps(complete), encoding="utf-8")
    draft.replace(stamp)


def main(arguments: "list[str]") -> None:
    """`run` or `dev`, and `--chosen` when the person named the Python."""
    checkout = Path(__file__).resolve().parent.parent
    try:
        prepare(checkout, "dev" if "dev" in arguments else "run", chosen="--chosen" in arguments)
    except subprocess.CalledProcessError as error:
        sys.exit(f"The installation failed with exit code {error.returncode}; the reason stands above.")


if __name__ == "__main__":
    main(sys.argv[1:])
