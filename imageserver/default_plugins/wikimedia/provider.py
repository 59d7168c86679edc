"""The provider: the same picture all day long, fetched once, with the names of those to thank."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from imageserver import (
    BadResult,
    GeneratedImage,
    GenerationRequest,
    ImageProvider,
    PermissionDenied,
    ProviderContext,
    ProviderError,
    RateLimited,
    Reply,
    __version__,
)
from imageserver.default_plugins.wikimedia.feed import Featured, read_featured
from imageserver.default_plugins.wikimedia.kept import Day, is_whole
from imageserver.default_plugins.wikimedia.settings import WikimediaSettings

_LONGEST_FEED = 8 * 1024 * 1024  # it holds the day's articles too


class Wikimedia(ImageProvider):
    """The picture of the day of Wikimedia Commons, by the feed of a Wikipedia.

    A day is one of UTC, not of the owner's zone: the feed changes at midnight there, and for the first hours of a day
    in the east it would have no picture yet.
    """

    code = "wikimedia"
    title = "Wikimedia's picture of the day"
    version = __version__
    settings_class = WikimediaSettings
    takes_prompt = False
    paid = False
    idempotent = True

    def __init__(self, context: ProviderContext) -> None:
        super().__init__(context)
        self.settings: WikimediaSettings = context.settings

    async def check(self) -> str | None:
        """Asks the feed, unless today's answer is there already, and fetches no picture."""
        try:
            await self._featured(self._today())
        except ProviderError as error:
            return str(error)
        return None

    async def generate(self, request: GenerationRequest) -> GeneratedImage:  # noqa: ARG002 - every frame gets the same
        day = self._today()
        featured = await self._featured(day)
        picture = await asyncio.to_thread(day.picture)
        if picture is None:
            picture = await self._fetched(featured)
            if is_whole(picture):
                await self._keep(partial(day.keep_picture, picture))
        return GeneratedImage(data=picture, details=featured.details)

    def _today(self) -> Day:
        return Day(
            folder=self.context.data_folder,
            date=self._date(0),
            address=self.settings.address,
            width=self.settings.width,
        )

    def _date(self, days_ago: int) -> str:
        date = datetime.fromtimestamp(self.context.clock.now(), UTC) - timedelta(days=days_ago)
        return f"{date:%Y/%m/%d}"

    async def _featured(self, day: Day) -> Featured:
        """The picture of the day, or of the last day that had one. One answer is enough for the whole day."""
        kept = await asyncio.to_thread(day.featured)
        if kept is not None:
            return kept
        for days_ago in range(self.settings.days_back + 1):
            found = await self._ask(self._date(days_ago))
            if found is not None:
                await self._keep(partial(day.keep_featured, found))
                return found
        raise BadResult(
            f"the feed has no picture that can be shown for the last {self.settings.days_back + 1} days: check "
            "language and base_url, or write a larger days_back"
        )

    async def _ask(self, date: str) -> Featured | None:
        reply = await self.context.http.call(
            "GET",
            f"{self.settings.address}/feed/featured/{date}",
            headers=self._headers(),
            timeout=self.settings.timeout,
            limit=_LONGEST_FEED,
        )
        if reply.status in (404, 204):  # nobody made a page for that day
            return None
        if not reply.ok:
            raise _refusal(reply)
        return read_featured(reply.json_object(), self.settings.width)

    async def _fetched(self, featured: Featured) -> bytes:
        for address in featured.addresses:
            reply = await self.context.http.download(
                address, own=[self.settings.address], headers=self._headers(), timeout=self.settings.timeout
            )
            if reply.status not in (400, 404):  # what a width gets that Wikimedia does not make
                return _picture(reply)
        raise BadResult("Wikimedia has the picture of the day in no size that was asked for")

    def _headers(self) -> dict[str, str]:
        return {"User-Agent": f"ImageServer/{__version__} ({self.settings.contact})"}

    async def _keep(self, write: Callable[[], None]) -> None:
        try:
            await asyncio.to_thread(write)
        except OSError as error:  # the picture can be shown all the same
            self.context.log.warning("the picture of the day cannot be kept, it will be fetched again: %s", error)


def _picture(reply: Reply) -> bytes:
    if not reply.ok:
        raise _refusal(reply)
    if not reply.body or reply.media_type in ("text/html", "application/json"):
        raise BadResult(f"{reply.host} sent no picture")
    return reply.body


def _refusal(reply: Reply) -> ProviderError:
    if reply.status == 403:
        sentence = "{host} refuses this program: write an address under which you can be reached into contact"
        return reply.error(PermissionDenied, sentence)
    if reply.status == 429:
        return reply.error(RateLimited, "{host} was asked too often from this internet address: wait")
    return reply.error()
