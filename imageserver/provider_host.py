"""One provider with its own thread, slots and deadline. What it does wrong is charged to it alone."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, TypeVar

import aiohttp
from attrs import evolve, frozen

from imageserver.breaker import Breaker
from imageserver.clock import local_time
from imageserver.config.model import Terms
from imageserver.errors import BadResult, DeadlineExceeded, ProviderError, TransientError, Unreachable
from imageserver.money import Caps
from imageserver.plugin_loop import NoAnswer, PluginLoop
from imageserver.plugin_sources import own_line
from imageserver.providers import (
    GeneratedImage,
    GenerationRequest,
    ImageProvider,
    LibraryProvider,
    PollingImageProvider,
    ProviderContext,
)
from imageserver.sleeping import asleep
from imageserver.troubles import Trouble

T = TypeVar("T")
Role = Literal["chosen", "last_resort"]
_BUILD_SECONDS = 15.0
_READINESS_SECONDS = 15.0
_PULSE_SECONDS = 3.0  # a loop that does not turn within this after a deadline is blocked by its own code
_CHECK_SECONDS = 60.0
_STOP_SECONDS = 2.0
_REMEDY = ". Correct it and say `imageserver plugins reload`"
_HUNG = f"its code does not come back; the server goes on without it{_REMEDY}"

_log = logging.getLogger(__name__)


class Health(StrEnum):
    """What a provider can do at the moment."""

    STARTING = "starting"
    READY = "ready"
    NOT_READY = "not ready"  # it says itself what is missing
    PAUSED = "paused"  # it failed; see breaker.py
    HUNG = "hung"  # its code does not come back
    BROKEN = "broken"  # it could not be built


@frozen(kw_only=True)
class ProviderState:
    """A provider as the policy and the page see it."""

    code: str
    title: str
    role: Role
    health: Health
    reason: str  # one sentence for the owner, a Trouble where a host says it; empty when ready
    takes_prompt: bool
    paid: bool
    is_library: bool
    weight: float = 1.0
    threshold: float = 0.0  # seconds since it was last asked before `auto` asks it again
    asked_at: float | None = None

    @property
    def ready(self) -> bool:
        return self.health is Health.READY


class ProviderHost:
    """Builds a provider and calls it, never on the server's loop, never for longer than its deadline."""

    def __init__(
        self, provider_class: type[ImageProvider], context: ProviderContext, role: Role, terms: Terms | None = None
    ) -> None:
        self.provider_class = provider_class
        self._terms = terms or Terms()
        self.caps = Caps.from_terms(self._terms, provider_class.default_price, is_paid=provider_class.paid)
        self.deadline = self._terms.deadline or provider_class.deadline
        self.pulse = _PULSE_SECONDS  # longer where many tests share a machine
        self.breaker = Breaker(context.clock)
        self.asked_at: float | None = None  # seconds since 1970, by the money clock
        self.code = provider_class.code
        self._context = context
        self.role = role  # may change while it serves
        self._loop = PluginLoop(f"provider {self.code}")
        self.slots = max(1, provider_class.slots)
        self._free_slots = self.slots
        self._calls = 0  # under way
        self._let_go = asyncio.Event()  # a slot was given back, or a call has ended
        self._is_closed = False
        self._successor: ProviderHost | None = None
        self._turned_away: dict[str, None] = {}  # in the order in which they came
        self._provider: ImageProvider | None = None
        self._health = Health.STARTING
        self._reason = "it is being started"

    @property
    def state(self) -> ProviderState:
        """How it is at the moment."""
        kind = self.provider_class
        paused = (self._asleep() or self.breaker.paused()) if self._health is Health.READY else None
        return ProviderState(
            code=self.code,
            title=kind.title or self.code,
            role=self.role,
            health=Health.PAUSED if paused else self._health,
            reason=paused or (self._reason and Trouble(self._reason, self._health.replace(" ", "_"))),
            takes_prompt=kind.takes_prompt,
            paid=kind.paid,
            is_library=issubclass(kind, LibraryProvider),
            weight=self._terms.weight,
            threshold=self._terms.image_generate_threshold * 60,
            asked_at=self.asked_at,
        )

    def _asleep(self) -> Trouble | None:
        window = asleep(self._terms.sleep_time, local_time(self._context.clock))
        if window is None:
            return None
        return Trouble(f"it sleeps until {window.time_range.end_time}, as sleep_time says", "asleep")

    @property
    def is_starting(self) -> bool:
        """Whether it is still being built."""
        return self._provider is None and self._health is Health.STARTING

    @property
    def wording(self) -> tuple[str | None, str]:
        """The language and the suffix that the owner wants for this provider's prompts."""
        return self._terms.prompt_language, self._terms.prompt_suffix

    @property
    def is_counted(self) -> bool:
        """Whether its pictures are written into the ledger: it costs money, or its owner set a limit."""
        return self.provider_class.paid or self.caps != Caps()

    async def open(self) -> None:
        """Build the provider and ask whether it is ready. Never raises: the state says what went wrong."""

        async def build() -> ImageProvider:
            return self.provider_class(self._context)

        try:
            self._provider = await self._loop.call(build, _BUILD_SECONDS)
        except Exception as error:  # a stranger's constructor may raise anything
            self._become(Health.BROKEN, f"it could not be built: {self._told(error)}{_REMEDY}")
            return
        await self.check_readiness()

    async def check_readiness(self) -> None:
        """Ask the provider whether a picture can be asked for."""
        provider = self._provider
        if provider is None or self._is_closed:
            return
        try:
            missing = await self._loop.call(provider.readiness, _READINESS_SECONDS)
        except NoAnswer:
            self._become(Health.HUNG, _HUNG)
        except Exception as error:
            self._become(Health.NOT_READY, f"it could not say whether it is ready: {self._told(error)}")
        else:
            if missing is None:
                self._become(Health.READY, "")
            else:
                self._become(Health.NOT_READY, str(missing))

    async def check(self) -> str | None:
        """The provider's own thorough and free check: None, or the step that is missing. Never raises."""
        provider = self._provider
        if provider is None:
            return self._reason
        try:
            missing = await self._loop.call(provider.check, _CHECK_SECONDS)
        except Exception as error:  # a stranger's check may raise anything
            return self._told(error)
        return None if missing is None else str(missing)

    def take_slot(self, job_id: str) -> bool:
        """Take one of the provider's slots for a job. Without a free one the job is remembered for `free_slot`."""
        if self._free_slots == 0:
            self._turned_away[job_id] = None
            return False
        self._turned_away.pop(job_id, None)
        self._free_slots -= 1
        return True

    def free_slot(self) -> list[str]:
        """Give a slot back; returns the jobs that were turned away, first come first. Those too late will be again."""
        self._free_slots += 1
        self._let_go.set()
        waiting = list(self._turned_away)
        self._turned_away.clear()
        return waiting

    async def generate(self, request: GenerationRequest) -> GeneratedImage:
        """A picture, in one call. Raises a ProviderError and nothing else."""
        if (today := self._today) is not self:
            return await today.generate(request)
        provider = self._built()
        image = await self._call(lambda: provider.generate(request))
        return _checked(image, self.code)

    async def submit(self, request: GenerationRequest) -> str | GeneratedImage:
        """A ticket for a picture, or the picture itself. Raises a ProviderError and nothing else."""
        if (today := self._today) is not self:
            return await today.submit(request)
        provider = self._built()
        assert isinstance(provider, PollingImageProvider)
        ticket: object = await self._call(lambda: provider.submit(request))
        if isinstance(ticket, GeneratedImage):
            return _checked(ticket, self.code)
        if not isinstance(ticket, str) or not ticket:  # what the annotation promises, a stranger may not keep
            raise BadResult(f"{self.code} gave no ticket")
        return ticket

    async def poll(self, ticket: str) -> GeneratedImage | None:
        """The picture for a ticket, or None while it is being made. Raises a ProviderError and nothing else."""
        if (today := self._today) is not self:
            return await today.poll(ticket)
        provider = self._built()
        assert isinstance(provider, PollingImageProvider)
        image = await self._call(lambda: provider.poll(ticket))
        return None if image is None else _checked(image, self.code)

    async def recover(self, request: GenerationRequest, answer: bytes) -> GeneratedImage | None:
        """The picture in an answer that was kept before a crash, or None. Raises a ProviderError and nothing else."""
        if self._is_closed and self._successor is not None:  # replaced while the answer was being read from the disk
            return await self._successor.recover(request, answer)
        provider = self._built()
        image = await self._call(lambda: provider.recover(request, answer))
        return None if image is None else _checked(image, self.code)

    @property
    def gives_tickets(self) -> bool:
        """Whether `submit` and `poll` are to be used rather than `generate`."""
        return issubclass(self.provider_class, PollingImageProvider)

    def folders(self) -> list[Path]:
        """A library's folders. Called in a thread."""
        if not isinstance(self._provider, LibraryProvider):
            return []
        return [Path(folder) for folder in self._provider.folders()]

    async def retire(self, successor: ProviderHost | None) -> None:
        """Let what is under way come to its end, for at most one deadline, then close. Nobody new may be sent here."""
        self._successor = successor
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.deadline + _PULSE_SECONDS):
                    while self._calls or self._free_slots < self.slots:
                        self._let_go.clear()
                        await self._let_go.wait()
        finally:
            await self.close()

    async def close(self) -> None:
        """End the provider and its thread; one that hangs is left behind."""
        self._is_closed = True
        provider = self._provider
        if provider is not None and self._health is not Health.HUNG:

            async def end() -> None:
                try:
                    await provider.close()
                finally:
                    await self._context.close()

            try:
                await self._loop.call(end, _STOP_SECONDS)
            except Exception as error:
                _log.warning("provider %s did not close: %s", self.code, self._told(error))
        if not await self._loop.stop(_STOP_SECONDS):
            _log.warning("provider %s does not end and is left behind", self.code)

    @property
    def _today(self) -> ProviderHost:
        """Who is to answer a call that begins now: this host, or the one that has taken its place meanwhile.

        A call that this one began late in its retirement would be cut off by its end, and may have been paid.
        """
        later = self._successor
        if later is None or later.is_starting or later.gives_tickets != self.gives_tickets:
            return self
        return later._today

    def _built(self) -> ImageProvider:
        if self._provider is None or self._health is Health.HUNG:
            raise Unreachable(f"{self.code}: {self._reason}")
        if self._is_closed:
            raise Unreachable(f"{self.code} was ended or replaced meanwhile")
        return self._provider

    async def _call(self, call: Callable[[], Coroutine[Any, Any, T]]) -> T:
        deadline = self.deadline
        self._calls += 1
        try:
            return await self._loop.call(call, deadline)
        except ProviderError:
            raise
        except NoAnswer:
            if not await self._loop.responds(self.pulse):
                self._become(Health.HUNG, _HUNG)
            raise DeadlineExceeded(f"{self.code} gave no answer within {deadline:.0f} s") from None
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise Unreachable(f"{self.code}: {self._told(error)}") from error
        except Exception as error:
            # a traceback may show what the mask would hide
            trace = error if _log.isEnabledFor(logging.DEBUG) else None
            _log.warning("provider %s raised %s", self.code, self._told(error), exc_info=trace)
            raise TransientError(f"{self.code} failed: {self._told(error)}") from error
        finally:
            self._calls -= 1
            self._let_go.set()

    def _told(self, error: BaseException) -> str:
        said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return self._context.mask(said) + own_line(error, self.provider_class.__module__)

    def _become(self, health: Health, reason: str) -> None:
        if self._is_closed:
            return  # what a question says that was cut off is no news
        if (health, reason) != (self._health, self._reason):
            level = logging.INFO if health is Health.READY else logging.WARNING
            _log.log(level, "provider %s is %s%s", self.code, health, f": {reason}" if reason else "")
        self._health, self._reason = health, reason


def _checked(image: object, code: str) -> GeneratedImage:
    if not isinstance(image, GeneratedImage) or not isinstance(image.data, bytes | bytearray | memoryview):
        raise BadResult(f"{code} returned {type(image).__name__} where a GeneratedImage with bytes belongs")
    # What else a stranger says must fit into the journal: it must not cost the picture.
    details: object = image.details
    seed: object = image.seed
    return evolve(
        image,
        model=str(image.model or ""),
        seed=seed if isinstance(seed, int) and 0 <= seed < 2**63 else None,
        details={str(name): str(value) for name, value in details.items()} if isinstance(details, Mapping) else {},
    )
