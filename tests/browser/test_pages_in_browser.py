"""The pages in a real browser: on a phone and on a desk, by day and by night, in both languages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from live import Live, live, painter, picture_bytes
from playwright.async_api import Browser, Page, expect

from browser.axe import barriers
from browser.looking import DESKTOP, PHONE, looking, widths
from imageserver.web import keys

pytestmark = pytest.mark.asyncio(loop_scope="module")
HOUSE = "disabled_providers: [atelier]\nframes: {kitchen: {address: 127.0.0.1}, hall: {address: 10.0.0.9}}\n"
HEADINGS = {
    "en": {
        "": "Now",
        "gallery": "Gallery",
        "ask": "Ask for a picture",
        "prompts": "Prompts",
        "providers": "Providers",
        "house": "Frames",
        "numbers": "Numbers",
        "settings": "Settings",
    },
    "ru": {
        "": "Сейчас",
        "gallery": "Галерея",
        "ask": "Заказать картинку",
        "prompts": "Промпты",
        "providers": "Провайдеры",
        "house": "Рамки",
        "numbers": "Числа",
        "settings": "Настройки",
    },
}
LONG = "a heron in the reeds, " + "Donaudampfschifffahrtsgesellschaftskapitän" * 3  # no place to break a line


async def furnished(server: Live) -> None:
    """A house in which something has happened: a picture hangs in the kitchen, and there are prompts."""
    await server.done((await server.start(type="ydart", prompt=LONG))["id"])
    for prompt in ("a fox in the snow", LONG):
        async with server.http.post("/api/v1/prompts", json={"prompt": prompt, "negative": "people"}) as answer:
            assert answer.status == 201


async def followed(page: Page, way: str) -> None:
    """Go to a page by the link that a person sees; on a phone most are in the menu."""
    links = page.locator(f"nav.ways a[href='./{way}']")
    if not await links.first.is_visible():
        await page.locator("nav.ways summary").click()
        links = page.locator(f"nav.ways details a[href='./{way}']")
    await links.first.click()
    await page.wait_for_url(f"**/{way}")


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_every_page_fits(
    browser: Browser, tmp_path: Path, language: str, scheme: Any, size: tuple[int, int]
) -> None:
    """Each page is reached by its link and says which it is; every picture is drawn, and nothing stands out of it.

    Nothing on it keeps anybody out: axe has no serious or critical finding.
    """
    async with (
        live(tmp_path, painter(), options=HOUSE, stored=3) as server,
        looking(browser, server, size=size, language=language, scheme=scheme) as page,
    ):
        await furnished(server)
        await page.goto("/")
        shown = await page.locator("nav.ways > a").evaluate_all("links => links.map(one => one.getAttribute('href'))")
        assert [href.removeprefix("./") for href in shown] == list(HEADINGS[language])
        for way, heading in HEADINGS[language].items():
            await followed(page, way)
            await expect(page.locator("html")).to_have_attribute("lang", language)
            await expect(page.locator("h1")).to_have_text(heading)
            here = page.locator("nav.ways > a[aria-current=page]")
            assert await here.evaluate_all("links => links.map(one => one.getAttribute('href'))") == [f"./{way}"]
            for image in await page.locator("main img:visible").all():
                await image.scroll_into_view_if_needed()
            assert all(await widths(page, "main img[src]"))
            assert await page.evaluate("document.documentElement.scrollWidth") <= size[0], way
            background = await page.evaluate("getComputedStyle(document.body).backgroundColor")
            brightness = sum(map(int, background.removeprefix("rgb(").removesuffix(")").split(","))) / 3
            assert (brightness > 128) == (scheme == "light"), background
            assert await barriers(page) == []


async def test_never_again(browser: Browser, tmp_path: Path) -> None:
    """What hangs on a frame is hidden by one press, and Undo shows it again."""
    async with (
        live(tmp_path, painter(), options=HOUSE, stored=3) as server,
        looking(browser, server, size=PHONE) as page,
    ):
        await furnished(server)
        shown = server.app[keys.DELIVERY].on("kitchen")
        assert shown is not None
        assert shown.picture is not None
        store = server.app[keys.STORE]
        await page.goto("/")
        await page.get_by_role("button", name="Never again").click()
        await expect(page.get_by_text("It is never shown again.")).to_be_visible()
        await expect(page.get_by_text("This picture is hidden or gone.")).to_be_visible()
        assert not store.has(shown.picture)
        await page.get_by_role("button", name="Undo").click()
        await expect(page.get_by_role("button", name="Never again")).to_be_visible()
        assert store.has(shown.picture)


async def test_to_sleep_and_awake(browser: Browser, tmp_path: Path) -> None:
    """One press each way, and Undo for whoever missed the button."""
    async with (
        live(tmp_path, painter(), options=HOUSE, stored=3) as server,
        looking(browser, server, size=PHONE) as page,
    ):
        await furnished(server)
        naps = server.app[keys.NAPS]
        await page.goto("/")
        await page.get_by_role("button", name="Send to sleep").click()
        await expect(page.get_by_role("button", name="Wake")).to_be_visible()
        assert naps.has("kitchen")
        await page.get_by_role("button", name="Undo").click()
        await expect(page.get_by_role("button", name="Send to sleep")).to_be_visible()
        assert not naps.has("kitchen")
        await page.get_by_role("button", name="Send to sleep").click()
        await page.get_by_role("button", name="Wake").click()
        await expect(page.get_by_text("It wakes at its next visit.")).to_be_visible()
        assert not naps.has("kitchen")


async def test_another_one_the_same_again_and_its_original(browser: Browser, tmp_path: Path) -> None:
    """Next brings another picture at the frame's next visit, Hang it again the same, and Download the file itself."""
    async with live(tmp_path, painter(), options=HOUSE, stored=3) as server, looking(browser, server) as page:
        await furnished(server)
        shown = server.app[keys.DELIVERY].on("kitchen")
        assert shown is not None
        choices = server.app[keys.CHOICES]
        await page.goto("/")
        await page.get_by_role("button", name="Next").click()
        await expect(page.get_by_text("Another picture comes at the frame's next visit.")).to_be_visible()
        assert await choices.of("kitchen") not in (None, shown.picture)
        await page.get_by_role("button", name="Hang it again").click()
        await expect(page.get_by_text("It comes again at the frame's next visit.")).to_be_visible()
        assert await choices.of("kitchen") == shown.picture
        async with page.expect_download() as downloading:
            await page.get_by_role("link", name="Download").click()
        path = await (await downloading.value).path()
        assert path.read_bytes() == picture_bytes()
        assert await server.picture_of((await server.start(type="auto"))["id"]) == shown.picture


async def test_asking(browser: Browser, tmp_path: Path) -> None:
    """A wish for a frame is seen being made to its end, and hangs there at the frame's next visit."""
    async with (
        live(tmp_path, painter(), options=HOUSE, stored=3) as server,
        looking(browser, server, size=PHONE) as page,
    ):
        await furnished(server)
        await page.goto("/ask")
        await page.get_by_label("What shall be painted?").fill("an owl")
        await page.get_by_label("For which frame?").select_option("kitchen")
        await page.get_by_role("button", name="Ask for it").click()
        await expect(page.locator("#making-state")).to_have_text("It is done.")
        await expect(page.locator("#making-picture img")).to_be_visible()
        (job,) = await server.app[keys.JOURNAL].jobs.recent(1)
        assert (job.prompt, job.picture) == ("an owl", await server.app[keys.CHOICES].of("kitchen"))
