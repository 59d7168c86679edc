"""What hangs on frames that only fetch a URL: a new picture at most every `refresh` seconds."""

from __future__ import annotations

from collections import OrderedDict

from attrs import define, evolve, field, frozen

from imageserver.clock import Clock
from imageserver.delivery import Delivery, Pending, Ready
from imageserver.frames import Frame
from imageserver.intake import Intake
from imageserver.jobs import Kind
from imageserver.policy import Wish

_MOST_SCREENS = 10_000


@frozen(kw_only=True)
class _Screen:
    since: float  # monotonic seconds at which what hangs there was hung
    picture: int | None = None
    waiting: str | None = None  # the job whose picture comes next


@define(kw_only=True, eq=False)
class Screens:
    """Remembers what each frame shows; after a restart every frame begins with a new picture."""

    _intake: Intake
    _delivery: Delivery
    _clock: Clock
    _refresh: float
    _shown: OrderedDict[str, _Screen] = field(init=False, factory=OrderedDict)

    async def look(self, frame: Frame, *, may_ask: bool) -> Ready:
        """What hangs there now. Counts as `auto` when it is time for something new and `may_ask` allows it.

        While a provider paints, the old picture stays, or a stored one; the card says so only where there is neither.
        """
        now = self._clock.monotonic()
        screen = self._shown.get(frame.key, _NOTHING)
        is_due = screen.waiting is None and now - screen.since >= self._refresh
        if may_ask and is_due:
            receipt = await self._intake.take(Wish(kind=Kind.AUTO), frame)
            screen = evolve(screen, waiting=receipt.id)
        if screen.waiting is not None:
            outcome = await self._delivery.result(screen.waiting, frame)
            if isinstance(outcome, Ready):
                if may_ask:
                    self._delivery.taken(screen.waiting, outcome)
                self._keep(frame, _Screen(since=now, picture=outcome.picture))
                return outcome
            if not isinstance(outcome, Pending):  # it came to nothing; the next time is time enough
                screen = evolve(screen, since=now, waiting=None)
        if screen.picture is None and not may_ask:
            return await self._delivery.card(frame, "painting")  # nobody's turn is used up by a question about it
        ready = await self._delivery.stored_or_card(frame, screen.picture, card="painting")
        self._keep(frame, evolve(screen, picture=ready.picture))
        return ready

    def _keep(self, frame: Frame, screen: _Screen) -> None:
        self._shown[frame.key] = screen
        self._shown.move_to_end(frame.key)
        if len(self._shown) > _MOST_SCREENS:
            self._shown.popitem(last=False)


_NOTHING = _Screen(since=float("-inf"))
