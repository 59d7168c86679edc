"""What holds for the whole run (it leaves the checkout as it was, no example is against the clock), and ports."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from ports import kept_ports

# A busy machine may take a second for one example, and this is no measurement.
settings.register_profile("patient", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

_ROOT = Path(__file__).parent.parent
_WATCHED = ("conf", "docs", "imageserver", "plugins")
_BEFORE = pytest.StashKey[set[Path]]()


def _files() -> set[Path]:
    found = (path for folder in _WATCHED for path in (_ROOT / folder).rglob("*"))
    return {path for path in found if "__pycache__" not in path.parts}


@pytest.fixture
def ports() -> Iterator[list[int]]:
    """Two that nobody else gets."""
    with kept_ports(2) as ports:
        yield ports


def pytest_sessionstart(session: pytest.Session) -> None:
    """Remember what is there."""
    session.config.stash[_BEFORE] = _files()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run when a test put a file beside ours, or took one away. Of several processes the first one looks."""
    if not hasattr(session.config, "workerinput") and _changed(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name them."""
    for path in _changed(config):
        terminalreporter.line(f"ERROR: the tests left or took away {path}", red=True)


def _changed(config: pytest.Config) -> list[Path]:
    return sorted(path.relative_to(_ROOT) for path in config.stash[_BEFORE] ^ _files())
