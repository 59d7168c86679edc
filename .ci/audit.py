"""Look for known weaknesses of the locked packages: python3 .ci/audit.py --tool "pip-audit" requirements.txt …

The tool says "No known vulnerabilities found", with exit code 0, also where its database could not be asked for a
single package: here only what was looked up counts. Exit code 0: all were looked up and none is known to be weak;
1: some are; 3: not everything could be looked up, and so nothing is known.
"""

import argparse
import json
import shlex
import subprocess
import sys
from pathlib import Path

WEAK, NOT_CHECKED = 1, 3
_OPTIONS = ("--disable-pip", "--require-hashes", "--vulnerability-service", "osv", "--format", "json")
_QUIET = ("--progress-spinner", "off", "--desc", "off")
_MOST = 5  # names in one line


def report_of(tool: "list[str]", lock: Path) -> "tuple[list[dict[str, object]], str]":
    """What the tool says of each package of a lock file, or why it says nothing."""
    done = subprocess.run(
        [*tool, *_OPTIONS, *_QUIET, "--requirement", str(lock)], capture_output=True, text=True, check=False
    )
    said = done.stderr.strip().splitlines()
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return [], said[-1] if said else f"the tool ended with {done.returncode} and no report"
    if not packages:
        return [], "the report names no package"
    return packages, ""


def judge(lock: Path, packages: "list[dict[str, object]]", trouble: str) -> int:
    """Say what is known of one lock file; the exit code."""
    skipped = [str(one.get("name")) for one in packages if "vulns" not in one]
    weak = [one for one in packages if one.get("vulns")]
    for one in weak:
        for known in one["vulns"]:  # type: ignore[attr-defined]  # a list, by the tool's own format
            fixed = ", ".join(known.get("fix_versions", [])) or "no version yet"
            print(f"{lock.name}: {one['name']} {one['version']}: {known['id']} (fixed in {fixed})")
    if skipped:
        more = f" and {len(skipped) - _MOST} more" if len(skipped) > _MOST else ""
        trouble = f"nothing could be learned about {', '.join(skipped[:_MOST])}{more}"
    if trouble:
        print(f"{lock.name}: NOT CHECKED: {trouble}")
    elif not weak:
        print(f"{lock.name}: {len(packages)} packages, none with a known weakness")
    return WEAK if weak else NOT_CHECKED if trouble else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", required=True, help="how pip-audit is started, with options of its own")
    parser.add_argument("locks", nargs="+", type=Path)
    arguments = parser.parse_args()
    codes = {judge(lock, *report_of(shlex.split(arguments.tool), lock)) for lock in arguments.locks}
    if NOT_CHECKED in codes:
        print("The packages were NOT CHECKED, or not all of them: this needs the advisory database on the network.")
    return WEAK if WEAK in codes else max(codes)


if __name__ == "__main__":
    sys.exit(main())
