"""Writes the small pictures of the README: what an owner sees on a phone, in English and Russian.

PYTHONPATH=tests python -m browser.docs_pictures [FOLDER]

A whole server runs through two weeks by a clock that is moved by hand: two frames come several times a day, prompts are
drawn, a YandexART that is fake but paints with the atelier's brushes is paid. Dates, seeds and pictures are the same
each time.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from types import SimpleNamespace
from typing import Final
from unittest.mock import patch

import aiohttp
from aiohttp import web
from attrs import define, frozen
from default_plugins.yandexart_room import write_keys
from fakes.yandex import FakeYandex
from live import OWNER, Live, live
from playwright.async_api import Browser, Page, async_playwright, expect

from browser.conftest import browser_program
from browser.looking import looking, widths
from imageserver.default_plugins.atelier.painting import paint
from imageserver.testing.wire import Answer
from imageserver.web import keys

_FOLDER: Final = Path(__file__).resolve().parents[2] / "docs" / "pictures"
_SIZE: Final = (360, 720)  # of a phone, as its pages see it
_QUALITY: Final = 80
_DAYS: Final = 14
_HOURS: Final = (7, 12, 17, 20)  # at which a frame comes
_BEGINNING: Final = datetime(2026, 12, 1, tzinfo=UTC).timestamp()


@frozen(kw_only=True)
class House:
    """What is said in one language."""

    language: str
    suffix: str  # of the files' names
    frames: tuple[str, str]
    prompts: tuple[str, ...]
    wish: str


HOUSES: Final = (
    House(
        language="en",
        suffix="",
        frames=("kitchen", "hall"),
        prompts=(
            "a lighthouse above the sea at dusk, oil painting",
            "a pine forest in the morning fog",
            "mountains under a starry sky, woodblock print",
            "a meadow with poppies, watercolour",
            "a stained glass window, autumn leaves",
            "the first snow in the wood",
            "wheat fields in the wind, impressionism",
            "sailing boats off the coast, morning light",
        ),
        wish="a bay with sailing boats, sunset",
    ),
    House(
        language="ru",
        suffix="-ru",
        frames=("кухня", "прихожая"),
        prompts=(
            "маяк над морем в сумерках, масло",
            "сосновый лес в утреннем тумане",
            "горы под звёздным небом, гравюра",
            "луг с маками, акварель",
            "витраж, осенние листья",
            "первый снег в лесу",
            "пшеничное поле на ветру, импрессионизм",
            "парусники у берега, утренний свет",
        ),
        wish="залив с парусниками, закат",
    ),
)


@define
class Calendar:
    """A clock that goes only where it is put."""

    moment: float = _BEGINNING
    zone: tzinfo = UTC

    def now(self) -> float:
        """Seconds since 1970."""
        return self.moment

    def monotonic(self) -> float:
        """The same: nobody sets this clock."""
        return self.moment

    async def sleep(self, seconds: float) -> None:
        """What repeats itself does so in real time, so that nothing stands still."""
        await asyncio.sleep(seconds)


class PaintingYandex(FakeYandex):
    """A fake YandexART that paints what it was asked for, and can be made to wait before it answers."""

    def __init__(self) -> None:
        super().__init__()
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.was_asked = asyncio.Event()

    def paint(self, mode: str, size: tuple[int, int] = (0, 0)) -> bytes:
        """In the size of the frame's panel, twice."""
        self._painted += 1
        return paint(self.wishes[-1].prompt or "", self._painted, 640, 960).data

    async def deliver(self, request: web.Request, mode: str, answer: Answer) -> web.StreamResponse:
        """When it may."""
        self.was_asked.set()
        await self.may_answer.wait()
        return await super().deliver(request, mode, answer)


def _options(house: House, fake: FakeYandex) -> str:
    kitchen, hall = house.frames
    return f"""
image_generate_threshold: 30
image_amount_max: 200
image_amount_min: 100
providers:
  yandexart: {{base_url: "{fake.url}", max_cost_per_month: 300}}
frames:
  {kitchen}: {{address: 127.0.0.2}}
  {hall}: {{address: 127.0.0.3}}
"""


async def _visit(server: Live, address: str) -> None:
    """A frame comes, waits, and reads its picture to the end."""
    connector = aiohttp.TCPConnector(local_addr=(address, 0))
    async with aiohttp.ClientSession(f"http://127.0.0.1:{server.port}", connector=connector) as frame:
        async with frame.post("/operation/start", json={"type": "auto"}) as answer:
            operation = (await answer.json())["id"]
        while True:
            async with frame.get(f"/operation/result/{operation}") as answer:
                if (await answer.json())["status"] != "pending":
                    return
            await server.ended(operation)


async def _two_weeks(server: Live, calendar: Calendar) -> None:
    for day in range(_DAYS):
        for turn, hour in enumerate(_HOURS[: 2 + day % 3]):
            for place, address in enumerate(("127.0.0.2", "127.0.0.3")):
                # the hall's frame comes ten minutes later, and gets a stored picture
                calendar.moment = _BEGINNING + 86_400 * day + 3_600 * hour + 600 * place + 137 * turn
                await _visit(server, address)
    calendar.moment += 1_260


# Pictures below the screen may never come.
_IN_SIGHT = """for (const one of document.querySelectorAll("main img[src]")) {
  one.classList.toggle("in-sight", one.getBoundingClientRect().top < innerHeight);
}"""


async def _shoot(page: Page, folder: Path, name: str) -> None:
    await page.wait_for_load_state("networkidle")
    await page.evaluate(_IN_SIGHT)
    assert all(await widths(page, "img.in-sight"))
    await page.screenshot(path=folder / f"{name}.jpg", type="jpeg", quality=_QUALITY, animations="disabled")


async def _pictures(browser: Browser, house: House, folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="docs-pictures-") as name:
        data, calendar = Path(name) / "data", Calendar()
        data.mkdir()
        write_keys(data)
        fake = PaintingYandex()
        async with fake.running(), live(Path(name), options=_options(house, fake), clock=calendar) as server:  # type: ignore[arg-type]
            for prompt in house.prompts:
                async with server.http.post("/api/v1/prompts", json={"prompt": prompt}) as answer:
                    assert answer.status == 201, await answer.text()
            async with server.http.post("/api/v1/password", json={"password": "on the sofa"}, headers=OWNER) as answer:
                assert answer.status == 200
            await _two_weeks(server, calendar)
            await server.app[keys.JOURNAL].notes.get("")  # what was noted is written
            async with looking(browser, server, size=_SIZE, language=house.language) as page:
                fake.was_asked.clear()
                fake.may_answer.clear()
                await page.goto("/ask")
                await page.locator("#prompt").fill(house.wish)
                await page.locator("#frame").select_option(house.frames[0])
                await page.locator("#wish button").click()
                await fake.was_asked.wait()
                calendar.moment += 4
                fake.may_answer.set()
                await expect(page.locator("#making-after")).to_be_visible()
                await page.locator("#making-picture img").scroll_into_view_if_needed()
                await page.evaluate("scrollTo(0, 0)")
                await _shoot(page, folder, f"page-ask{house.suffix}")
                calendar.moment += 600
                await _visit(server, "127.0.0.2")  # it hangs in the kitchen now
                for way, picture in (("", "now"), ("gallery", "gallery"), ("numbers", "numbers")):
                    await page.goto(f"/{way}")
                    await _shoot(page, folder, f"page-{picture}{house.suffix}")


async def _main(folder: Path) -> None:
    program = browser_program()
    if program is None:
        raise SystemExit("no chromium is here: apt install chromium-headless-shell")
    disk = SimpleNamespace(total=32_000_000_000, used=4_600_000_000, free=27_400_000_000)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        with patch("shutil.disk_usage", lambda _: disk):  # the machine's own would be on the page
            for house in HOUSES:
                await _pictures(browser, house, folder)
        await browser.close()


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1]) if len(sys.argv) > 1 else _FOLDER))
