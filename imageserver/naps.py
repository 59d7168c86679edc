"""Frames that their owner sent to sleep, until they are woken: kept in memory and in the journal."""

from __future__ import annotations

from attrs import define

from imageserver.journal import Journal

_NOTE = "nap:"  # the notes that hold them begin with this


@define(kw_only=True, eq=False)
class Naps:
    """Whoever is not here is awake."""

    _journal: Journal
    _asleep: set[str]

    @classmethod
    async def opened(cls, journal: Journal) -> Naps:
        """Those who slept before a restart sleep on."""
        return cls(journal=journal, asleep=set(await journal.notes.beginning(_NOTE)))

    def has(self, frame: str) -> bool:
        """Whether the frame with this key was sent to sleep."""
        return frame in self._asleep

    async def send(self, frame: str) -> None:
        """Send it to sleep. Raises JournalUnavailable."""
        await self._journal.notes.put(f"{_NOTE}{frame}", "1")
        self._asleep.add(frame)

    async def rename(self, old: str, new: str) -> None:
        """A frame has another key from now on, and sleeps on. Raises JournalUnavailable."""
        if old in self._asleep:
            await self.send(new)
            self.wake(old)

    def wake(self, frame: str) -> None:
        """Wake it."""
        self._asleep.discard(frame)
        self._journal.notes.forget(f"{_NOTE}{frame}")
