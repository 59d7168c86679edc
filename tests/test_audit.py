"""`make audit` says what it knows, and never more: not looked up is not the same as nothing found."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
AUDIT = ROOT / ".ci" / "audit.py"

pytestmark = pytest.mark.skipif(not AUDIT.exists(), reason="a source distribution has no .ci")

GOOD = {"name": "aiohttp", "version": "3.14.5", "vulns": []}
WEAK = {"name": "pillow", "version": "1.0", "vulns": [{"id": "CVE-1", "fix_versions": ["2.0"], "aliases": []}]}
# as pip-audit 2.10 says it of a database that knows nobody, together with "No known vulnerabilities found" and code 0
SKIPPED = {"name": "attrs", "skip_reason": "Dependency not found on PyPI and could not be audited: attrs (26.1.0)"}


def audited(folder: Path, *reports: object, code: int = 0, stderr: str = "") -> tuple[int, str]:
    """Exit code and words, with a tool that reports these, one for each lock file."""
    for number, report in enumerate(reports):
        said = report if isinstance(report, str) else json.dumps({"dependencies": report, "fixes": []})
        (folder / f"{number}.txt").write_text(said, encoding="utf-8")
    tool = folder / "tool.py"
    tool.write_text(
        "import pathlib, sys\n"
        "assert {'--disable-pip', '--require-hashes'} <= set(sys.argv)\n"
        f"print({stderr!r}, file=sys.stderr)\n"
        "print(pathlib.Path(sys.argv[-1]).read_text())\n"
        f"sys.exit({code})\n",
        encoding="utf-8",
    )
    command = [sys.executable, str(AUDIT), "--tool", shlex.join([sys.executable, str(tool)])]
    done = subprocess.run(
        [*command, *(str(folder / f"{number}.txt") for number in range(len(reports)))],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


def test_all_is_well(tmp_path: Path) -> None:
    """Each file's packages are counted."""
    assert audited(tmp_path, [GOOD], [GOOD, GOOD]) == (
        0,
        "0.txt: 1 packages, none with a known weakness\n1.txt: 2 packages, none with a known weakness\n",
    )


def test_a_weak_package_is_named(tmp_path: Path) -> None:
    """With what is known of it and where it is mended; the others do not hide it."""
    code, said = audited(tmp_path, [GOOD], [GOOD, WEAK, SKIPPED], code=1)
    assert code == 1
    assert "1.txt: pillow 1.0: CVE-1 (fixed in 2.0)\n" in said
    assert "1.txt: NOT CHECKED: nothing could be learned about attrs\n" in said


@pytest.mark.parametrize(
    ("report", "code", "words"),
    [
        ([GOOD, *[SKIPPED] * 7], 0, "nothing could be learned about attrs, attrs, attrs, attrs, attrs and 2 more"),
        ([], 0, "the report names no package"),
        ("", 1, "Failed to resolve 'api.osv.dev'"),
        ("[]", 0, "Failed to resolve"),
        ("null", 0, "Failed to resolve"),
        ("{}", 0, "Failed to resolve"),
    ],
    ids=["all skipped", "nobody", "no network", "a list", "nothing", "another format"],
)
def test_what_was_not_looked_up_does_not_pass(tmp_path: Path, report: object, code: int, words: str) -> None:
    """Whatever the tool's own exit code is."""
    stderr = "Traceback\nFailed to resolve 'api.osv.dev'"
    got, said = audited(tmp_path, [GOOD], report, code=code, stderr=stderr)
    assert got == 3
    assert "1.txt: NOT CHECKED: " in said
    assert words in said
    assert "The packages were NOT CHECKED, or not all of them" in said


def test_a_tool_that_says_nothing(tmp_path: Path) -> None:
    """Its exit code is all there is."""
    assert audited(tmp_path, "", code=2)[1].startswith("0.txt: NOT CHECKED: the tool ended with 2 and no report\n")
