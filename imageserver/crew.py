"""How many workers there are: however many providers hang at once, one is left for the others."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field

from imageserver.registry import Registry
from imageserver.supervisor import Supervisor
from imageserver.worker import Worker


@define(kw_only=True, eq=False)
class Crew:
    """Takes workers on, and lets none go: one without work costs nothing."""

    _supervisor: Supervisor
    _registry: Registry
    _take_on: Callable[[], Worker]
    least: int
    names: list[str] = field(init=False, factory=list)  # as the supervisor knows them

    def fill(self) -> None:
        """Take on as many as are missing to one more than all slots together."""
        for number in range(len(self.names) + 1, max(self.least, 1 + self._registry.slots) + 1):
            name = f"worker {number}"
            self._supervisor.keep_running(name, self._take_on().run)
            self.names.append(name)
