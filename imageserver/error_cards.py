"""Whether a frame may be shown what is wrong: it hangs in a room where people live, so pictures come first."""

from __future__ import annotations

from attrs import define

from imageserver.errors import JournalUnavailable
from imageserver.journal import Journal

OF_TEN = 10  # pictures of a frame, at most one says what is wrong, as long as there are others
_SAY_NOTHING = {"black", "test"}  # cards that tell of no error


@define(kw_only=True, eq=False)
class ErrorCards:
    """Asks the journal what a frame was given, so a restart makes nobody forget."""

    _journal: Journal
    are_wanted: bool = True

    async def may_tell(self, frame: str, job: str = "") -> bool:
        """Whether none of the nine pictures before this one was an error. `job` is the one that it is about.

        Whoever asks for no frame has asked on a page, and is always told.
        """
        if not frame:
            return True
        if not self.are_wanted:
            return False
        try:
            cards = await self._journal.jobs.cards_lately(frame, OF_TEN - 1, job)
        except JournalUnavailable:
            return False
        return _SAY_NOTHING.issuperset(cards)
