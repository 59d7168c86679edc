"""What all checks of the contract stand on: what the author declares, which checks apply, and how one is run."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from attrs import frozen

from imageserver.errors import ProviderError
from imageserver.providers import GenerationRequest, ImageProvider, LibraryProvider, PollingImageProvider
from imageserver.testing.service import FakeService

if TYPE_CHECKING:
    import pytest  # for its types only: a fake that runs as a program must not load it

_HANG = 120.0  # seconds after which a check is called hanging; none comes near it
_LEFT_OUT = object()  # stands where a check does not apply: pytest collects only what can be called


class ContractBase:
    """The author's side of the contract."""

    provider_class: ClassVar[type[ImageProvider]]
    fake: ClassVar[type[FakeService] | None] = None  # called without arguments
    settings: ClassVar[str] = ""  # YAML as under `providers: {CODE: …}`; {url} is where the fake is
    failures: ClassVar[Mapping[str, type[ProviderError]]] = {}  # mode of the fake → what becomes of it
    secrets: ClassVar[Sequence[str]] = ()  # texts that nobody may read and that no secret setting holds
    sends_size: ClassVar[bool] = True  # False: the service takes no size
    sends_seed: ClassVar[bool] = True  # False: the service takes no seed
    gives_tickets: ClassVar[bool] = True  # False: with these settings the picture comes from `submit`

    def prepare(self, data: Path) -> None:
        """Write what the provider finds in the data folder. Called before it is built."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not hasattr(cls, "provider_class"):
            return  # one of the contract's own halves, or the base of somebody's classes
        for kind in cls.__mro__:
            for name, own in vars(kind).items():
                applies = getattr(own, "applies", None)
                if applies is not None and getattr(cls, name) in (own, _LEFT_OUT):
                    setattr(cls, name, own if applies(cls) else _LEFT_OUT)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One test for each mode. Called by pytest."""
        each: Each | None = getattr(metafunc.function, "each", None)
        if each is not None:
            metafunc.parametrize(each.argument, each.values(type(self)), ids=str)


Applies = Callable[[type[ContractBase]], bool]


@frozen
class Each:
    """The argument that a check is run with again and again, and its values."""

    argument: str
    values: Callable[[type[ContractBase]], Sequence[str]]


def check(
    *needs: Applies, each: Each | None = None
) -> Callable[[Callable[..., Coroutine[Any, Any, None]]], Callable[..., None]]:
    """Make a coroutine a test that runs by itself, with no plugin of pytest's; only where all `needs` are met."""

    def made(coroutine: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
        @functools.wraps(coroutine)
        def test(*args: Any, **kwargs: Any) -> None:
            async def run() -> None:
                async with asyncio.timeout(_HANG):
                    await coroutine(*args, **kwargs)

            asyncio.run(run())

        vars(test)["applies"] = lambda cls: all(need(cls) for need in needs) and (not each or bool(each.values(cls)))
        vars(test)["each"] = each
        return test

    return made


def speaks(cls: type[ContractBase]) -> bool:
    """It has a service to speak to, and pictures come from there."""
    return cls.fake is not None and draws(cls)


def draws(cls: type[ContractBase]) -> bool:
    """It answers wishes, unlike a library."""
    return not issubclass(cls.provider_class, LibraryProvider)


def is_library(cls: type[ContractBase]) -> bool:
    """Its pictures lie in folders."""
    return issubclass(cls.provider_class, LibraryProvider)


def has_settings(cls: type[ContractBase]) -> bool:
    """There is something for the owner to write."""
    return cls.provider_class.settings_class is not None


def takes_prompt(cls: type[ContractBase]) -> bool:
    """It draws what a prompt says."""
    return cls.provider_class.takes_prompt


def takes_negative(cls: type[ContractBase]) -> bool:
    """It understands a negative prompt."""
    return cls.provider_class.takes_negative


def is_paid(cls: type[ContractBase]) -> bool:
    """A call costs money."""
    return cls.provider_class.paid


def recovers(cls: type[ContractBase]) -> bool:
    """It can find pictures in answers that were kept."""
    return cls.provider_class.recover is not ImageProvider.recover


def gives_tickets(cls: type[ContractBase]) -> bool:
    """A ticket comes first and the picture later."""
    return cls.gives_tickets and issubclass(cls.provider_class, PollingImageProvider)


def a_wish(
    prompt: str = "a heron in the reeds",
    *,
    negative: str | None = None,
    width: int = 320,
    height: int = 480,
    seed: int = 4242,
    job: str = "job-1",
) -> GenerationRequest:
    """What a frame wants."""
    return GenerationRequest(job=job, prompt=prompt, negative=negative, width=width, height=height, seed=seed)
