"""The contract about a service that misbehaves: every failure has its class and its sentence, and is overcome."""

from __future__ import annotations

import asyncio
import contextlib
import json
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from imageserver.errors import BadResult, DeadlineExceeded, ProviderError, RateLimited
from imageserver.providers import GeneratedImage, PollingImageProvider
from imageserver.testing.contract.base import ContractBase, a_wish, check, speaks
from imageserver.testing.contract.modes import (
    EACH_BAD_PICTURE,
    EACH_FAILURE,
    EACH_REFUSING,
    EACH_TOO_LARGE,
    EACH_WIRE,
    TOO_LARGE,
    deadline_in,
)
from imageserver.testing.contract.room import HASTY, HUGE, PATIENT, alone, logged, room, serving, until
from imageserver.testing.contract.words import assert_no_secret, assert_picture, assert_sentence, looks_like_picture
from imageserver.testing.service import GOOD, FakeService
from imageserver.testing.wire import Answer, BadWire, Refusing

_GOODBYE = 15.0  # seconds in which a cancelled call may still tell its service to stop
_MOST_MEMORY = HUGE * 5 // 8  # an answer of 32 MiB in a few copies is far below, one that is read to its end above


class Canary(FakeService):
    """Where redirects lead. Whatever reaches it went too far."""

    async def answer(self, request: web.Request, mode: str) -> web.StreamResponse:
        return await self.deliver(request, mode, Answer(body=self.paint(mode), content_type="image/jpeg"))


class Echo(FakeService):
    """Refuses everybody and repeats what it was sent, key and all, as services do."""

    async def answer(self, request: web.Request, mode: str) -> web.StreamResponse:  # noqa: ARG002 - it has no modes
        said = f"bad key in {request.path_qs} {dict(request.headers)} {(await request.read())[:2000]!r}"
        return web.Response(status=401, text=json.dumps({"error": {"message": said}}), content_type="application/json")


class FaultChecks(ContractBase):
    """Nothing but ProviderErrors comes out, and the next call works."""

    @check(speaks)
    async def test_a_cancelled_call_ends(self, tmp_path: Path) -> None:
        """A call that is cut off ends, with whatever it still says to its service, and the next one works."""
        async with serving(self) as fake, alone(self, tmp_path, fake) as it:
            assert fake is not None
            provider = it.provider
            ask = provider.submit if isinstance(provider, PollingImageProvider) else provider.generate
            others = await it.tasks()
            await fake.become(BadWire.SILENT)
            call = asyncio.ensure_future(it.do(lambda: ask(a_wish()), PATIENT))
            await until(lambda: bool(fake.ledger.requests) or call.done(), "it called nobody")
            call.cancel()
            await asyncio.wait({call})
            await fake.become(GOOD)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_GOODBYE):
                    while await it.tasks() - others:  # noqa: ASYNC110 - they are on another loop
                        await asyncio.sleep(0.01)
            assert not await it.tasks() - others, "a call that was cancelled goes on"
            assert await it.do(lambda: ask(a_wish(job="job-2")))

    @check(speaks)
    async def test_a_silent_service_ends_at_the_deadline(self, tmp_path: Path) -> None:
        """Without an answer the call ends at the server's deadline, and the next one works."""
        async with room(self, tmp_path, deadline=HASTY) as it:
            await it.fake.become(BadWire.SILENT)
            error = await it.refusal(a_wish())
            assert isinstance(error, DeadlineExceeded), f"silence became {type(error).__name__}: {error}"
            it.host.deadline = PATIENT
            await it.fake.become(GOOD)
            assert_picture(await it.picture(a_wish(job="job-2")))

    @check(speaks, each=EACH_FAILURE)
    async def test_a_failure_has_its_class_and_its_sentence(self, tmp_path: Path, mode: str) -> None:
        """What `failures` promises: the class decides what the server does, the sentence tells the owner."""
        async with room(self, tmp_path, deadline=deadline_in(mode)) as it:
            await it.fake.become(mode)
            error = await it.refusal(a_wish())
            expected = self.failures[mode]
            assert isinstance(error, expected), f"{type(error).__name__} in place of {expected.__name__}: {error}"
            assert_sentence(str(error), it.secrets)

    @check(speaks, each=EACH_REFUSING)
    async def test_too_many_requests_are_told_as_such(self, tmp_path: Path, mode: str) -> None:
        """429 is RateLimited, with the seconds to wait where the service named them."""
        async with room(self, tmp_path) as it:
            await it.fake.become(mode)
            error = await it.refusal(a_wish())
            assert isinstance(error, RateLimited), f"429 became {type(error).__name__}: {error}"
            assert error.retry_after == (17 if mode == Refusing.RATE_LIMITED_RETRY_AFTER else None)
            assert_sentence(str(error), it.secrets)

    @check(speaks, each=EACH_WIRE)
    async def test_a_bad_wire_ends_in_an_error(self, tmp_path: Path, wire: str) -> None:
        """Whatever happens on the way is a ProviderError, or a picture where one came; and the next call works."""
        async with room(self, tmp_path, deadline=deadline_in(wire)) as it:
            await it.fake.become(wire)
            outcome = await it.outcome(a_wish())
            if isinstance(outcome, ProviderError):
                assert_sentence(str(outcome), it.secrets)
            else:
                assert looks_like_picture(outcome.data), f"{wire} became a picture: {outcome.data[:40]!r}"
            it.host.deadline = PATIENT
            await it.fake.become(GOOD)
            assert_picture(await it.picture(a_wish(job="job-2")))

    @check(speaks)
    async def test_no_redirect_is_followed(self, tmp_path: Path) -> None:
        """An answer that names another address sends nobody there: the key would go with the request."""
        async with Canary().running() as canary, room(self, tmp_path) as it:
            it.fake.equip(canary=f"{canary.url}/canary")
            await it.fake.become(BadWire.REDIRECT)
            await it.outcome(a_wish())
            assert it.fake.ledger.requests, "it called nobody"
            assert canary.ledger.requests == [], "it followed a redirect to another address"

    @check(speaks, each=EACH_TOO_LARGE)
    async def test_no_more_is_read_than_a_picture_can_need(self, tmp_path: Path, wire: str) -> None:
        """An answer of hundreds of megabytes, packed or not, is given up before it fills the memory."""
        async with room(self, tmp_path) as it:
            await it.fake.become(wire)
            tracemalloc.start()
            try:
                await it.outcome(a_wish())
                _now, most = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
            assert most < _MOST_MEMORY, f"{most // 1024**2} MiB of memory went into one answer: set a limit"

    @check(speaks, each=EACH_BAD_PICTURE)
    async def test_a_bad_picture_is_handed_on_or_refused(self, tmp_path: Path, picture: str) -> None:
        """The server judges pictures: a provider hands on what came, or raises BadResult, and nothing else."""
        async with room(self, tmp_path) as it:
            await it.fake.become(picture)
            outcome = await it.outcome(a_wish())
            if isinstance(outcome, GeneratedImage):
                assert outcome.data, "an empty picture was handed on"
            else:
                assert isinstance(outcome, BadResult), f"{picture} became {type(outcome).__name__}: {outcome}"

    @check(speaks)
    async def test_an_echoed_key_is_masked(self, tmp_path: Path) -> None:
        """A service that repeats the request in its refusal puts the key neither into the error nor into the log."""
        async with Echo().running() as echo, room(self, tmp_path, echo) as it:
            with logged() as lines:
                error = await it.refusal(a_wish())
            assert_no_secret(str(error), it.secrets, "the error")
            assert_no_secret("\n".join(lines), it.secrets, "the log")

    @check(speaks)
    async def test_nothing_secret_is_logged(self, tmp_path: Path) -> None:
        """The log at DEBUG holds no secret, whether a picture comes or fails in any of the ways that are quick."""
        async with serving(self) as fake:
            assert fake is not None
            with logged() as lines:
                async with room(self, tmp_path, fake) as it:
                    for mode in (GOOD, *_quick(list(self.failures)), *_quick([mode.value for mode in BadWire])):
                        await fake.become(mode)
                        with contextlib.suppress(AssertionError):  # what escapes is for the other checks to say
                            await it.outcome(a_wish(job=mode))
            assert_no_secret("\n".join(lines), it.secrets, "the log")


def _quick(modes: Sequence[str]) -> list[str]:
    return [mode for mode in modes if deadline_in(mode) == PATIENT and mode not in TOO_LARGE]
