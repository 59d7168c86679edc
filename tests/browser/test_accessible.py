"""Nobody is kept out: axe on what opens after a press, on the door, and on mistakes that are planted; the keyboard.

Every page as it opens is looked at in `test_pages_in_browser.py`, in each size, light and language.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from live import OWNER, live, painter
from playwright.async_api import Browser, Page, expect

from browser.axe import barriers
from browser.looking import PHONE, looking

pytestmark = pytest.mark.asyncio(loop_scope="module")
HOUSE = "disabled_providers: [atelier]\nframes: {kitchen: {address: 127.0.0.1}}\n"
MISTAKES = {
    "a picture without words": ("document.querySelector('main').append(new Image())", "image-alt"),
    "a button without a name": (
        "document.querySelector('main').append(document.createElement('button'))",
        "button-name",
    ),
    "grey on grey": ("document.querySelector('h1').style.color = 'light-dark(#d8d6d2, #333)'", "color-contrast"),
    "a field without a label": ("document.querySelector('main').append(document.createElement('input'))", "label"),
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_planted_mistakes_are_found(browser: Browser, tmp_path: Path, scheme: Any) -> None:
    """axe sees what it is there for: the page is clean before each mistake, and is not with it."""
    async with live(tmp_path, options=HOUSE) as server, looking(browser, server, scheme=scheme) as page:
        for script, rule in MISTAKES.values():
            await page.goto("/")
            assert await barriers(page) == []
            await page.evaluate(script)
            (found,) = await barriers(page)
            assert f" {rule} (" in found


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_what_opens_after_a_press(browser: Browser, tmp_path: Path, scheme: Any) -> None:
    """The menu, a picture's label, questions, messages, ten draws and a wish being made keep nobody out either."""
    async with (
        live(tmp_path, painter(), options=HOUSE, stored=3) as server,
        looking(browser, server, size=PHONE, language="ru", scheme=scheme, troubled="404") as page,
    ):
        await server.done((await server.start(type="ydart", prompt="a heron"))["id"])
        async with server.http.post("/api/v1/prompts", json={"prompt": "a {red|blue} fox"}) as answer:
            assert answer.status == 201
        await page.goto("/")
        await page.locator("nav.ways summary").click()
        assert await barriers(page) == []
        await page.get_by_role("button", name="Больше никогда").click()
        await expect(page.locator(".toast")).to_be_visible()
        assert await barriers(page) == []
        await page.goto("/gallery")
        await page.locator("#pictures a").first.click()
        await expect(page.locator("#picture")).to_be_visible()
        assert await barriers(page) == []
        await page.locator("#focus").click()
        assert await barriers(page) == []
        await page.goto("/prompts")
        await page.locator("li details summary").first.click()
        await page.locator("li button.try").first.click()
        await expect(page.locator("#draws")).to_be_visible()
        assert await barriers(page) == []
        await page.keyboard.press("Escape")
        await page.locator("button[data-send^=DELETE]").first.click()
        await expect(page.locator("#sure")).to_be_visible()
        assert await barriers(page) == []
        await page.goto("/ask")
        await page.locator("#wish button").click()
        await expect(page.locator("#making-picture img")).to_be_visible()
        assert await barriers(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "ru"])
async def test_the_door(browser: Browser, tmp_path: Path, scheme: Any, language: str) -> None:
    """Setting the password and signing in, also after a mistake, from elsewhere; then the first page opens."""
    async with (
        live(tmp_path, options=HOUSE, environment={"IMAGESERVER_IN_CONTAINER": "1"}) as server,
        looking(browser, server, size=PHONE, scheme=scheme, language=language, troubled="the server responded") as page,
    ):
        await page.goto("/")
        await page.wait_for_url("**/first-visit")
        assert await barriers(page) == []
        await page.locator("#code").fill("AAAA-AAAA")
        for name in ("#password", "#again"):
            await page.locator(name).fill("a long password")
        await page.locator("main button").click()
        await expect(page.locator("#problem")).to_be_visible()
        assert await barriers(page) == []
        async with server.http.post("/api/v1/password", json={"password": "a long password"}, headers=OWNER) as answer:
            assert answer.status == 200
        await page.goto("/sign-in")
        assert await barriers(page) == []
        await page.locator("#password").fill("another one")
        await page.keyboard.press("Enter")
        await expect(page.locator("#problem")).to_be_visible()
        assert await barriers(page) == []
        await page.locator("#password").fill("a long password")
        await page.keyboard.press("Enter")
        await expect(page.locator("h1")).to_have_text({"en": "Now", "ru": "Сейчас"}[language])
        assert await barriers(page) == []


async def tabbed_to(page: Page, target: str) -> None:
    """Press Tab until the focus is there."""
    for _ in range(60):
        await page.keyboard.press("Tab")
        if await page.evaluate("target => document.activeElement?.matches(target) ?? false", target):
            return
    raise AssertionError(f"Tab never reaches {target}")


async def test_by_keyboard_alone(browser: Browser, tmp_path: Path) -> None:
    """Past the menu to the content, through the menu of a phone, through a question to No, and through a wish."""
    async with (
        live(tmp_path, painter(), options=HOUSE, stored=3) as server,
        looking(browser, server, size=PHONE) as page,
    ):
        async with server.http.post("/api/v1/prompts", json={"prompt": "a fox"}) as answer:
            assert answer.status == 201
        await page.goto("/")
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name="To the content")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.locator("main")).to_be_focused()
        await page.goto("/")
        await tabbed_to(page, "nav.ways summary")
        await page.keyboard.press("Enter")
        await page.keyboard.press("Escape")
        await expect(page.locator("nav.ways details")).not_to_have_attribute("open", "")
        await expect(page.locator("nav.ways summary")).to_be_focused()
        await page.keyboard.press("Enter")
        await tabbed_to(page, "a[href='./prompts']")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/prompts")
        await tabbed_to(page, "button[data-send^=DELETE]")
        await page.keyboard.press("Enter")
        await expect(page.locator("#sure")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.locator("#sure")).to_be_hidden()
        await expect(page.locator("button[data-send^=DELETE]").first).to_be_focused()
        await expect(page.locator("ol.prompts > li")).to_have_count(2)
        await page.goto("/ask")
        await tabbed_to(page, "#prompt")
        await page.keyboard.type("an owl")
        await tabbed_to(page, "#wish button:not([type])")
        await page.keyboard.press("Enter")
        await expect(page.locator("#making-state")).to_have_text("It is done.")
