"""Debian's chromium, started once for a file of tests; each test has a page of its own on a server of its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

PROGRAMS = ("chromium-headless-shell", "chromium")


def browser_program() -> str | None:
    """Where a browser is, if there is one."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where the browser is. Without one its tests are skipped; they fail where CI=true says that nothing may miss."""
    found = browser_program()
    if found is None:
        missing = f"none of {', '.join(PROGRAMS)} is here: apt install chromium-headless-shell"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """The browser."""
    async with async_playwright() as playwright:
        # as root, in a container for one, chromium refuses to start with its sandbox
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        await browser.close()
