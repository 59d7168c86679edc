"""What hangs on frames that only fetch a URL: a new picture at most every `refresh` seconds."""

from __future__ import annotations

from collections import OrderedDict

from attrs import define, evolve, field, frozen

from imageserver.clock import Clock
from imageserver.delivery import Delivery, Pending, Ready
from imageserver.errors import ImageServerError
from imageserver.frames import Frame
from imageserver.intake import Intake
from imageserver.jobs import Kind
from imageserver.policy import Wish

_MOST_SCREENS = 10_000


@frozen(kw_only=True)
class _Screen:
    since: float  # monotonic seconds at which the frame last asked for something new
    picture: int | None = None
    job: str | None = None  # still being made; it is shown as soon as it is there


@define(kw_only=True, eq=False)
class Screens:
    """Remembers what each frame shows; after a restart every frame begins with a new picture."""

    _intake: Intake
    _delivery: Delivery
    _clock: Clock
    _refresh: float
    _shown: OrderedDict[str, _Screen] = field(init=False, factory=OrderedDict)

    async def look(self, frame: Frame, *, may_ask: bool) -> Ready:
        """What hangs there now. Counts as `auto` when it is time for something new and `may_ask` allows it."""
        screen = self._shown.get(frame.key)
        now = self._clock.monotonic()
        if may_ask and (screen is None or now - screen.since >= self._refresh):
            screen = await self._ask(frame, screen, now)
        if screen is not None and screen.job is not None:
            screen = await self._finish(frame, screen)
        if screen is None:  # only asked about, never shown: the frame's turn is not used up
            return await self._delivery.card(frame, "painting")
        if screen.job is not None and screen.picture is None:
            return await self._delivery.card(frame, "painting")
        ready = await self._delivery.stored_or_card(frame, screen.picture)
        self._keep(frame, evolve(screen, picture=ready.picture))
        return ready

    async def _ask(self, frame: Frame, before: _Screen | None, now: float) -> _Screen:
        try:
            receipt = await self._intake.take(Wish(kind=Kind.AUTO), frame)
        except ImageServerError:  # `auto` is never refused; if it is all the same, the frame keeps what it has
            return before or _Screen(since=now)
        if receipt.picture is not None:
            screen = _Screen(since=now, picture=receipt.picture)
        else:
            screen = _Screen(since=now, picture=before.picture if before else None, job=receipt.id)
        self._keep(frame, screen)
        return screen

    async def _finish(self, frame: Frame, screen: _Screen) -> _Screen:
        assert screen.job is not None
        outcome = await self._delivery.result(screen.job, frame)
        if isinstance(outcome, Pending):
            return screen
        made = outcome.picture if isinstance(outcome, Ready) else None
        done = evolve(screen, job=None, picture=screen.picture if made is None else made)
        self._keep(frame, done)
        return done

    def _keep(self, frame: Frame, screen: _Screen) -> None:
        self._shown[frame.key] = screen
        self._shown.move_to_end(frame.key)
        if len(self._shown) > _MOST_SCREENS:
            self._shown.popitem(last=False)
