"""On a phone, from the first page, what owners do most takes three taps at most, typing aside."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from attrs import define, field
from owners_house import house
from playwright.async_api import Browser, Locator, Page, expect

from browser.looking import PHONE, looking
from imageserver.web import keys

pytestmark = pytest.mark.asyncio(loop_scope="module")
OPTIONS = """\
# ours
disabled_providers: [atelier]
providers:
  painter: {price: 2}  # dear
"""


@define
class Thumb:
    """A person's thumb on the first page; it sees what is drawn, and counts."""

    page: Page
    taps: int = field(init=False, default=0)

    async def tap(self, place: Locator) -> None:
        """Only what a finger can reach: Playwright refuses what is hidden, covered or not to be pressed."""
        await place.click()
        self.taps += 1

    async def go(self, name: str) -> None:
        """To a page by the bar below, or by its menu."""
        links = self.page.locator("nav.ways").get_by_role("link", name=name, exact=True)
        if not await links.first.is_visible():
            await self.tap(self.page.locator("nav.ways summary"))
            links = self.page.locator("nav.ways details").get_by_role("link", name=name, exact=True)
        await self.tap(links.first)


async def first_page(page: Page) -> Thumb:
    await page.goto("/")
    return Thumb(page)


async def test_three_taps(browser: Browser, tmp_path: Path) -> None:  # noqa: PLR0915 - one visit after the other
    """Each begins on the first page, ends with what was wanted being so, and says how many taps it took."""
    async with (
        house(tmp_path, OPTIONS, stored=4) as server,
        looking(browser, server, size=PHONE) as page,
    ):
        await server.frame.picture("old")
        taps: dict[str, int] = {}

        thumb = await first_page(page)  # the list of what is missing leads there
        await thumb.tap(page.get_by_role("link", name="Give the frame a name"))
        await page.get_by_label("Give it a name").fill("kitchen")
        await thumb.tap(page.get_by_role("button", name="Save", exact=True))
        await expect(page.get_by_role("heading", name="kitchen")).to_be_visible()
        taps["name a frame"] = thumb.taps

        server.app[keys.SIGHTINGS].saw("10.9.8.7", "10.9.8.7")  # another one asks, and nothing is missing any more
        thumb = await first_page(page)
        await thumb.go("Frames")
        await page.get_by_label("Give it a name").fill("hall")
        await thumb.tap(page.get_by_role("button", name="Save", exact=True).last)
        await expect(page.get_by_role("heading", name="hall")).to_be_visible()
        taps["name another frame"] = thumb.taps
        written = (server.data / "options.yml").read_text()
        assert written.startswith(OPTIONS)
        assert "  kitchen:\n    address: 127.0.0.1\n  hall:\n    address: 10.9.8.7\n" in written

        thumb = await first_page(page)
        await thumb.go("Gallery")
        await thumb.tap(page.locator("#pictures a[data-id='2']"))
        await thumb.tap(page.get_by_role("button", name="Show on this frame"))
        await expect(page.locator("#picture-said")).to_have_text("It hangs there at the frame's next visit.")
        taps["hang a picture"] = thumb.taps
        assert await server.app[keys.CHOICES].of("kitchen") == 2

        thumb = await first_page(page)
        await thumb.tap(page.get_by_role("button", name="Never again"))
        await expect(page.get_by_text("It is never shown again.")).to_be_visible()
        taps["forbid a picture"] = thumb.taps
        assert server.app[keys.STORE].count() == 3

        for prompt in ("a fox in the snow", "an owl"):  # the first, and one of many
            thumb = await first_page(page)
            await thumb.go("Prompts")
            await page.get_by_label("Prompt", exact=True).first.fill(prompt)
            await thumb.tap(page.get_by_role("button", name="Add", exact=True))
            await expect(page.locator("blockquote").filter(has_text=prompt)).to_be_visible()
            taps["add a prompt"] = max(thumb.taps, taps.get("add a prompt", 0))
        assert [prompt.text for prompt in server.app[keys.PROMPTS].all()] == ["test", "a fox in the snow", "an owl"]

        thumb = await first_page(page)
        await thumb.go("Ask")
        await page.get_by_label("What shall be painted?").fill("a heron")
        await expect(page.locator("#cost")).to_have_text("2")
        await thumb.tap(page.get_by_role("button", name="Ask for it"))
        await expect(page.locator("#making-state")).to_have_text("It is done.")
        taps["ask for a picture"] = thumb.taps

        for name in ("Numbers", "Providers"):
            thumb = await first_page(page)
            await thumb.go(name)
            await expect(page.locator("main")).to_contain_text(
                re.compile(r"This month.*(2 spent|costing 2\b)", re.DOTALL)
            )
            taps[f"spending, on {name}"] = thumb.taps

        assert {what: number for what, number in taps.items() if number > 3} == {}
        assert len(taps) == 8


async def test_settings_on_a_phone(browser: Browser, tmp_path: Path) -> None:
    """An option, hours and a cap are changed, in Russian; a mistake is told where it was made, and nothing is lost."""
    async with (
        house(tmp_path, OPTIONS, stored=1) as server,
        looking(browser, server, size=PHONE, language="ru", troubled="400") as page,
    ):
        await page.goto("/settings")
        new = page.locator("#options-new-pictures")
        minutes = new.locator("[data-path='options/image_generate_threshold']")
        await minutes.fill("45")
        hours = new.locator("[data-path='options/sleep_time']")
        await hours.locator("input[type=time]").nth(0).fill("23:00")
        await hours.locator("input[type=time]").nth(1).fill("06:30")
        await hours.get_by_label("экран тёмный").check()
        await new.get_by_role("button", name="Сохранить").click()
        await expect(page.get_by_text("Сохранено.")).to_be_visible()
        options = server.app[keys.OPTIONS].options
        assert options.image_generate_threshold == 45
        (window,) = options.sleep_time
        assert (window.time_range.start_time, window.time_range.end_time) == ("23:00", "06:30")
        assert window.black_image_mode
        await expect(minutes).to_have_value("45")
        await expect(hours.locator(".window")).to_have_count(2)
        await expect(new.get_by_text("options.yml:6")).to_be_visible()
        # a cap, in a part that is opened first
        painter = page.locator("#providers-painter-painter")
        await painter.locator("summary").click()
        cap = painter.locator("[data-path='providers/painter/max_cost_per_month']")
        await cap.fill("-3")
        await painter.get_by_role("button", name="Сохранить").click()
        await expect(page.get_by_role("alert")).to_contain_text("options.yml:4: providers.painter.max_cost_per_month")
        await expect(cap).to_have_value("-3")
        await cap.fill("100.50")
        await painter.get_by_role("button", name="Сохранить").click()
        await expect(cap).to_have_value("100.5")  # the page came anew, with the same part open
        await expect(cap).to_be_visible()
        written = (server.data / "options.yml").read_text()
        assert "painter: {price: 2, max_cost_per_month: 100.5}  # dear" in written
        # nothing typed, nothing sent
        await painter.get_by_role("button", name="Сохранить").click()
        await expect(page.get_by_text("Ничего не изменено.")).to_be_visible()
        # what needs a restart says so
        log = page.locator("#options-log-and-language")
        await log.locator("summary").click()
        await log.locator("[data-path='options/log_days']").fill("7")
        await log.get_by_role("button", name="Сохранить").click()
        await expect(page.locator(".notice")).to_contain_text("log_days")


async def test_a_frame_is_changed(browser: Browser, tmp_path: Path) -> None:
    """Another name, a turn, hours of its own; and its name is taken away again."""
    options = f"{OPTIONS}frames:\n  kitchen: # by the stove\n    address: 127.0.0.1\n"
    async with house(tmp_path, options, stored=2) as server, looking(browser, server) as page:
        await server.frame.picture("old")
        await page.goto("/house")
        await page.get_by_text("Change", exact=True).click()
        form = page.locator("form[data-changes]")
        await form.locator("[data-path=name]").fill("bedroom")
        await form.locator("[data-path=rotate]").select_option("90")
        await form.locator("[data-path=image_width]").fill("480")
        await form.locator("[data-path=sleep_time] input[type=time]").nth(0).fill("20:30")
        await form.locator("[data-path=sleep_time] input[type=time]").nth(1).fill("07:00")
        await form.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("heading", name="bedroom")).to_be_visible()
        frame = server.app[keys.FRAMES].named("bedroom")
        assert frame is not None
        assert (frame.target.rotate, frame.target.width) == (90, 480)
        assert frame.sleep_time[0].time_range.start_time == "20:30"
        assert "  bedroom: # by the stove\n" in (server.data / "options.yml").read_text()
        seen = server.app[keys.SIGHTINGS].of("bedroom")
        assert seen is not None
        assert seen.fetched == 1
        await page.get_by_text("Change", exact=True).click()
        await page.get_by_role("button", name="Take the name away").click()
        await page.get_by_role("button", name="Take it away").click()
        await expect(page.get_by_role("heading", name="127.0.0.1")).to_be_visible()
        assert server.app[keys.FRAMES].all_named() == []
