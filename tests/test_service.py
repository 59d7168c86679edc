"""The service of systemd: what systemd itself says of the unit, and that what installs it agrees with it."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
UNIT = ROOT / "conf/imageserver.service"
INSTALL = (ROOT / "conf/install.sh").read_text(encoding="utf-8")
EXPOSURE = 20  # of 100, as systemd counts; a unit without any of it has 96


def unit(text: str) -> configparser.ConfigParser:
    """The unit as systemd reads it, as far as no key stands there twice."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]  # keys have capitals
    parser.read_string(text)
    return parser


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    """systemd's own judgement, which needs no running systemd."""
    if shutil.which("systemd-analyze") is None:
        missing = "systemd-analyze is missing: apt install systemd"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(missing)
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)


def placed(folder: Path, text: str) -> Path:
    """The unit in a folder of its own, with a program that there is."""
    command = re.search(r"^ExecStart=(\S+)", text, re.MULTILINE)
    assert command is not None
    file = folder / "imageserver.service"
    file.write_text(text.replace(command[1], str(Path(sys.executable).with_name("imageserver"))), encoding="utf-8")
    return file


def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    """Nothing in it is unknown to systemd or out of place; a mistake would be told."""
    text = UNIT.read_text(encoding="utf-8")
    good = analyze("verify", "--man=no", str(placed(tmp_path, text)))
    assert (good.returncode, _about_us(good.stderr)) == (0, [])
    wrong = analyze("verify", "--man=no", str(placed(tmp_path, text.replace("WatchdogSec=60", "WatchdogSec=soon"))))
    assert re.search(r"\bsoon\b", "".join(_about_us(wrong.stderr)))


def _about_us(said: str) -> list[str]:
    """Of what systemd says only the lines about our unit: it reads those of the machine too."""
    return [line for line in said.splitlines() if "imageserver" in line]


def test_the_sandbox_is_a_tight_one(tmp_path: Path) -> None:
    """systemd's own count of what a break-in could reach is low, and high without the lines that are meant to do it."""
    text = UNIT.read_text(encoding="utf-8")
    judge = ("security", "--offline=yes", f"--threshold={EXPOSURE}", "--no-pager")
    tight = analyze(*judge, str(placed(tmp_path, text)))
    assert tight.returncode == 0, tight.stdout
    loose = "\n".join(
        line for line in text.splitlines() if not re.match(r"Protect|Private|Restrict|System|Cap|No", line)
    )
    assert analyze(*judge, str(placed(tmp_path, loose))).returncode != 0


def test_the_unit_and_what_installs_it_agree() -> None:
    """Program, data folder and user are the same in both; it is restarted, watched, and stopped in time."""
    service = unit(UNIT.read_text(encoding="utf-8"))["Service"]
    places = dict(re.findall(r"^(home|data)=(\S+)$", INSTALL, re.MULTILINE))
    assert service["ExecStart"] == f"{places['home']}/current/bin/imageserver serve --data {places['data']}"
    assert places["data"] == f"/var/lib/{service['StateDirectory']}/data"
    assert f"useradd --system --user-group --home-dir /var/lib/{service['StateDirectory']}" in INSTALL
    assert service["User"] == service["Group"] == "imageserver"
    assert (service["Type"], service["Restart"]) == ("notify", "on-failure")
    assert int(service["WatchdogSec"]) > 0
    assert int(service["TimeoutStopSec"]) > 10


def test_the_installation_stops_at_the_first_error() -> None:
    """It is good sh, ends at an error, and does nothing without root."""
    assert INSTALL.startswith("#!/bin/sh\n")
    assert "\nset -eu\n" in INSTALL
    assert os.access(ROOT / "conf/install.sh", os.X_OK)
    assert subprocess.run(["sh", "-n", "conf/install.sh"], cwd=ROOT, check=False).returncode == 0
    if os.geteuid() == 0 and shutil.which("setpriv"):
        command = ["setpriv", "--reuid=65534", "--clear-groups", "sh", str(ROOT / "conf/install.sh")]
        refused = subprocess.run(command, capture_output=True, text=True, check=False)
        assert refused.returncode == 2
        assert "sudo make install" in refused.stderr
