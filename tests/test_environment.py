"""`.ci/environment.py`: what `make` does before anything else, with real folders and Pythons and without a network."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import venv
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent


class Installer:
    """Stands where pip does: notes what it is asked for, and breaks off when told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.made = 0
        self.breaks = False

    def create(self, folder: Path) -> None:
        self.made += 1
        venv.create(folder, symlinks=True)

    def install(self, _checkout: Path, _python: Path, level: str) -> None:
        if self.breaks:
            raise subprocess.CalledProcessError(1, "pip")
        self.asked.append(level)


@pytest.fixture
def installer() -> Installer:
    return Installer()


@pytest.fixture
def environment(installer: Installer, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module, with the installer in pip's place."""
    spec = importlib.util.spec_from_file_location("environment", ROOT / ".ci" / "environment.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "create", installer.create)
    monkeypatch.setattr(module, "install", installer.install)
    return module


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout, as far as the script looks at it."""
    folder = tmp_path / "checkout"
    (folder / "imageserver").mkdir(parents=True)
    for name in ("requirements.txt", "requirements-build.txt", "requirements-dev.txt", "pyproject.toml"):
        (folder / name).write_text(name)
    (folder / "imageserver" / "version.py").write_text("")
    return folder


def test_second_time_does_nothing(environment: ModuleType, installer: Installer, checkout: Path) -> None:
    """What is installed completely is not installed again, and development covers running."""
    for level in ("run", "run", "dev", "dev", "run"):
        environment.prepare(checkout, level, chosen=False)
    assert installer.asked == ["run", "dev"]
    assert installer.made == 1


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-build.txt", "pyproject.toml"])
def test_changed_lock_installs_again(environment: ModuleType, installer: Installer, checkout: Path, name: str) -> None:
    """Another lock or another project file makes the installation out of date."""
    environment.prepare(checkout, "run", chosen=False)
    (checkout / name).write_text("other")
    environment.prepare(checkout, "run", chosen=False)
    assert installer.asked == ["run", "run"]


def test_half_an_installation_does_not_count(environment: ModuleType, installer: Installer, checkout: Path) -> None:
    """An installation that broke off is done from the beginning, even when the old lock comes back."""
    environment.prepare(checkout, "run", chosen=False)
    (checkout / "requirements.txt").write_text("other")
    installer.breaks = True
    with pytest.raises(subprocess.CalledProcessError):
        environment.prepare(checkout, "run", chosen=False)
    (checkout / "requirements.txt").write_text("requirements.txt")
    installer.breaks = False
    environment.prepare(checkout, "run", chosen=False)
    assert installer.asked == ["run", "run"]
    assert installer.made == 2


def test_moved_checkout_is_noticed(environment: ModuleType, installer: Installer, checkout: Path) -> None:
    """The scripts in .venv name the old place, so a moved checkout gets a new one."""
    environment.prepare(checkout, "run", chosen=False)
    moved = checkout.rename(checkout.with_name("moved"))
    environment.prepare(moved, "run", chosen=False)
    assert installer.made == 2


def test_vanished_python_is_noticed(environment: ModuleType, installer: Installer, checkout: Path) -> None:
    """When the Python below .venv is gone, .venv is made anew."""
    environment.prepare(checkout, "run", chosen=False)
    python = checkout / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to(checkout / "gone")
    environment.prepare(checkout, "run", chosen=False)
    assert installer.made == 2


def test_fault_names_the_remedy(environment: ModuleType) -> None:
    """A Python that will not do is told what to do about it; one that will do hears nothing."""
    both = {"venv", "ensurepip"}
    assert environment.fault((3, 11, 0), both) == ""
    assert environment.fault((3, 14, 0), both) == ""
    assert "needs Python 3.11 or newer; this is Python 3.9" in environment.fault((3, 9, 2), both)
    assert "sudo apt install python3-venv" in environment.fault((3, 11, 2), {"venv"})


def test_only_a_chosen_python_replaces_another(
    environment: ModuleType, installer: Installer, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An .venv of another Python that works is kept, unless the person named this one."""
    environment.prepare(checkout, "run", chosen=False)
    other = checkout / "another"
    same = environment.interpreter_of
    monkeypatch.setattr(sys, "executable", str(other))
    monkeypatch.setattr(environment, "interpreter_of", lambda python: "another" if python == other else same(python))
    environment.prepare(checkout, "run", chosen=False)
    assert installer.made == 1
    environment.prepare(checkout, "run", chosen=True)
    assert installer.made == 2
