"""The ids of all pictures that can be shown, in memory: one byte for each id between the lowest and the highest.

A million pictures cost a megabyte, and choosing asks no disk.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_GONE = 0
_NO_ROOT = 255  # more than there are providers
_ANY = re.compile(rb"[^\0]")  # looks through a million ids in the time that Python takes for a few hundred


class MemoryStock:
    """Pictures by id and root. The scope "" is all of them, any other scope one root."""

    def __init__(self, pictures: Iterable[tuple[int, str]] = ()) -> None:
        self._roots: dict[str, int] = {}
        self._counts: dict[str, int] = {}
        self._low = 1
        self._marks = bytearray()
        for picture_id, root in sorted(pictures):
            self.add(picture_id, root)

    def add(self, picture_id: int, root: str) -> None:
        """This picture can be shown."""
        if not self._marks:
            self._low = picture_id
        elif picture_id < self._low:
            self._marks[:0] = bytes(self._low - picture_id)
            self._low = picture_id
        index = picture_id - self._low
        if index >= len(self._marks):
            self._marks.extend(bytes(index + 1 - len(self._marks)))
        if self._marks[index] != _GONE:
            return
        self._marks[index] = self._mark(root)
        self._counts[root] = self._counts.get(root, 0) + 1

    def remove(self, picture_id: int) -> None:
        """This picture cannot be shown any more."""
        index = picture_id - self._low
        if not 0 <= index < len(self._marks) or self._marks[index] == _GONE:
            return
        root = self._root_of(self._marks[index])
        self._marks[index] = _GONE
        self._counts[root] -= 1
        if index == len(self._marks) - 1:
            self._marks = self._marks.rstrip(b"\0")
        elif index == 0:
            holes = self._find("", 0)  # there is one: the last mark is never a hole
            del self._marks[:holes]  # a bytearray forgets its front without copying the rest
            self._low += holes

    def has(self, picture_id: int, scope: str = "") -> bool:
        """Whether this picture can be shown."""
        index = picture_id - self._low
        if not 0 <= index < len(self._marks):
            return False
        mark = self._marks[index]
        return mark != _GONE and (scope == "" or mark == self._roots.get(scope))

    def count(self, scope: str = "") -> int:
        """How many can be shown."""
        return sum(self._counts.values()) if scope == "" else self._counts.get(scope, 0)

    def roots(self) -> set[str]:
        """The roots of which any picture can be shown."""
        return {root for root, count in self._counts.items() if count}

    def first(self, scope: str = "") -> int:
        """The lowest id, 0 when there is none."""
        return next(self.ids(scope), 0)

    def last(self, scope: str = "") -> int:
        """The highest id, 0 when there is none."""
        if scope == "":
            return self._low + len(self._marks) - 1 if self._marks else 0
        index = self._marks.rfind(self._roots.get(scope, _NO_ROOT))
        return self._low + index if index >= 0 else 0

    def ids(self, scope: str = "") -> Iterator[int]:
        """All of them, lowest first."""
        index = self._find(scope, 0)
        while index >= 0:
            yield self._low + index
            index = self._find(scope, index + 1)

    def next_after(self, picture_id: int, scope: str = "") -> int | None:
        """The lowest id above this one."""
        index = self._find(scope, max(picture_id + 1 - self._low, 0))
        return self._low + index if index >= 0 else None

    def _find(self, scope: str, start: int) -> int:
        """The place of the first mark from `start` on, -1 when there is none."""
        if scope == "":
            found = _ANY.search(self._marks, start)
            return found.start() if found else -1
        return self._marks.find(self._roots.get(scope, _NO_ROOT), start)

    def _mark(self, root: str) -> int:
        return self._roots.setdefault(root, len(self._roots) + 1)

    def _root_of(self, mark: int) -> str:
        return next(root for root, known in self._roots.items() if known == mark)
