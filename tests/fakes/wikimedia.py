"""A fake of Wikimedia: the feed with the picture of the day, and the host that the pictures lie on."""

from __future__ import annotations

import json
import re
from typing import Any

from aiohttp import web

from imageserver.testing import Answer, FakeService, Wish

FEED = "/api/rest_v1/feed/featured/"
FILES = "/wikipedia/commons/"
WIDTHS = {640, 960, 1280, 1920, 3840}
TODAY = "2027/01/15"  # when a FakeClock begins

# The file of the day: mode → its name, its size, what its thumbnails are called.
_FILES: dict[str, tuple[str, tuple[int, int], str]] = {
    "drawing": ("Drawing.svg", (512, 768), "640px-Drawing.svg.png"),
    "scan": ("Scan.tif", (9000, 12000), "lossy-page1-640px-Scan.tif.jpg"),
    "moving": ("Moving.gif", (800, 1200), "640px-Moving.gif"),
    "small": ("Small.jpg", (900, 1350), "640px-Small.jpg"),
    "long": ("Long.jpg", (1000, 50000), "640px-Long.jpg"),
    "middling": ("Middling.jpg", (1100, 1650), "640px-Middling.jpg"),
}
_OTHERS = (
    "agent_refused",  # as a program that does not say who it is
    "width_refused",  # the standard widths are others by now
    "pictures_busy",  # 429 from the host of the pictures alone
    "page_for_picture",
    "no_picture_ever",
)
_USUAL = ("Heron_at_200px-dawn.jpg", (6000, 9000), "640px-Heron_at_200px-dawn.jpg")


class FakeWikimedia(FakeService):
    """The service. `without` holds the dates whose page has no picture, `unknown` those that have no page."""

    own_modes = dict.fromkeys((*_FILES, *_OTHERS), "")

    def __init__(self) -> None:
        super().__init__()
        self.without: set[str] = set()
        self.unknown: set[str] = set()
        self.agents: list[str] = []

    async def answer(self, request: web.Request, mode: str) -> web.StreamResponse:
        agent = request.headers.get("User-Agent", "")
        self.agents.append(agent)
        if mode == "agent_refused" or not re.fullmatch(r"\w+/[\d.]+ \(.+\)", agent):
            return web.Response(status=403, text="Please set a user-agent and respect our robot policy.")
        turned_away = self.refused(mode)
        if turned_away is not None:
            return turned_away
        if request.path.startswith(FEED):
            return await self._feed(request, mode, request.path.removeprefix(FEED))
        if request.path.startswith(FILES):
            return await self._picture(request, mode)
        return web.json_response({"title": "Not found."}, status=404)

    async def _feed(self, request: web.Request, mode: str, date: str) -> web.StreamResponse:
        if not re.fullmatch(r"\d{4}/\d\d/\d\d", date):
            return web.json_response({"title": "Invalid parameters"}, status=400)
        if date in self.unknown:
            return web.json_response({"title": "Not found."}, status=404)
        page: dict[str, Any] = {"tfa": {"title": "Heron"}, "mostread": {"articles": []}}
        if date not in self.without and mode != "no_picture_ever":
            page["image"] = self._image(mode, date)
        return await self.deliver(request, mode, Answer(body=json.dumps(page).encode()))

    def _image(self, mode: str, date: str) -> dict[str, Any]:
        name, (width, height), thumbnail = _FILES.get(mode, _USUAL)
        # the picture of an earlier day lies elsewhere
        files = f"{self.url}{FILES}"
        day = date.replace("/", "")
        return {
            "title": f"File:{name}",
            "thumbnail": {"source": f"{files}thumb/{day}/{name}/{thumbnail}", "width": 640, "height": 960},
            "image": {"source": f"{files}{day}/{name}", "width": width, "height": height},
            "file_page": f"https://commons.wikimedia.org/wiki/File:{name}",
            "artist": {"html": '<a href="//commons">Ann &amp; <b>Bob</b></a>', "text": "Ann & Bob"},
            "credit": {"html": '<style>.own{color:red}</style><span class="own">Own work</span>, a <i>gift</i>'},
            "license": {"type": "CC BY-SA 4.0", "code": "cc-by-sa-4.0", "url": "https://creativecommons.org/by-sa/4.0"},
            "description": {"html": "<p>A heron</p>", "text": "A heron\nin the reeds", "lang": "en"},
        }

    async def _picture(self, request: web.Request, mode: str) -> web.StreamResponse:
        if mode == "pictures_busy":
            return web.Response(status=429, headers={"Retry-After": "60"})
        if mode == "page_for_picture":
            return web.Response(text="<html>log in</html>", content_type="text/html")
        width = re.search(r"(?:/|-)(\d+)px-", request.path)
        if width is not None and (int(width[1]) not in WIDTHS or (mode == "width_refused" and int(width[1]) != 640)):
            return web.Response(status=400, text="Use thumbnail sizes listed on https://w.wiki/GHai")
        self.wishes.append(Wish())
        self.ledger.note("charge", path=request.path)
        return await self.deliver(request, mode, Answer(body=self.paint(mode), content_type="image/jpeg"))
