"""A zoo of providers in their host: what each does wrong is charged to it, and its host always answers."""

from __future__ import annotations

import asyncio
import logging
import random
import re
import socket
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from loop_time import let_hours_pass

from imageserver import (
    BadResult,
    DeadlineExceeded,
    GeneratedImage,
    GenerationRequest,
    ImageProvider,
    LibraryProvider,
    PollingImageProvider,
    ProviderContext,
    ProviderError,
    RateLimited,
    TransientError,
    Unreachable,
)
from imageserver import provider_host as host_module
from imageserver.provider_host import Health, ProviderHost
from imageserver.testing import FakeClock

REQUEST = GenerationRequest(job="j", prompt="p", negative=None, width=32, height=48, seed=1)


@pytest.fixture(autouse=True)
def _time_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine two seconds may be too few for the end of a provider, and a late one is no hung one."""
    for seconds in ("_PULSE_SECONDS", "_STOP_SECONDS"):
        monkeypatch.setattr(host_module, seconds, 30.0)


def host_of(kind: type[ImageProvider], folder: Path) -> ProviderHost:
    clock, log = FakeClock(), logging.getLogger("zoo")
    context = ProviderContext(settings=None, clock=clock, random=random.Random(1), log=log, data_folder=folder)
    return ProviderHost(kind, context, "chosen")


def painter(generate: Callable[[], Coroutine[Any, Any, Any]], *, deadline: float = 30.0) -> type[ImageProvider]:
    """A provider whose `generate` does this."""
    seconds = deadline

    class Painter(ImageProvider):
        code = "painter"
        deadline = seconds

        async def generate(self, request: GenerationRequest) -> GeneratedImage:
            return await generate()  # type: ignore[no-any-return]  # a wrong one, too

    return Painter


async def raises(error: BaseException) -> GeneratedImage:
    raise error


async def test_a_good_provider_paints(tmp_path: Path) -> None:
    """A good provider is built, ready, paints, and is ended with its session, all in its own thread."""
    seen: dict[str, object] = {}

    class Good(ImageProvider):
        code = "good"
        title = "Good one"

        def __init__(self, context: ProviderContext) -> None:
            super().__init__(context)
            seen["built in"] = threading.current_thread().name

        async def generate(self, request: GenerationRequest) -> GeneratedImage:
            seen["session"] = self.context.session
            return GeneratedImage(data=b"x", details={"in": threading.current_thread().name})

        async def close(self) -> None:
            seen["closed"] = True

    host = host_of(Good, tmp_path)
    assert host.state.health is Health.STARTING
    await host.open()
    assert (host.state.ready, host.state.title, host.state.reason) == (True, "Good one", "")
    assert (await host.generate(REQUEST)).details == {"in": "provider good"}
    await host.close()
    assert (seen["built in"], seen["closed"]) == ("provider good", True)
    assert isinstance(seen["session"], aiohttp.ClientSession)
    assert seen["session"].closed
    assert "provider good" not in [thread.name for thread in threading.enumerate()]


ERRORS: list[tuple[BaseException, type[ProviderError]]] = [
    (RateLimited("slow down", retry_after=5), RateLimited),
    (ValueError("a bug"), TransientError),
    (SystemExit(1), TransientError),
    (KeyboardInterrupt(), TransientError),
    (asyncio.CancelledError(), TransientError),
    (TimeoutError("the service was slow"), TransientError),
    (aiohttp.ConnectionTimeoutError("no connection"), Unreachable),
    (aiohttp.ServerDisconnectedError(), TransientError),
]


@pytest.mark.parametrize(("raised", "seen"), ERRORS, ids=[type(raised).__name__ for raised, _ in ERRORS])
async def test_whatever_is_raised_is_a_provider_error(
    raised: BaseException, seen: type[ProviderError], tmp_path: Path
) -> None:
    """Whatever generate raises comes out as one of the provider errors, and the provider stays ready."""
    host = host_of(painter(lambda: raises(raised)), tmp_path)
    await host.open()
    with pytest.raises(ProviderError) as caught:
        await host.generate(REQUEST)
    assert type(caught.value) is seen
    assert host.state.ready
    await host.close()


async def test_a_closed_port_is_unreachable(tmp_path: Path) -> None:
    """A service where nobody listens is Unreachable, so that the next provider may be asked for free."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # and kept: a port that was free a moment ago may be another test's server now
        port = unused.getsockname()[1]

        class Calls(ImageProvider):
            code = "calls"

            async def generate(self, request: GenerationRequest) -> GeneratedImage:
                async with self.context.session.get(f"http://127.0.0.1:{port}/"):
                    raise AssertionError

        host = host_of(Calls, tmp_path)
        await host.open()
        with pytest.raises(Unreachable) as caught:
            await host.generate(REQUEST)
        assert caught.value.charged is False
        await host.close()


@pytest.mark.parametrize("result", [None, b"bytes", "text", GeneratedImage(data="text")])  # type: ignore[arg-type]  # on purpose
async def test_a_wrong_result_is_a_bad_result(result: object, tmp_path: Path) -> None:
    """Anything but a GeneratedImage with bytes is a BadResult that says what came."""

    async def gives() -> object:
        return result

    host = host_of(painter(gives), tmp_path)
    await host.open()
    with pytest.raises(BadResult, match=type(result).__name__):
        await host.generate(REQUEST)
    await host.close()


async def test_one_that_never_returns_is_over_its_deadline(tmp_path: Path) -> None:
    """A generate that waits for ever ends at its deadline; the provider's loop turns, so it stays ready."""
    host = host_of(painter(asyncio.Event().wait, deadline=0.01), tmp_path)
    await host.open()
    with pytest.raises(DeadlineExceeded):
        await host.generate(REQUEST)
    assert host.state.ready
    await host.close()


async def test_one_that_blocks_its_loop_is_hung(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that blocks is hung: not asked any more, close returns, and when it comes back it serves again."""
    for seconds in ("_PULSE_SECONDS", "_STOP_SECONDS"):
        monkeypatch.setattr(host_module, seconds, 0.05)
    release, blocked = threading.Event(), threading.Semaphore(0)

    async def blocks() -> None:
        blocked.release()
        release.wait(60)

    host = host_of(painter(blocks), tmp_path)
    await host.open()

    async def until_its_deadline() -> None:
        call = asyncio.ensure_future(host.generate(REQUEST))
        assert await asyncio.to_thread(blocked.acquire, timeout=30)  # one that is over before it began blocks nothing
        let_hours_pass(monkeypatch)
        with pytest.raises(DeadlineExceeded):
            await call

    await until_its_deadline()
    assert host.state.health is Health.HUNG
    with pytest.raises(Unreachable):
        await host.generate(REQUEST)
    release.set()
    await host.check_readiness()
    assert host.state.ready
    release.clear()
    await until_its_deadline()
    await host.close()
    release.set()
    for thread in threading.enumerate():
        if thread.name == "provider painter":
            await asyncio.get_running_loop().run_in_executor(None, thread.join)


@pytest.mark.parametrize(
    ("says", "health", "reason"),
    [
        ("no key: write one", Health.NOT_READY, "no key: write one"),
        (ValueError("a bug"), Health.NOT_READY, "it could not say whether it is ready: ValueError: a bug"),
        (TimeoutError(), Health.NOT_READY, "it could not say whether it is ready: TimeoutError"),
        (SystemExit(2), Health.NOT_READY, "it could not say whether it is ready: PluginCrashed: SystemExit: 2"),
    ],
)
async def test_readiness_is_the_providers_word(
    says: str | BaseException, health: Health, reason: str, tmp_path: Path
) -> None:
    """What readiness says or raises is the state's reason, and it is asked again later."""
    answers: list[str | BaseException | None] = [says, None]

    class Asked(ImageProvider):
        code = "asked"

        async def readiness(self) -> str | None:
            answer = answers.pop(0)
            if isinstance(answer, BaseException):
                raise answer
            return answer

    host = host_of(Asked, tmp_path)
    await host.open()
    assert host.state.health is health
    assert re.fullmatch(re.escape(reason) + r"( \(test_provider_host\.py:\d+\))?", host.state.reason)
    await host.check_readiness()
    assert host.state.ready
    await host.close()


async def test_one_that_cannot_be_built_is_broken(tmp_path: Path) -> None:
    """A constructor that raises is told in the state; the host is asked in vain, and closes."""

    class Broken(ImageProvider):
        code = "broken"

        def __init__(self, context: ProviderContext) -> None:
            raise SystemExit(9)

    host = host_of(Broken, tmp_path)
    await host.open()
    assert host.state.health is Health.BROKEN
    assert "SystemExit: 9" in host.state.reason
    with pytest.raises(Unreachable):
        await host.generate(REQUEST)
    await host.check_readiness()
    assert host.state.health is Health.BROKEN
    await host.close()


async def test_slots(tmp_path: Path) -> None:
    """Jobs above the slots are turned away, and all of them are called back, in their order, when a slot is freed."""

    class Two(ImageProvider):
        code = "two"
        slots = 2

    host = host_of(Two, tmp_path)
    assert [host.take_slot(job) for job in "abcd"] == [True, True, False, False]
    assert [host.take_slot(job) for job in "cdc"] == [False, False, False]
    assert host.free_slot() == ["c", "d"]
    assert [host.take_slot(job) for job in "cd"] == [True, False]
    assert [host.free_slot(), host.free_slot()] == [["d"], []]


@pytest.mark.parametrize("ticket", ["", None, 5])
async def test_tickets_are_text(ticket: Any, tmp_path: Path) -> None:
    """A ticket that is no text is a BadResult; a poll gives None or a picture."""

    class Slow(PollingImageProvider):
        code = "slow"
        answers: tuple[Any, ...] = (None, GeneratedImage(data=b"x"), "rubbish")

        async def submit(self, request: GenerationRequest) -> str:
            return ticket  # type: ignore[no-any-return]  # a wrong one, on purpose

        async def poll(self, ticket: str) -> GeneratedImage | None:
            return self.answers[int(ticket)]  # type: ignore[no-any-return]  # as above

    host = host_of(Slow, tmp_path)
    await host.open()
    assert host.gives_tickets
    with pytest.raises(BadResult, match="no ticket"):
        await host.submit(REQUEST)
    assert await host.poll("0") is None
    assert await host.poll("1") == GeneratedImage(data=b"x")
    with pytest.raises(BadResult):
        await host.poll("2")
    await host.close()


async def test_a_close_that_raises_is_no_matter(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A provider whose close raises or never returns ends all the same, with its session closed."""

    class Clings(LibraryProvider):
        code = "clings"

        def folders(self) -> list[Path]:
            return [tmp_path]

        async def close(self) -> None:
            raise ValueError("no")

    host = host_of(Clings, tmp_path)
    assert host.folders() == []
    await host.open()
    assert (host.folders(), host.state.is_library) == ([tmp_path], True)
    await host.close()
    assert "did not close" in caplog.text
    assert "provider clings" not in [thread.name for thread in threading.enumerate()]


async def test_a_call_that_begins_in_its_retirement_goes_to_the_successor(tmp_path: Path) -> None:
    """The old host only ends what is under way; what begins now would be cut off with it, paid or not."""
    gate, reached = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def give(name: str, *, waits: bool) -> Callable[[], Coroutine[Any, Any, GeneratedImage]]:
        async def generate() -> GeneratedImage:
            if waits:
                loop.call_soon_threadsafe(reached.set)
                await asyncio.to_thread(gate.wait, 30)
            return GeneratedImage(data=b"x", model=name)

        return generate

    old, new = host_of(painter(give("old", waits=True)), tmp_path), host_of(painter(give("new", waits=False)), tmp_path)
    await old.open()
    await new.open()
    under_way = asyncio.create_task(old.generate(REQUEST))
    await reached.wait()
    retiring = asyncio.create_task(old.retire(new))
    await asyncio.sleep(0)
    assert (await old.generate(REQUEST)).model == "new"
    gate.set()
    assert (await under_way).model == "old"
    await retiring
    assert (await old.generate(REQUEST)).model == "new"
    await new.close()
