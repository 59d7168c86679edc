"""The gallery in a real browser: by mouse, by keyboard, on a phone, in both languages, and without its script."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from live import Live, live, painter, picture_bytes
from playwright.async_api import Browser, FilePayload, Page, expect

from browser.looking import DESKTOP, PHONE, looking, widths
from imageserver.web import keys

pytestmark = pytest.mark.asyncio(loop_scope="module")
QUIET = "disabled_providers: [atelier]\n"
API = "/api/v1/pictures"


def tile(page: Page, number: int) -> Any:
    """A picture in the list."""
    return page.locator(f"#pictures a[data-id='{number}']")


async def numbers(page: Page) -> list[int]:
    """The pictures in the list, in its order."""
    found: Sequence[str] = await page.locator("#pictures a").evaluate_all("links => links.map(one => one.dataset.id)")
    return [int(one) for one in found]


async def opened(page: Page, number: int) -> None:
    """Open a picture's label."""
    await tile(page, number).click()
    await expect(page.locator("#picture")).to_be_visible()


async def paint(server: Live, *prompts: str) -> None:
    """Pictures of a provider."""
    for prompt in prompts:
        operation = (await server.start(type="ydart", prompt=prompt))["id"]
        await server.done(operation)


async def marks(server: Live, number: int) -> tuple[bool, bool]:
    """Whether a picture is a favourite, and whether it is hidden."""
    picture = await server.app[keys.PEOPLE].album.get(number)
    assert picture is not None
    return picture.favourite, picture.hidden


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "dark"), (DESKTOP, "light")])
async def test_it_fits(browser: Browser, tmp_path: Path, language: str, size: tuple[int, int], scheme: Any) -> None:
    """On a phone and on a desk, in both languages, nothing stands out of the page, and every thumbnail is drawn."""
    async with (
        live(tmp_path, options=QUIET, stored=10) as server,
        looking(browser, server, size=size, language=language, scheme=scheme) as page,
    ):
        await page.goto("/gallery")
        await expect(page.locator("h1")).to_have_text({"en": "Gallery", "ru": "Галерея"}[language])
        await expect(page.locator("html")).to_have_attribute("lang", language)
        for image in await page.locator("#pictures img").all():
            await image.scroll_into_view_if_needed()
        assert set(await widths(page, "#pictures img")) == {240}
        assert await page.evaluate("document.documentElement.scrollWidth") <= size[0]
        await opened(page, 10)
        assert await page.evaluate("document.querySelector('dialog').scrollWidth <= innerWidth")
        assert await page.evaluate("document.documentElement.scrollWidth") <= size[0]


async def test_by_keyboard_alone(browser: Browser, tmp_path: Path) -> None:
    """Tab leads from the search to the pictures; Enter opens one, Space marks it, Escape leads back to its place."""
    async with live(tmp_path, options=QUIET, stored=3) as server, looking(browser, server) as page:
        await page.goto("/gallery")
        await page.locator("input[type=search]").focus()
        for _ in range(20):
            await page.keyboard.press("Tab")
            if await tile(page, 2).evaluate("one => one === document.activeElement"):
                break
        await expect(tile(page, 2)).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.locator("#picture")).to_be_visible()
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("button", name="Favourite")).to_be_focused()
        await page.keyboard.press("Space")
        await expect(page.get_by_role("button", name="Favourite")).to_have_attribute("aria-pressed", "true")
        await page.keyboard.press("Escape")
        await expect(page.locator("#picture")).to_be_hidden()
        await expect(tile(page, 2)).to_be_focused()
        await expect(tile(page, 2).get_by_label("Favourite")).to_be_visible()
        assert await marks(server, 2) == (True, False)


async def test_searching(browser: Browser, tmp_path: Path) -> None:
    """Words find prompts in any script, a choice searches at once, and what is not there is said."""
    async with live(tmp_path, painter(), options=QUIET, stored=2) as server, looking(browser, server) as page:
        await paint(server, "Рыжая лиса в снегу")
        await page.goto("/gallery")
        assert await numbers(page) == [3, 2, 1]
        await page.get_by_label("Words of the prompt").fill("ЛИСА")
        await page.get_by_role("button", name="Search").click()
        await page.wait_for_url("**/gallery?q=*")
        assert await numbers(page) == [3]
        await page.get_by_label("Words of the prompt").fill("heron")
        await page.get_by_role("button", name="Search").click()
        await expect(page.locator(".nothing")).to_have_text("No picture is like that.")
        await page.goto("/gallery")
        await page.get_by_label("Provider").select_option("Yours")
        await page.wait_for_url("**provider=-*")
        assert await numbers(page) == [2, 1]
        await expect(page.get_by_label("Provider")).to_have_value("-")


async def test_a_label(browser: Browser, tmp_path: Path) -> None:
    """It tells the prompt, who made the picture and why, and gives the original; what is not known has no line.

    The picture itself is as bright as it is.
    """
    async with live(tmp_path, painter(), options=QUIET) as server, looking(browser, server) as page:
        await paint(server, "a lighthouse <b>at</b> dusk")
        await page.goto("/gallery")
        await opened(page, 1)
        await expect(page.get_by_role("heading", level=2)).to_have_text("a lighthouse <b>at</b> dusk")
        await expect(page.locator("#whole")).to_have_css("opacity", "1")
        await expect(page.locator("[data-fact=provider] dd")).to_have_text("painter")
        await expect(page.locator("[data-fact=why] dd")).to_contain_text("painter painted")
        await expect(page.locator("[data-fact=price]")).to_be_hidden()
        async with page.expect_download() as downloading:
            await page.get_by_role("link", name="Download").click()
        path = await (await downloading.value).path()
        assert path.read_bytes() == picture_bytes()


async def test_hiding_and_showing(browser: Browser, tmp_path: Path) -> None:
    """Hidden stays in the gallery, with a mark, and among the hidden ones."""
    async with live(tmp_path, options=QUIET, stored=2) as server, looking(browser, server) as page:
        await page.goto("/gallery")
        await opened(page, 2)
        await page.get_by_role("button", name="Hide").click()
        await expect(page.get_by_role("button", name="Hide")).to_have_attribute("aria-pressed", "true")
        await page.get_by_role("button", name="Close").click()
        await expect(tile(page, 2).get_by_label("Hidden")).to_be_visible()
        assert await marks(server, 2) == (False, True)
        await page.get_by_label("Which pictures").select_option("Hidden")
        await page.wait_for_url("**show=hidden*")
        assert await numbers(page) == [2]


async def test_deleting_with_a_way_back(browser: Browser, tmp_path: Path) -> None:
    """A deleted picture leaves the list; Undo puts it back in its place, and later it is found among the deleted."""
    async with live(tmp_path, options=QUIET, stored=3) as server, looking(browser, server) as page:
        await page.goto("/gallery")
        await opened(page, 2)
        await page.get_by_role("button", name="Delete").click()
        await expect(tile(page, 2)).to_have_count(0)
        await expect(page.locator("#picture")).to_be_hidden()
        assert not (server.images / "stored1.jpg").exists()
        await page.get_by_role("button", name="Undo").click()
        await expect(tile(page, 2)).to_be_visible()
        assert await numbers(page) == [3, 2, 1]
        assert (server.images / "stored1.jpg").exists()
        await opened(page, 1)
        await page.get_by_role("button", name="Delete").click()
        await expect(tile(page, 1)).to_have_count(0)
        await page.goto("/gallery?show=deleted")
        await opened(page, 1)
        await expect(page.locator("[data-fact=until]")).to_be_visible()
        await page.get_by_role("button", name="Bring it back").click()
        await expect(tile(page, 1)).to_have_count(0)
        await page.goto("/gallery")
        assert await numbers(page) == [3, 2, 1]


async def test_the_focal_point(browser: Browser, tmp_path: Path) -> None:
    """A tap on the picture sets what a crop must keep; arrow keys and Enter do too; the server may choose again."""
    async with live(tmp_path, options=QUIET, stored=1) as server, looking(browser, server) as page:
        await page.goto("/gallery")
        await opened(page, 1)
        await page.get_by_role("button", name="Focal point").click()
        image = page.locator("#picture-image")
        assert all(await widths(page, "#picture-image"))
        box = await image.bounding_box()
        assert box is not None
        await image.click(position={"x": box["width"] / 4, "y": box["height"] / 2})
        await expect(page.locator("#picture-said")).to_have_text("This spot is kept.")
        picture = await server.app[keys.PEOPLE].album.get(1)
        assert picture is not None
        assert picture.focus == pytest.approx((0.25, 0.5), abs=0.02)
        await page.get_by_role("button", name="Focal point").click()
        await page.keyboard.press("ArrowRight")
        await page.keyboard.press("ArrowUp")
        await page.keyboard.press("Enter")
        await expect(page.locator("#picture-said")).to_have_text("This spot is kept.")
        moved = await server.app[keys.PEOPLE].album.get(1)
        assert moved is not None
        assert moved.focus == pytest.approx((0.3, 0.45), abs=0.02)
        await page.get_by_role("button", name="Let the server choose").click()
        await expect(page.get_by_role("button", name="Let the server choose")).to_be_hidden()
        assert (await server.app[keys.PEOPLE].album.get(1)).focus is None  # type: ignore[union-attr]


async def test_bringing_pictures(browser: Browser, tmp_path: Path) -> None:
    """Files of the camera roll come in one after the other; each says what became of it, and the good are there."""
    files: list[FilePayload] = [
        {"name": "Кот.jpg", "mimeType": "image/jpeg", "buffer": picture_bytes("red")},
        {"name": "notes.jpg", "mimeType": "image/jpeg", "buffer": b"no pixels"},
        {"name": "again.jpg", "mimeType": "image/jpeg", "buffer": picture_bytes("red")},
    ]
    async with live(tmp_path, options=QUIET) as server, looking(browser, server, size=PHONE) as page:
        await page.goto("/gallery")
        await expect(page.locator(".nothing")).to_have_text("Nothing is stored yet.")
        await page.locator("#files").set_input_files(files)
        lines = page.locator("#arrivals li")
        await expect(lines.nth(0)).to_have_text("Кот.jpgAdded.")
        await expect(lines.nth(1)).to_have_text("notes.jpgNot kept: no JPEG, PNG or WEBP picture")
        await expect(lines.nth(2)).to_have_text("again.jpgIt is here already.")
        await expect(page.locator("#pictures a")).to_have_count(1)
        assert [re.sub(".*-", "", path.name) for path in (server.images / "original").iterdir()] == ["Кот.jpg"]


async def test_hanging_a_picture(browser: Browser, tmp_path: Path) -> None:
    """A frame that was seen can be chosen, and its next `auto` brings the picture."""
    async with live(tmp_path, options=QUIET, stored=4) as server, looking(browser, server) as page:
        await server.start(type="old")
        await page.goto("/gallery")
        await opened(page, 2)
        await page.get_by_role("button", name="Show on this frame").click()
        await expect(page.locator("#picture-said")).to_have_text("It hangs there at the frame's next visit.")
        assert await server.picture_of((await server.start(type="auto"))["id"]) == 2


async def test_scrolling_brings_more(browser: Browser, tmp_path: Path) -> None:
    """The list goes on to its end by itself, every picture once; without the script a link leads on."""
    async with live(tmp_path, options=QUIET, stored=110) as server:
        async with looking(browser, server, size=PHONE) as page:
            await page.goto("/gallery")
            pictures = page.locator("#pictures a")
            while (before := await pictures.count()) < 110:
                await page.keyboard.press("End")
                await expect(pictures.nth(before)).to_be_attached()  # before the next one, or that would come too early
            await expect(pictures).to_have_count(110)
            assert await numbers(page) == list(range(110, 0, -1))
            await expect(page.locator("#more")).to_be_hidden()
        async with looking(browser, server, has_script=False) as page:
            await page.goto("/gallery?q=stored")
            seen = await numbers(page)
            for _ in range(2):
                await page.get_by_role("link", name="More").click()
                await page.wait_for_url("**after=*")
                await expect(page.locator("#pictures a").first).not_to_have_attribute("data-id", str(seen[-48]))
                await page.wait_for_load_state()  # the end of the list is there too
                seen += await numbers(page)
            assert seen == list(range(110, 0, -1))
            await expect(page.locator("#more")).to_be_hidden()
            await expect(page.locator("#bring")).to_be_hidden()


async def test_what_cannot_be_done_is_said(browser: Browser, tmp_path: Path) -> None:
    """The reason stands beside the buttons, and nothing on the page pretends that it was done."""
    async with live(tmp_path, options=QUIET, stored=1) as server, looking(browser, server, troubled="409") as page:
        await page.goto("/gallery")
        await opened(page, 1)
        (server.images / ".trash").write_text("in the way")
        await page.get_by_role("button", name="Delete").click()
        await expect(page.locator("#picture-said")).to_contain_text("cannot be moved")
        await expect(page.locator("#picture")).to_be_visible()
        await expect(tile(page, 1)).to_have_count(1)
