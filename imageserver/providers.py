"""What the author of a provider sees: the classes to derive from, and what goes in and comes out.

Everything here is re-exported by `imageserver`; a plugin imports it from there.
"""

from __future__ import annotations

import logging
import random
import stat
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import aiohttp
from attrs import define, field, frozen

from imageserver.answers import Answers
from imageserver.calls import Caller, Mask
from imageserver.calls.caller import MOST_BYTES
from imageserver.clock import Clock
from imageserver.config.schema import secrets_in
from imageserver.errors import Unreachable


@frozen(kw_only=True)
class GenerationRequest:
    """One picture that a frame wants."""

    job: str  # the journal's id of the job, for the provider's own log lines
    prompt: str  # never empty
    negative: str | None  # what must not be in the picture
    width: int  # pixels of the frame's panel
    height: int
    seed: int  # 0 … 2**31-1, drawn by the server; the same seed and prompt may paint the same picture


@frozen(kw_only=True)
class GeneratedImage:
    """What came of it. The bytes are kept untouched as the original: JPEG, PNG or WEBP."""

    data: bytes = field(repr=False)
    model: str = ""
    seed: int | None = None
    details: Mapping[str, str] = field(factory=dict)  # shown with the picture: artist, licence, style …


@define(kw_only=True)
class ProviderContext:
    """What the server hands to a provider when it builds it."""

    settings: Any  # an instance of the provider's `settings_class`, already validated
    clock: Clock
    random: random.Random
    log: logging.Logger  # named after the provider
    data_folder: Path  # a folder of the provider's own; make it when you need it
    answers: Answers = field(factory=lambda: Answers(Path("answers")), repr=False)
    http: Caller = field(init=False, repr=False)  # `call` and `download` raise ProviderErrors only
    _warned: set[Path] = field(factory=set, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.http = Caller(clock=self.clock, answers=self.answers, mask=Mask(secrets_in(self.settings)))

    @property
    def mask(self) -> Mask:
        """Takes the provider's secrets out of a text: `context.mask(text)`. `mask.add(secret)` makes one known."""
        return self.http.mask

    def secret(self, name: str) -> str | None:
        """A secret setting: the field `name`, or what stands in the file that the field `name_file` points to.

        None where the owner gave neither. Raises Unreachable, with a sentence for the owner, for a file that cannot be
        used. Read anew each time, so that a corrected file counts at once.
        """
        file = getattr(self.settings, f"{name}_file", None)
        if file is None:
            return getattr(self.settings, name, None) or None
        try:
            text = file.read_text("utf-8").strip()
            if stat.S_IMODE(file.stat().st_mode) & 0o077 and file not in self._warned:
                self._warned.add(file)
                self.log.warning("%s holds a secret and others can read it: chmod 600 %s", file, file)
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            raise Unreachable(f"{name}_file: {file} cannot be read: {why}") from None
        if not text or not text.isprintable():
            raise Unreachable(f"{name}_file: {file} must hold the {name} and nothing else, on one line")
        self.mask.add(text)
        return str(text)

    @property
    def session(self) -> aiohttp.ClientSession:
        """An HTTP session on the provider's own loop. Pass `allow_redirects=False`: no answer may choose a host."""
        return self.http.session

    async def receive(self, job: str, response: aiohttp.ClientResponse, limit: int = MOST_BYTES) -> bytes:
        """The body of a paid answer, at most `limit` bytes, kept on disk as it arrives: a crash loses none of it.

        `job` is the request's. After a restart the same bytes come to `recover`. Raises BadResult above the limit.
        """
        return await self.http.receive(job, response, limit)

    async def close(self) -> None:
        """Called by the server when the provider ends."""
        await self.http.close()


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
