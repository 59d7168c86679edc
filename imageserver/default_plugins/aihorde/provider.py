"""The provider: an order in, a ticket out, and minutes later the picture. Free; volunteers paint when they can."""

from __future__ import annotations

from imageserver import (
    BadProviderRequest,
    BadResult,
    DeadlineExceeded,
    GeneratedImage,
    GenerationRequest,
    ModerationRefused,
    PollingImageProvider,
    ProviderContext,
    ProviderError,
    RateLimited,
    TransientError,
    Unreachable,
    __version__,
)
from imageserver.default_plugins.aihorde.answers import read_painted, read_progress, warnings
from imageserver.default_plugins.aihorde.order import order
from imageserver.default_plugins.aihorde.refusals import Expired
from imageserver.default_plugins.aihorde.service import Service
from imageserver.default_plugins.aihorde.settings import AIHordeSettings

_PAUSE = 6.0  # seconds between two questions about one ticket: the stricter of two limits is ten a minute
# The ticket outlives these, because the service may still be painting; only the last is gone at the service as well.
_NOTHING_TO_CANCEL = (TransientError, RateLimited, Unreachable, DeadlineExceeded, Expired)


class AIHorde(PollingImageProvider):
    """Pictures by the volunteers of the AI Horde."""

    code = "aihorde"
    title = "AI Horde"
    version = __version__
    settings_class = AIHordeSettings
    takes_prompt = True
    takes_negative = True
    paid = False  # kudos are a place in the queue, not money
    idempotent = False  # every order is a new one, and keeps a volunteer's computer busy
    patience = 1500.0  # seconds; the service itself drops an order after about 1200

    def __init__(self, context: ProviderContext) -> None:
        super().__init__(context)
        self.settings: AIHordeSettings = context.settings
        self._service = Service(context=context, settings=self.settings)
        self._not_before: dict[str, float] = {}  # steady seconds, by ticket

    async def readiness(self) -> str | None:
        """Asks nobody: the service is shared by many, and a question a minute would help none of them."""
        try:
            self._service.key()
        except Unreachable as error:
            return str(error)
        return None

    async def check(self) -> str | None:
        """A dry run: the service looks at the key and the order, names the price in kudos and paints nothing."""
        request = GenerationRequest(job="check", prompt="a heron", negative=None, width=320, height=480, seed=1)
        try:
            answer = await self._service.order(order(self.settings, request, dry_run=True))
        except ProviderError as error:
            return str(error)
        if isinstance(answer.get("id"), str):  # a service that knows no dry runs
            await self._service.cancel(answer["id"])
        return None

    async def submit(self, request: GenerationRequest) -> str:
        answer = await self._service.order(order(self.settings, request))
        ticket = answer.get("id")
        if not isinstance(ticket, str) or not ticket:
            raise BadResult("the AI Horde took the order and gave no ticket for it", charged=False)
        for sentence in warnings(answer):
            self.context.log.warning("the AI Horde says: %s", self.context.mask(sentence))
        return ticket

    async def poll(self, ticket: str) -> GeneratedImage | None:
        if self.context.clock.monotonic() < self._not_before.get(ticket, 0.0):
            return None
        try:
            image = await self._ask_about(ticket)
        except ProviderError as error:
            if isinstance(error, RateLimited):
                self._wait(ticket, error.retry_after or 0.0)
            if not isinstance(error, _NOTHING_TO_CANCEL):
                await self._service.cancel(ticket)
            raise
        if image is None:
            self._wait(ticket)
        return image

    async def _ask_about(self, ticket: str) -> GeneratedImage | None:
        progress = read_progress(await self._service.check(ticket))
        if progress.faulted:
            raise BadResult("the order failed at the volunteers who tried it: another one may work", charged=False)
        if not progress.done:
            if not progress.possible:
                raise BadProviderRequest(
                    "no volunteer of the AI Horde can paint this at the moment: take models and trusted_workers out of "
                    "the options, or ask for fewer pixels or steps"
                )
            return None
        painted = read_painted(await self._service.status(ticket))
        if painted.censored:
            raise ModerationRefused("the volunteer's filter withheld the picture: try another prompt")
        details = {"worker": painted.worker, "model": painted.model, "kudos": progress.kudos}
        return GeneratedImage(
            data=await self._service.fetch(painted.picture),
            model=painted.model,
            seed=painted.seed,
            details={name: self.context.mask(text) for name, text in details.items() if text},
        )

    def _wait(self, ticket: str, seconds: float = 0.0) -> None:
        now = self.context.clock.monotonic()
        self._not_before = {one: when for one, when in self._not_before.items() if when > now}
        self._not_before[ticket] = now + max(_PAUSE, seconds)
