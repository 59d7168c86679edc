"""The room in which a provider is checked: built from options as the server builds it, beside its fake service."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import textwrap
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from attrs import field, frozen

from imageserver.answers import Answers
from imageserver.config.model import Terms
from imageserver.config.reader import read
from imageserver.config.schema import secrets_in
from imageserver.config.settings import read_settings, read_terms
from imageserver.errors import Problem, ProviderError
from imageserver.plugin_loop import PluginLoop
from imageserver.provider_host import ProviderHost
from imageserver.providers import GeneratedImage, GenerationRequest, ImageProvider, ProviderContext
from imageserver.testing.clock import FakeClock
from imageserver.testing.contract.base import ContractBase
from imageserver.testing.service import FakeService

T = TypeVar("T")
PATIENT = 60.0  # seconds for a call that is to succeed
HASTY = 0.3  # for one that is to run into its deadline
ENDS = 15.0  # for what must come to its end by itself, also on a busy machine
HUGE = 256 * 1024 * 1024  # bytes: too large to be read, and a careless provider does not bring the machine down
LINES_ABOVE = 2  # of options.yml, before the author's settings begin
_POLLS = 200
_BETWEEN_POLLS = 30.0  # seconds of the fake clock
_TICK = 0.002  # real seconds between two looks at what another thread does


@frozen(kw_only=True)
class Room:
    """A provider in its host, as it serves."""

    host: ProviderHost
    clock: FakeClock
    context: ProviderContext
    answers: Answers
    fake_or_none: FakeService | None
    secrets: tuple[str, ...] = field(repr=False)

    @property
    def fake(self) -> FakeService:
        """The service. Only for checks of providers that have one."""
        assert self.fake_or_none is not None
        return self.fake_or_none

    async def picture(self, wish: GenerationRequest) -> GeneratedImage:
        """The picture for a wish, by a ticket too. Raises ProviderErrors, AssertionError for what escaped."""
        if not self.host.gives_tickets:
            return await self._watched(self.host.generate(wish))
        handed_in = await self.submit(wish)
        return handed_in if isinstance(handed_in, GeneratedImage) else await self.fetched(handed_in)

    async def submit(self, wish: GenerationRequest) -> str | GeneratedImage:
        """A ticket or a picture."""
        return await self._watched(self.host.submit(wish))

    async def poll(self, ticket: str) -> GeneratedImage | None:
        """One question about a ticket."""
        return await self._watched(self.host.poll(ticket))

    async def fetched(self, ticket: str) -> GeneratedImage:
        """The picture behind a ticket, asked for as often as it takes."""
        for _ in range(_POLLS):
            image = await self.poll(ticket)
            if image is not None:
                return image
            await self.clock.advance(_BETWEEN_POLLS)
        raise AssertionError(f"poll() gave no picture in {_POLLS} calls")

    async def outcome(self, wish: GenerationRequest) -> GeneratedImage | ProviderError:
        """The picture, or the error in its place."""
        try:
            return await self.picture(wish)
        except ProviderError as error:
            return error

    async def refusal(self, wish: GenerationRequest) -> ProviderError:
        """The error that must come in place of a picture."""
        outcome = await self.outcome(wish)
        assert isinstance(outcome, ProviderError), f"a picture came where {self.fake.mode} must end in an error"
        return outcome

    async def _watched(self, call: Coroutine[Any, Any, T]) -> T:
        try:
            return await ticking(self.clock, call)
        except ProviderError as error:
            cause = error.__cause__  # the host's sentence for what is no ProviderError begins like this
            kind = type(cause).__name__
            if cause is not None and str(error).startswith(
                (f"{self.host.code} failed: {kind}", f"{self.host.code}: {kind}")
            ):
                raise AssertionError(f"{kind} escaped where a ProviderError belongs: {cause}") from cause
            raise


@frozen(kw_only=True)
class Alone:
    """A provider on a loop of its own, without a host around it: what it raises is seen as it is."""

    provider: ImageProvider
    context: ProviderContext
    clock: FakeClock
    loop: PluginLoop

    async def do(self, work: Callable[[], Coroutine[Any, Any, T]], seconds: float = PATIENT) -> T:
        """Run a coroutine function on the provider's loop."""
        return await ticking(self.clock, self.loop.call(work, seconds))

    async def tasks(self) -> set[asyncio.Task[Any]]:
        """The tasks on the provider's loop."""

        async def others() -> set[asyncio.Task[Any]]:
            return asyncio.all_tasks() - {asyncio.current_task()}

        return await self.loop.call(others, ENDS)


async def ticking(clock: FakeClock, call: Coroutine[Any, Any, T]) -> T:
    """Await `call`; meanwhile a second of the fake clock goes by whenever somebody waits for it."""
    task = asyncio.ensure_future(call)
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=_TICK)
            if clock.sleeping and not task.done():
                await clock.advance(1)
        return task.result()
    finally:
        task.cancel()


async def until(happened: Callable[[], bool], what: str) -> None:
    """Wait for what another thread or the fake does. AssertionError with `what` when it does not come."""
    try:
        async with asyncio.timeout(ENDS):
            while not happened():  # noqa: ASYNC110 - it happens on another thread
                await asyncio.sleep(_TICK)
    except TimeoutError:
        raise AssertionError(what) from None


@asynccontextmanager
async def serving(contract: ContractBase) -> AsyncIterator[FakeService | None]:
    """The contract's fake service, if there is one."""
    if contract.fake is None:
        yield None
        return
    fake = contract.fake()
    fake.equip(huge=HUGE)
    async with fake.running():
        try:
            yield fake
        finally:
            # what the provider made of that is of no interest: its author would look for the mistake in the wrong place
            for mistake in fake.mistakes:
                raise AssertionError(f"your fake raised {type(mistake).__name__}: {mistake}") from mistake


@asynccontextmanager
async def room(
    contract: ContractBase, data: Path, fake: FakeService | None = None, *, deadline: float = PATIENT
) -> AsyncIterator[Room]:
    """The provider in its host, beside `fake` or a new one."""
    async with contextlib.AsyncExitStack() as stack:
        fake = fake or await stack.enter_async_context(serving(contract))
        clock = FakeClock()
        context, terms = built_context(contract, data, fake, clock)
        host = ProviderHost(contract.provider_class, context, "chosen", terms)
        host.deadline = deadline  # shorter than an owner may set it, so that nobody waits for what never comes
        host.pulse = ENDS  # a busy machine must not make a provider one that hangs
        stack.push_async_callback(host.close)
        await ticking(clock, host.open())
        yield Room(
            host=host,
            clock=clock,
            context=context,
            answers=context.answers,
            fake_or_none=fake,
            secrets=secrets_of(contract, context),
        )


@asynccontextmanager
async def alone(contract: ContractBase, data: Path, fake: FakeService | None = None) -> AsyncIterator[Alone]:
    """The provider without a host, beside `fake` or a new one."""
    async with contextlib.AsyncExitStack() as stack:
        fake = fake or await stack.enter_async_context(serving(contract))
        clock = FakeClock()
        context, _terms = built_context(contract, data, fake, clock)
        loop = PluginLoop(f"provider {contract.provider_class.code}")
        stack.push_async_callback(loop.stop, ENDS)

        async def build() -> ImageProvider:
            return contract.provider_class(context)

        provider = await loop.call(build, ENDS)

        async def close() -> None:
            await provider.close()
            await context.close()

        stack.push_async_callback(loop.call, close, ENDS)
        yield Alone(provider=provider, context=context, clock=clock, loop=loop)


def built_context(
    contract: ContractBase, data: Path, fake: FakeService | None, clock: FakeClock
) -> tuple[ProviderContext, Terms]:
    """What the server would hand to the provider, and on which terms it would serve."""
    data.mkdir(parents=True, exist_ok=True)
    contract.prepare(data)
    text = contract.settings.replace("{url}", fake.url if fake else "http://127.0.0.1:9")
    settings, terms, problems = read_options(contract.provider_class, text, data)
    assert not problems, f"the settings of {type(contract).__name__} are refused: {problems[0]}"
    code = contract.provider_class.code
    context = ProviderContext(
        settings=settings,
        clock=clock,
        random=random.Random(1),
        log=logging.getLogger(f"imageserver.provider.{code}"),
        data_folder=data / "providers" / code,
        answers=Answers(data / "answers"),
    )
    return context, terms


def secrets_of(contract: ContractBase, context: ProviderContext) -> tuple[str, ...]:
    """What nobody may read."""
    return (*secrets_in(context.settings), *contract.secrets)


def read_options(kind: type[ImageProvider], text: str, data: Path) -> tuple[object | None, Terms, list[Problem]]:
    """Settings and terms from what stands under `providers: {CODE: …}`, and every problem with its line."""
    options = f"providers:\n  {kind.code}:\n{textwrap.indent(textwrap.dedent(text).strip(), ' ' * 4)}\n"
    data.mkdir(parents=True, exist_ok=True)
    (data / "options.yml").write_text(options, encoding="utf-8")
    config, problems = read(data, flags={}, environment={}, now=datetime(2027, 1, 15, tzinfo=UTC))
    raw = config.providers.get(kind.code)
    settings, wrong = read_settings(raw, kind.settings_class, code=kind.code, data=data)
    terms, wrong_terms = read_terms(raw, code=kind.code, data=data)
    return settings, terms, [*problems, *wrong, *wrong_terms]


@contextmanager
def logged() -> Iterator[list[str]]:
    """Every line that is logged meanwhile, at every level, with what raised it."""
    lines: list[str] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    keeper, root = Keeper(), logging.getLogger()
    before = root.level
    root.addHandler(keeper)
    root.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        root.removeHandler(keeper)
        root.setLevel(before)
