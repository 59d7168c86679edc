"""What hangs on frames that only fetch a URL: a new picture at most every `refresh` seconds."""

from __future__ import annotations

from collections import OrderedDict

from attrs import define, evolve, field, frozen

from imageserver.clock import Clock
from imageserver.delivery import Delivery, Pending, Ready
from imageserver.errors import RenditionsBusy
from imageserver.frames import Frame
from imageserver.intake import Intake
from imageserver.jobs import Kind
from imageserver.policy import Wish

_MOST_SCREENS = 10_000


@frozen(kw_only=True)
class _Screen:
    since: float  # monotonic seconds at which what hangs there was hung, or something new was asked for
    hangs: str | None = None  # the operation whose picture or card hangs there
    waiting: str | None = None  # the operation whose picture comes next
    stand_in: int | None = None  # the picture that hangs there while the first is being made


@define(kw_only=True, eq=False)
class Screens:
    """Remembers what each frame shows; after a restart every frame begins with a new picture."""

    _intake: Intake
    _delivery: Delivery
    _clock: Clock
    refresh: float  # seconds
    _shown: OrderedDict[str, _Screen] = field(init=False, factory=OrderedDict)

    async def look(self, frame: Frame, *, may_ask: bool) -> Ready:
        """What hangs there now. Counts as `auto` when it is time for something new and `may_ask` allows it.

        While a provider paints, the old picture stays, or a stored one; the card says so only where there is neither.
        Two may look at one frame at the same moment: nothing is asked for twice, and nothing that comes is forgotten.
        """
        is_chosen = may_ask and await self._intake.chosen(frame) is not None  # awaited before anything is decided by it
        now = self._clock.monotonic()
        screen = self._screen(frame)
        is_due = screen.waiting is None and now - screen.since >= self.refresh
        if may_ask and (is_due or is_chosen):
            self._keep(frame, evolve(screen, since=now))  # before anything is awaited: nobody else asks meanwhile
            receipt = await self._intake.take(Wish(kind=Kind.AUTO), frame)
            self._keep(frame, evolve(self._screen(frame), waiting=receipt.id))
        waiting = self._screen(frame).waiting
        if waiting is not None:
            outcome = await self._delivery.result(waiting, frame)
            is_still_next = self._screen(frame).waiting == waiting
            if isinstance(outcome, Ready):
                if may_ask:
                    self._delivery.taken(waiting, outcome, frame)
                if is_still_next:
                    self._keep(frame, _Screen(since=now, hangs=waiting))
                return outcome
            if is_still_next and not isinstance(outcome, Pending):  # it came to nothing; the next time is time enough
                self._keep(frame, evolve(self._screen(frame), since=now, waiting=None))
        return await self._old(frame, may_ask=may_ask)

    def rename(self, old: str, new: str) -> None:
        """A frame has another key from now on."""
        screen = self._shown.pop(old, None)
        if screen is not None:
            self._shown.setdefault(new, screen)

    async def _old(self, frame: Frame, *, may_ask: bool) -> Ready:
        """What hung there before, or a stored picture in its place."""
        screen = self._screen(frame)
        if screen.hangs is not None:
            outcome = await self._delivery.result(screen.hangs, frame)
            if isinstance(outcome, Ready):
                return outcome
        if screen.stand_in is None and not may_ask:
            return await self._delivery.card(frame, "painting")  # nobody's turn is used up by a question about it
        try:
            ready = await self._delivery.stored_or_card(frame, screen.stand_in, card="painting")
        except RenditionsBusy:
            return await self._delivery.card(frame, "painting")
        self._keep(frame, evolve(self._screen(frame), stand_in=ready.picture))
        return ready

    def _screen(self, frame: Frame) -> _Screen:
        return self._shown.get(frame.key, _NOTHING)

    def _keep(self, frame: Frame, screen: _Screen) -> None:
        self._shown[frame.key] = screen
        self._shown.move_to_end(frame.key)
        if len(self._shown) > _MOST_SCREENS:
            self._shown.popitem(last=False)


_NOTHING = _Screen(since=float("-inf"))
