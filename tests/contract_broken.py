"""Providers that each break one promise, and the checks that must find it: read by tests/test_contract.py."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import Any, ClassVar

from attrs import field, frozen
from contract_samples import Hello, HelloContract, HelloSettings, Shelf, Ticketed

from imageserver import (
    AuthError,
    BadProviderRequest,
    BadResult,
    GeneratedImage,
    GenerationRequest,
    ProviderContext,
    ProviderError,
    RateLimited,
    Reply,
    TransientError,
)
from imageserver.testing import ProviderContract


class Free(Hello):
    """Hello without the money."""

    paid = False


class TestCodes(HelloContract):
    found_by = ("test_the_class_says_what_it_is",)

    class provider_class(Free):  # noqa: N801 - it stands where the attribute stands
        other_codes: ClassVar[Any] = "hi"


class TestDocs(HelloContract):
    found_by = ("test_every_setting_is_explained",)

    class provider_class(Free):  # noqa: N801
        @frozen(kw_only=True)
        class settings_class(HelloSettings):  # noqa: N801
            size: str = "small"


class TestAnnotation(HelloContract):
    found_by = ("test_a_wrong_kind_of_value_is_refused_for_every_setting_at_once",)

    class provider_class(Free):  # noqa: N801
        @frozen(kw_only=True)
        class settings_class(HelloSettings):  # noqa: N801
            size: Any = field(default=None, metadata={"doc": "The size."})


class TestNoContext(HelloContract):
    found_by = ("test_the_settings_of_this_test_are_accepted",)

    class provider_class(Free):  # noqa: N801
        def __init__(self, context: ProviderContext) -> None:
            super().__init__(
                ProviderContext(
                    settings=context.settings,
                    clock=context.clock,
                    random=context.random,
                    log=context.log,
                    data_folder=context.data_folder,
                    answers=context.answers,
                )
            )

        async def close(self) -> None:
            await self.context.close()


class TestRepr(HelloContract):
    found_by = ("test_no_repr_holds_a_secret",)

    class provider_class(Free):  # noqa: N801
        def __repr__(self) -> str:
            return f"Hello({self.context.settings.api_key})"


class TestCallsAtOnce(HelloContract):
    found_by = ("test_building_asks_the_service_nothing",)

    class provider_class(Free):  # noqa: N801
        def __init__(self, context: ProviderContext) -> None:
            super().__init__(context)
            self.greeting = asyncio.get_running_loop().create_task(self.said())

        async def close(self) -> None:
            self.greeting.cancel()


class TestReadinessDraws(HelloContract):
    found_by = ("test_it_is_ready_and_that_is_free", "test_check_finds_nothing_and_is_free")

    class provider_class(Free):  # noqa: N801
        async def readiness(self) -> str | None:
            try:
                await self.ask("POST", "/pictures", json={"prompt": "x"})
            except ProviderError as error:
                return str(error)
            return None


class TestCheckDraws(HelloContract):
    found_by = ("test_check_finds_nothing_and_is_free",)

    class provider_class(Free):  # noqa: N801
        async def check(self) -> str | None:
            try:
                await self.ask("POST", "/pictures", json={"prompt": "x"})
            except ProviderError as error:
                return str(error)
            return None


class TestReadinessRaises(HelloContract):
    found_by = ("test_readiness_says_a_sentence_and_never_raises",)

    class provider_class(Free):  # noqa: N801
        async def readiness(self) -> str | None:
            (await self.ask("GET", "/me")).json()
            return None


class TestCheckShowsHtml(HelloContract):
    found_by = ("test_check_says_a_sentence_and_never_raises",)

    class provider_class(Free):  # noqa: N801
        async def check(self) -> str | None:
            try:
                reply = await self.ask("GET", "/me")
            except ProviderError as error:
                return str(error)
            return None if reply.ok else reply.body.decode() or "empty"


class TestOnlyOne(HelloContract):
    found_by = ("test_two_instances_live_side_by_side",)

    class provider_class(Free):  # noqa: N801
        alive = 0

        def __init__(self, context: ProviderContext) -> None:
            super().__init__(context)
            type(self).alive += 1

        async def generate(self, request: GenerationRequest) -> GeneratedImage:
            if self.alive > 1:
                raise TransientError("there is another one of me")
            return await super().generate(request)

        async def close(self) -> None:
            type(self).alive -= 1


class TestOnlyOnce(HelloContract):
    found_by = ("test_a_new_instance_works_after_close",)

    class provider_class(Free):  # noqa: N801
        def __init__(self, context: ProviderContext) -> None:
            super().__init__(context)
            self.mark = context.data_folder / "mark"
            self.is_second = self.mark.exists()

        async def generate(self, request: GenerationRequest) -> GeneratedImage:
            if self.is_second:
                raise TransientError("the mark of another one is there")
            self.mark.parent.mkdir(parents=True, exist_ok=True)
            self.mark.touch()
            return await super().generate(request)


class TestLeavesTask(HelloContract):
    found_by = ("test_close_leaves_nothing_behind",)

    class provider_class(Free):  # noqa: N801
        async def readiness(self) -> str | None:
            self.task = asyncio.ensure_future(asyncio.Event().wait())
            return None


class TestLeavesThread(HelloContract):
    found_by = ("test_close_leaves_nothing_behind",)

    class provider_class(Free):  # noqa: N801
        async def readiness(self) -> str | None:
            threading.Thread(target=threading.Event().wait, daemon=True).start()
            return None


class TestLeavesSession(HelloContract):
    found_by = ("test_close_leaves_nothing_behind",)
    kept: ClassVar[list[object]] = []

    class provider_class(Free):  # noqa: N801
        async def readiness(self) -> str | None:
            import aiohttp

            TestLeavesSession.kept.append(aiohttp.ClientSession())
            return None


class TestOneLine(HelloContract):
    found_by = ("test_the_prompt_arrives_whole",)

    class provider_class(Free):  # noqa: N801
        def body(self, request: GenerationRequest) -> dict[str, Any]:
            return {**super().body(request), "prompt": request.prompt.replace("\n", " ")}


class TestShortOnly(HelloContract):
    found_by = ("test_a_long_prompt_keeps_its_beginning",)

    class provider_class(Free):  # noqa: N801
        async def generate(self, request: GenerationRequest) -> GeneratedImage:
            if len(request.prompt) > 1000:
                raise BadProviderRequest("the prompt is too long")
            return await super().generate(request)


class TestNoNegative(HelloContract):
    found_by = ("test_the_negative_arrives",)

    class provider_class(Free):  # noqa: N801
        def body(self, request: GenerationRequest) -> dict[str, Any]:
            return {**super().body(request), "negative": None}


class TestNegativeNone(HelloContract):
    found_by = ("test_without_a_negative_none_is_sent",)

    class provider_class(Free):  # noqa: N801
        def body(self, request: GenerationRequest) -> dict[str, Any]:
            return {**super().body(request), "negative": f"no {request.negative}"}


class TestSquare(HelloContract):
    found_by = ("test_the_shape_of_the_frame_arrives",)

    class provider_class(Free):  # noqa: N801
        def body(self, request: GenerationRequest) -> dict[str, Any]:
            return {**super().body(request), "width": 512, "height": 512}


class TestOwnSeed(HelloContract):
    found_by = ("test_the_seed_arrives",)

    class provider_class(Free):  # noqa: N801
        def body(self, request: GenerationRequest) -> dict[str, Any]:
            return {**super().body(request), "seed": self.context.random.getrandbits(30)}


class TestOneByOne(HelloContract):
    found_by = ("test_it_makes_as_many_calls_at_once_as_it_has_slots",)

    class provider_class(Free):  # noqa: N801
        def __init__(self, context: ProviderContext) -> None:
            super().__init__(context)
            self.lock = asyncio.Lock()

        async def generate(self, request: GenerationRequest) -> GeneratedImage:
            async with self.lock:
                return await super().generate(request)


class TestUncancelled(HelloContract):
    found_by = ("test_a_cancelled_call_ends",)

    class provider_class(Free):  # noqa: N801
        async def generate(self, request: GenerationRequest) -> GeneratedImage:
            try:
                return await super().generate(request)
            except asyncio.CancelledError:
                await asyncio.Event().wait()
                raise


class TestBrokenByCancelling(HelloContract):
    found_by = (
        "test_a_cancelled_call_ends",
        "test_a_silent_service_ends_at_the_deadline",
        "test_a_bad_wire_ends_in_an_error",
    )

    class provider_class(Free):  # noqa: N801
        is_cut = False

        async def generate(self, request: GenerationRequest) -> GeneratedImage:
            if self.is_cut:
                raise TransientError("the call before never came back")
            try:
                return await super().generate(request)
            except asyncio.CancelledError:
                self.is_cut = True
                raise


class TestWrongClass(HelloContract):
    found_by = ("test_a_failure_has_its_class_and_its_sentence",)

    class provider_class(Free):  # noqa: N801
        def error(self, reply: Reply) -> ProviderError:
            return TransientError("no key") if reply.status == 401 else super().error(reply)


class TestNoPatience(HelloContract):
    found_by = ("test_too_many_requests_are_told_as_such",)

    class provider_class(Free):  # noqa: N801
        def error(self, reply: Reply) -> ProviderError:
            return RateLimited("too often") if reply.status == 429 else super().error(reply)


class TestHtml(HelloContract):
    found_by = ("test_a_bad_wire_ends_in_an_error",)

    class provider_class(Free):  # noqa: N801
        async def generate(self, request: GenerationRequest) -> GeneratedImage:
            reply = await self.ask("POST", "/pictures", json=self.body(request), keep_for=request.job)
            if reply.status >= 500:
                raise TransientError(f"the service said {reply.body.decode()}")
            if not reply.ok:
                raise self.error(reply)
            return self.image(self.read(reply.body))


class TestEscapes(HelloContract):
    found_by = ("test_a_bad_wire_ends_in_an_error", "test_a_torn_answer_raises_nothing_strange")

    class provider_class(Free):  # noqa: N801
        def read(self, answer: bytes) -> bytes:
            json.loads(answer)
            return super().read(answer)


class TestFollows(HelloContract):
    found_by = ("test_no_redirect_is_followed",)

    class provider_class(Free):  # noqa: N801
        async def generate(self, request: GenerationRequest) -> GeneratedImage:
            reply = await self.ask("POST", "/pictures", json=self.body(request), keep_for=request.job)
            if reply.status == 307:
                await self.context.http.call("GET", reply.headers["Location"])
            if not reply.ok:
                raise self.error(reply)
            return self.image(self.read(reply.body))


class TestUnbounded(HelloContract):
    found_by = ("test_no_more_is_read_than_a_picture_can_need",)

    class provider_class(Free):  # noqa: N801
        async def ask(self, method: str, path: str, **more: Any) -> Reply:
            return await super().ask(method, path, limit=2**40, **more)


class TestJudges(HelloContract):
    found_by = ("test_a_bad_picture_is_handed_on_or_refused",)

    class provider_class(Free):  # noqa: N801
        def image(self, picture: bytes) -> GeneratedImage:
            if not picture.startswith(b"\xff\xd8"):
                raise TransientError("that is no JPEG")
            return super().image(picture)


class TestEchoes(HelloContract):
    found_by = ("test_an_echoed_key_is_masked",)

    class provider_class(Free):  # noqa: N801
        def error(self, reply: Reply) -> ProviderError:
            if reply.status == 401:
                return AuthError(json.loads(reply.body)["error"]["message"].replace("'", " "))
            return super().error(reply)

        async def said(self) -> str | None:
            return None


class TestLogs(HelloContract):
    found_by = ("test_nothing_secret_is_logged", "test_an_echoed_key_is_masked")

    class provider_class(Free):  # noqa: N801
        async def generate(self, request: GenerationRequest) -> GeneratedImage:
            self.context.log.debug("asking with %s", self.context.settings.api_key)
            return await super().generate(request)


class TestDenies(HelloContract):
    found_by = ("test_what_was_charged_is_not_denied",)

    class provider_class(Hello):  # noqa: N801
        def error(self, reply: Reply) -> ProviderError:
            return reply.error(super().error(reply).__class__, charged=False)


class TestForgets(HelloContract):
    found_by = ("test_a_kept_answer_is_recovered",)

    class provider_class(Hello):  # noqa: N801
        async def recover(self, request: GenerationRequest, answer: bytes) -> GeneratedImage | None:
            return None


class TestTornRaises(HelloContract):
    found_by = ("test_a_torn_answer_raises_nothing_strange",)

    class provider_class(Hello):  # noqa: N801
        async def recover(self, request: GenerationRequest, answer: bytes) -> GeneratedImage | None:
            json.loads(answer)
            return await super().recover(request, answer)


class TestRemembers(HelloContract):
    found_by = ("test_a_ticket_outlives_a_restart",)

    class provider_class(Ticketed):  # noqa: N801
        def __init__(self, context: ProviderContext) -> None:
            super().__init__(context)
            self.known: set[str] = set()

        async def submit(self, request: GenerationRequest) -> str:
            ticket = await super().submit(request)
            self.known.add(ticket)
            return ticket

        async def poll(self, ticket: str) -> GeneratedImage | None:
            if ticket not in self.known:
                raise BadResult("who is that?")
            return await super().poll(ticket)


class TestWaitsForNothing(HelloContract):
    found_by = ("test_an_unknown_ticket_is_an_error",)

    class provider_class(Ticketed):  # noqa: N801
        def unknown(self) -> GeneratedImage | None:
            return None


class TestGivesUp(HelloContract):
    found_by = ("test_a_bad_wire_leaves_the_ticket_good",)

    class provider_class(Ticketed):  # noqa: N801
        def found(self, reply: Reply) -> GeneratedImage | None:
            if reply.media_type != "application/json":
                raise BadResult("this is no answer of the service")
            return super().found(reply)


class TestRelative(ProviderContract):
    found_by = ("test_folders_are_absolute_paths",)

    class provider_class(Shelf):  # noqa: N801
        def folders(self) -> list[Path]:
            return [Path("pictures")]
