"""A page in the browser, watched: what its console says, and whom it asks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from live import Live
from playwright.async_api import Browser, Page, expect

PHONE, DESKTOP = (320, 640), (1280, 800)
_HANG_LIMIT = 60_000.0  # milliseconds; nothing here takes a fraction of it
expect.set_options(timeout=_HANG_LIMIT)  # its own is five seconds, which a page may take on a busy machine
# What was said goes after some seconds, with its Undo: here ten times as late, so that a slow test comes to press it.
_SLOWLY = """const later = window.setTimeout;
window.setTimeout = (work, wait, ...more) => later(work, wait > 5000 ? 10 * wait : wait, ...more);"""

# Playwright's own wait_for_function asks again with eval(), which our Content-Security-Policy forbids.
_WIDTHS = """selector => Promise.all([...document.querySelectorAll(selector)].map((one) =>
  one.complete ? one.naturalWidth : new Promise((tell) => {
    one.addEventListener("load", () => tell(one.naturalWidth));
    one.addEventListener("error", () => tell(0));
  })))"""


async def widths(page: Page, selector: str) -> list[int]:
    """Wait until each <img> that the selector finds has come; how wide their pictures are, 0 for one that is broken."""
    found: list[int] = await page.evaluate(_WIDTHS, selector)
    return found


@asynccontextmanager
async def looking(
    browser: Browser,
    server: Live,
    *,
    size: tuple[int, int] = DESKTOP,
    language: str = "en",
    scheme: Literal["light", "dark"] = "light",
    has_script: bool = True,
    troubled: str = "\0",
    address: str | None = None,
) -> AsyncIterator[Page]:
    """A page of a new visitor. At its end: nothing was wrong in its console, and nothing but the server was asked.

    A console tells of every answer that is an error; what has `troubled` in it is expected. `address` is where a proxy
    shows the server; then nothing outside of that path is asked either.
    """
    width, height = size
    home = address or f"http://localhost:{server.port}/"
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        locale=language,
        color_scheme=scheme,
        java_script_enabled=has_script,
        base_url=home,
    )
    context.set_default_timeout(_HANG_LIMIT)
    await context.add_init_script(_SLOWLY)
    troubles: list[str] = []
    page = await context.new_page()
    page.on("console", lambda said: troubles.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on(
        "request",
        lambda asked: None if asked.url.startswith((home, "data:", "blob:")) else troubles.append(f"asked {asked.url}"),
    )
    try:
        yield page
        assert [trouble for trouble in troubles if troubled not in trouble] == []
    finally:
        await context.close()
