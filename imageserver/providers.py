"""What the author of a provider sees: the classes to derive from, and what goes in and comes out.

Everything here is re-exported by `imageserver`; a plugin imports it from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from math import log
from pathlib import Path
from typing import Any, ClassVar

import aiohttp
from attrs import define, field, frozen

from imageserver.calls.caller import MOST_BYTES
from imageserver.plugin_context import PluginContext


@frozen(kw_only=True)
class GenerationRequest:
    """One picture that a frame wants."""

    job: str  # the journal's id of the job, for the provider's own log lines
    prompt: str  # never empty
    negative: str | None  # what must not be in the picture
    width: int  # pixels of the frame's panel
    height: int
    seed: int  # 0 … 2**31-1, drawn by the server; the same seed and prompt may paint the same picture

    def nearest(self, sizes: Iterable[tuple[int, int]]) -> tuple[int, int]:
        """That of these widths and heights which comes nearest to the panel's shape; the first of equals."""
        wanted = log(self.width / self.height)
        return min(sizes, key=lambda size: abs(log(size[0] / size[1]) - wanted))

    def scaled(self, longer: int, *, step: int, least: int) -> tuple[int, int]:
        """The panel's shape with this longer side, as near as multiples of `step` come to it, each `least` or more."""
        scale = longer / max(self.width, self.height)
        width, height = (max(least, round(side * scale / step) * step) for side in (self.width, self.height))
        return width, height


@frozen(kw_only=True)
class GeneratedImage:
    """What came of it. The bytes are kept untouched as the original: JPEG, PNG or WEBP."""

    data: bytes = field(repr=False)
    model: str = ""
    seed: int | None = None
    details: Mapping[str, str] = field(factory=dict)  # shown with the picture: artist, licence, style …


@define(kw_only=True)
class ProviderContext(PluginContext):
    """What the server hands to a provider when it builds it."""

    @property
    def session(self) -> aiohttp.ClientSession:
        """An HTTP session on the provider's own loop. Pass `allow_redirects=False`: no answer may choose a host."""
        return self.http.session

    async def receive(self, job: str, response: aiohttp.ClientResponse, limit: int = MOST_BYTES) -> bytes:
        """The body of a paid answer, at most `limit` bytes, kept on disk as it arrives: a crash loses none of it.

        `job` is the request's. After a restart the same bytes come to `recover`. Raises BadResult above the limit.
        """
        return await self.http.receive(job, response, limit)


class ImageProvider:
    """A provider that answers a request with a picture.

    The class attributes say what it can do; the server reads them before it asks. Every coroutine runs on an event
    loop of this provider's own, in a thread of its own: one that blocks costs only itself.
    """

    code: ClassVar[str]  # the name in options, requests and logs: lower case letters, digits, "_" and "-"
    other_codes: ClassVar[tuple[str, ...]] = ()  # older names, in options and requests
    title: ClassVar[str] = ""  # for people; the code when empty
    version: ClassVar[str] = ""
    settings_class: ClassVar[type[Any] | None] = None  # attrs; its fields are the keys under providers: {code: …}
    takes_prompt: ClassVar[bool] = True
    takes_negative: ClassVar[bool] = False
    default_price: ClassVar[Decimal | None] = None  # what a picture costs where the owner says nothing
    paid: ClassVar[bool] = False  # True: a call costs money, and one whose outcome is lost is never repeated
    idempotent: ClassVar[bool] = False  # True: asking twice for one job costs no more than asking once
    slots: ClassVar[int] = 1  # calls at the same time
    deadline: ClassVar[float] = 120.0  # seconds for one call

    def __init__(self, context: ProviderContext) -> None:
        self.context = context

    async def readiness(self) -> str | None:
        """None when a picture can be asked for; otherwise one sentence that tells the owner what is missing.

        Asked at the start, every minute and after a failure. Must be free of charge.
        """
        return None

    async def generate(self, request: GenerationRequest) -> GeneratedImage:
        """Give the picture, or raise a ProviderError whose class says what went wrong."""
        raise NotImplementedError(f"{type(self).__name__} must define generate()")

    async def recover(self, request: GenerationRequest, answer: bytes) -> GeneratedImage | None:  # noqa: ARG002 - for those who derive
        """The picture in an answer that `context.receive` had kept when the server was cut off.

        None, or any ProviderError, when there is no whole picture in it. Must not call the service.
        """
        return None

    async def check(self) -> str | None:
        """A thorough check that is free, for `imageserver check --providers`: None, or the step that is missing."""
        return await self.readiness()

    async def close(self) -> None:
        """Release what the provider holds. The context's session is closed by the server."""


class PollingImageProvider(ImageProvider):
    """A provider whose service first gives a ticket and later the picture. The ticket survives a restart.

    `generate` is never called: one whose service sometimes answers with the picture itself returns it from `submit`.
    """

    patience: ClassVar[float] = 3600.0  # seconds from the wish to the picture; then the ticket is given up

    async def submit(self, request: GenerationRequest) -> str | GeneratedImage:
        """Hand the request in and return the service's ticket for it, or the picture if it came at once."""
        raise NotImplementedError(f"{type(self).__name__} must define submit()")

    async def poll(self, ticket: str) -> GeneratedImage | None:
        """The picture, or None while the service is still at it."""
        raise NotImplementedError(f"{type(self).__name__} must define poll()")


class LibraryProvider(ImageProvider):
    """A provider whose pictures lie in folders. They are shown as stored pictures, never copied, changed or deleted."""

    takes_prompt = False
    idempotent = True

    def folders(self) -> list[Path]:
        """The folders to scan, with their subfolders. Called in a thread, again at every scan."""
        raise NotImplementedError(f"{type(self).__name__} must define folders()")
