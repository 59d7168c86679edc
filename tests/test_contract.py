"""The contract of providers: good ones pass, and each check finds the provider that breaks it."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import defaultdict
from pathlib import Path

import contract_broken
import pytest

HERE = Path(__file__).parent
BROKEN = {name: kind for name, kind in vars(contract_broken).items() if name.startswith("Test")}
# Of the modes of the wire a few tell as much here as all of them, and are quick.
FEW = (
    "not (huge_body or gzip_bomb or drip or never_accepts or pixel_bomb or length_too or garbage or empty or reset"
    " or cut_text or status_408 or status_502 or status_503 or status_504 or truncated or flat or tiny"
    " or silent)"
    " or (TestUnbounded and no_more) or (TestBrokenByCancelling and silent)"
)


def run(folder: Path, module: str, *arguments: str) -> dict[str, set[str]]:
    """Run a module's tests as a stranger would, with bare pytest and no configuration: class → checks that failed."""
    report = folder / "report.xml"
    bare = ["-p", "no:asyncio", "-p", "no:timeout", "-p", "no:randomly", "-p", "no:xdist", "-p", "no:cacheprovider"]
    bare += ["-c", os.devnull, "--rootdir", str(folder), f"--basetemp={folder / 'tmp'}", f"--junitxml={report}"]
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--tb=short", *bare, str(HERE / module), *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    outcomes: dict[str, set[str]] = defaultdict(set)
    for case in ET.parse(report).iter("testcase"):
        failed = outcomes[case.get("classname", "").rpartition(".")[2]]
        assert case.find("skipped") is None
        if case.find("failure") is not None or case.find("error") is not None:
            failed.add(case.get("name", "").partition("[")[0])
    return outcomes


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Which checks failed for each broken provider. The first process that needs it finds it out for all."""
    mine = tmp_path_factory.getbasetemp()
    ours = mine.parent if "PYTEST_XDIST_WORKER" in os.environ else mine
    with (ours / "broken.json").open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # until it is closed
        file.seek(0)
        if not (text := file.read()):
            outcomes = run(tmp_path_factory.mktemp("broken"), "contract_broken.py", "-k", FEW)
            text = json.dumps({name: sorted(checks) for name, checks in outcomes.items()})
            file.write(text)
    return {name: set(checks) for name, checks in json.loads(text).items()}


def test_good_providers_pass(tmp_path: Path) -> None:
    """One that answers at once, one with tickets and a library keep every promise, with bare pytest."""
    assert run(tmp_path, "contract_samples.py") == {"TestHello": set(), "TestTicketed": set(), "TestShelf": set()}


@pytest.mark.timeout(600)  # the first of them runs forty test classes in a process of their own
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_promise_is_found(found: dict[str, set[str]], name: str) -> None:
    """A provider that breaks one promise fails the checks about it, and no other."""
    assert found[name] == set(BROKEN[name].found_by)
