"""The contract about a provider's life: built, asked whether it is ready, one of several, closed, built again."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp

from imageserver.provider_host import Health
from imageserver.providers import LibraryProvider, PollingImageProvider
from imageserver.testing.contract.base import ContractBase, a_wish, check, draws, is_library, speaks
from imageserver.testing.contract.modes import EACH_WIRE
from imageserver.testing.contract.room import Alone, alone, room, secrets_of, serving, ticking, until
from imageserver.testing.contract.words import assert_picture, assert_sentence

_READINESS = 15.0  # seconds that the server gives it
_CHECK = 60.0


class LifeChecks(ContractBase):
    """It is built without a word to the service, tells how it is for nothing, and leaves nothing behind."""

    @check(speaks)
    async def test_building_asks_the_service_nothing(self, tmp_path: Path) -> None:
        """A provider that is built has not called anybody: the server builds it also to show its settings."""
        async with serving(self) as fake:
            assert fake is not None
            async with alone(self, tmp_path, fake) as it:
                await it.do(_a_moment)
            assert fake.ledger.requests == [], "it called the service while it was built"

    @check()
    async def test_it_is_ready_and_that_is_free(self, tmp_path: Path) -> None:
        """With good settings readiness() is None, and no picture was asked for to find that out."""
        async with room(self, tmp_path) as it:
            assert it.host.state.health is Health.READY, f"it is not ready: {it.host.state.reason}"
            if it.fake_or_none is not None:
                assert it.fake.wishes == [], "readiness() asked for a picture"
                assert it.fake.ledger.charges == [], "readiness() cost money"

    @check()
    async def test_check_finds_nothing_and_is_free(self, tmp_path: Path) -> None:
        """With good settings check() is None, and finding that out cost nothing.

        Where pictures are free, fetching one is a good check.
        """
        async with room(self, tmp_path) as it:
            missing = await ticking(it.clock, it.host.check())
            assert missing is None, f"check() finds something missing: {missing}"
            costs = self.provider_class.paid or self.provider_class.takes_prompt
            if it.fake_or_none is not None and costs:
                assert it.fake.wishes == [], "check() asked for a picture"
                assert it.fake.ledger.charges == [], "check() cost money"

    @check(speaks, each=EACH_WIRE)
    async def test_readiness_says_a_sentence_and_never_raises(self, tmp_path: Path, wire: str) -> None:
        """Whatever the service does, readiness() comes back in its time: None or a sentence for the owner."""
        async with serving(self) as fake, alone(self, tmp_path, fake) as it:
            assert fake is not None
            await fake.become(wire)
            _assert_said(await it.do(it.provider.readiness, _READINESS), secrets_of(self, it.context))

    @check(speaks, each=EACH_WIRE)
    async def test_check_says_a_sentence_and_never_raises(self, tmp_path: Path, wire: str) -> None:
        """Whatever the service does, check() comes back in its time: None or a sentence for the owner."""
        async with serving(self) as fake, alone(self, tmp_path, fake) as it:
            assert fake is not None
            await fake.become(wire)
            _assert_said(await it.do(it.provider.check, _CHECK), secrets_of(self, it.context))

    @check(draws)
    async def test_two_instances_live_side_by_side(self, tmp_path: Path) -> None:
        """Two of them give pictures at the same time, and one goes on when the other is closed."""
        async with serving(self) as fake, room(self, tmp_path / "one", fake) as one:
            async with room(self, tmp_path / "two", fake) as two:
                pictures = await asyncio.gather(one.picture(a_wish()), two.picture(a_wish(job="job-2")))
                for picture in pictures:
                    assert_picture(picture)
            assert_picture(await one.picture(a_wish(job="job-3")))

    @check(draws)
    async def test_a_new_instance_works_after_close(self, tmp_path: Path) -> None:
        """What was closed leaves the service and the files in a state that the next one can use."""
        async with serving(self) as fake:
            for job in ("job-1", "job-2"):
                async with room(self, tmp_path, fake) as it:
                    assert_picture(await it.picture(a_wish(job=job)))

    @check()
    async def test_close_leaves_nothing_behind(self, tmp_path: Path) -> None:
        """After close() there is no task, no thread and no open session of the provider's."""
        async with serving(self) as fake:
            threads, sessions = set(threading.enumerate()), _open_sessions()
            async with alone(self, tmp_path, fake) as it:
                tasks = await it.tasks()
                await it.do(lambda: _some_work(it))
                await it.do(it.provider.close)
                await it.do(it.context.close)
                await it.do(_a_moment)
                left = await it.tasks() - tasks
                assert not left, f"close() leaves tasks behind: {sorted(map(str, left))}"
            assert _open_sessions() <= sessions, "close() leaves a session open: use self.context.http, or close it"
            await until(
                lambda: not any(thread.is_alive() for thread in set(threading.enumerate()) - threads),
                f"close() leaves a thread behind: {sorted(t.name for t in set(threading.enumerate()) - threads)}",
            )

    @check(is_library)
    async def test_folders_are_absolute_paths(self, tmp_path: Path) -> None:
        """folders() works in a thread, again and again, and gives absolute paths."""
        async with room(self, tmp_path) as it:
            first = await asyncio.to_thread(it.host.folders)
            assert first == await asyncio.to_thread(it.host.folders)
            assert first, "folders() names no folder"
            assert all(folder.is_absolute() for folder in first), f"a folder is relative: {first}"


async def _some_work(it: Alone) -> None:
    await it.provider.readiness()
    if isinstance(it.provider, LibraryProvider):
        it.provider.folders()
    elif isinstance(it.provider, PollingImageProvider):
        await it.provider.submit(a_wish())
    else:
        await it.provider.generate(a_wish())


async def _a_moment() -> None:
    for _ in range(20):  # turns of the loop: what was started comes to its first call, what was closed ends
        await asyncio.sleep(0)


def _open_sessions() -> set[Any]:
    return {thing for thing in gc.get_objects() if issubclass(type(thing), aiohttp.ClientSession) and not thing.closed}


def _assert_said(said: str | None, secrets: Sequence[str]) -> None:
    if said is not None:
        assert_sentence(said, secrets)
