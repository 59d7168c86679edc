"""The pages behind a proxy that shows the server under a path of its own: every link, script, picture and button."""

from __future__ import annotations

from pathlib import Path

import pytest
from access.proxy import proxy
from live import OWNER, live, painter
from playwright.async_api import Browser, expect

from browser.looking import PHONE, looking, widths
from browser.test_pages_in_browser import HEADINGS, followed

pytestmark = pytest.mark.asyncio(loop_scope="module")
HOUSE = "disabled_providers: [atelier]\ntrusted_proxies: [127.0.0.1]\nframes: {kitchen: {address: 127.0.0.1}}\n"
PASSWORD = "a long password"


async def test_every_page_and_what_it_does(browser: Browser, tmp_path: Path) -> None:
    """From signing in to signing out: each page by its link, and a press or two on each of them.

    Whatever a page asks for lies below the proxy's path; its console stays empty.
    """
    async with (
        live(tmp_path, painter(), options=HOUSE, stored=3) as server,
        proxy(server) as home,
        looking(browser, server, size=PHONE, address=str(home)) as page,
    ):
        async with server.http.post("/api/v1/password", json={"password": PASSWORD}, headers=OWNER) as answer:
            assert answer.status == 200
        await server.done((await server.start(type="ydart", prompt="a heron"))["id"])
        await page.goto("./")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.keyboard.press("Enter")
        await expect(page.locator("h1")).to_have_text("Now")
        for way, heading in HEADINGS["en"].items():
            await followed(page, way)
            await expect(page.locator("h1")).to_have_text(heading)
            assert all(await widths(page, "main img[src]:not([loading])"))
        await followed(page, "")
        await page.get_by_role("button", name="Never again").click()
        await page.get_by_role("button", name="Undo").click()
        await expect(page.get_by_role("button", name="Never again")).to_be_visible()
        await followed(page, "gallery")
        await page.locator("#pictures a").first.click()
        await expect(page.get_by_role("heading", level=2)).to_have_text("a heron")
        assert all(await widths(page, "#picture-image"))
        await page.keyboard.press("Escape")
        await followed(page, "prompts")
        await page.locator("#new-prompt").fill("a fox in the snow")
        await page.get_by_role("button", name="Add", exact=True).click()
        await expect(page.get_by_text("a fox in the snow").first).to_be_visible()
        await followed(page, "ask")
        await page.get_by_label("What shall be painted?").fill("an owl")
        await page.get_by_role("button", name="Ask for it").click()
        await expect(page.locator("#making-state")).to_have_text("It is done.")
        await expect(page.locator("#making-picture img")).to_be_visible()
        assert all(await widths(page, "#making-picture img"))
        await page.get_by_role("link", name="Русский").click()
        await expect(page.locator("h1")).to_have_text(HEADINGS["ru"]["ask"])
        await page.get_by_role("button", name="Выйти", exact=True).click()
        await page.wait_for_url("**/sign-in")
