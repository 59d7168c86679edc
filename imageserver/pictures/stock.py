"""The ids of all pictures that can be shown, in memory: one byte for each id between the lowest and the highest.

A million pictures cost a megabyte, and choosing asks no disk.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from attrs import frozen

_GONE = 0
_TAIL = 4096  # marks that are looked at at once where the last picture has gone
_ANY = re.compile(rb"[^\0]")  # looks through a million ids in the time that Python takes for a few hundred
_NONE = re.compile(rb"[^\0-\xff]")


@frozen
class _Shelf:
    """Pictures that lie in one root and were made by one provider, or by nobody that we know."""

    root: str
    maker: str | None

    def is_in(self, scope: str) -> bool:
        words = scope.split()
        return not words or self.root in words or self.maker in words


@frozen
class _Scope:
    """What a scope's name means while no new shelf comes."""

    shelves: list[_Shelf]
    pattern: re.Pattern[bytes]


class MemoryStock:
    """Pictures by id, root and maker.

    The scope "" is all of them. Any other scope is one or several words with spaces between them: roots, and codes of
    providers whose pictures lie in the store.
    """

    def __init__(self) -> None:
        self._marks_of: dict[_Shelf, int] = {}
        self._counts: dict[_Shelf, int] = {}
        self._highest: dict[_Shelf, int] = {}  # ids: none of the shelf is above, and there may be none just there
        self._scopes: dict[str, _Scope] = {}
        self._low = 1
        self._marks = bytearray()

    def add(self, picture_ids: Sequence[int], root: str, maker: str | None = None) -> None:
        """These pictures, of one root and one maker, can be shown. Those that are there already stay as they are."""
        if not picture_ids:
            return
        highest = max(picture_ids)
        self._make_room(min(picture_ids), highest)
        shelf = _Shelf(root, maker)
        mark, marks, low, added = self._mark(shelf), self._marks, self._low, 0
        for picture_id in picture_ids:
            if marks[picture_id - low] == _GONE:
                marks[picture_id - low] = mark
                added += 1
        self._counts[shelf] += added
        self._highest[shelf] = max(self._highest[shelf], highest)

    def _make_room(self, lowest: int, highest: int) -> None:
        if not self._marks:
            self._low = lowest
        elif lowest < self._low:
            self._marks[:0] = bytes(self._low - lowest)
            self._low = lowest
        missing = highest + 1 - self._low - len(self._marks)
        if missing > 0:
            self._marks.extend(bytes(missing))

    def remove(self, picture_id: int) -> None:
        """This picture cannot be shown any more."""
        index = picture_id - self._low
        if not 0 <= index < len(self._marks) or self._marks[index] == _GONE:
            return
        shelf = next(shelf for shelf, mark in self._marks_of.items() if mark == self._marks[index])
        self._marks[index] = _GONE
        self._counts[shelf] -= 1
        if index == len(self._marks) - 1:
            while self._marks and self._marks[-1] == _GONE:
                tail = self._marks[-_TAIL:]
                del self._marks[len(self._marks) - len(tail) + len(tail.rstrip(b"\0")) :]
        elif index == 0:
            holes = self._find("", 0)  # there is one: the last mark is never a hole
            del self._marks[:holes]  # a bytearray forgets its front without copying the rest
            self._low += holes

    def has(self, picture_id: int, scope: str = "") -> bool:
        """Whether this picture can be shown."""
        index = picture_id - self._low
        return 0 <= index < len(self._marks) and self._scope(scope).pattern.match(self._marks, index) is not None

    def count(self, scope: str = "") -> int:
        """How many can be shown."""
        return sum([self._counts[shelf] for shelf in self._scope(scope).shelves])

    def roots(self) -> set[str]:
        """The roots of which any picture can be shown."""
        return {shelf.root for shelf, count in self._counts.items() if count}

    def in_root(self, root: str) -> list[int]:
        """All of one root, whoever made them."""
        pattern = _pattern_of([mark for shelf, mark in self._marks_of.items() if shelf.root == root])
        return [self._low + found.start() for found in pattern.finditer(self._marks)]

    def first(self, scope: str = "") -> int:
        """The lowest id, 0 when there is none."""
        return next(self.ids(scope), 0)

    def last(self, scope: str = "") -> int:
        """The highest id, 0 when there is none."""
        if scope == "":
            return self._low + len(self._marks) - 1 if self._marks else 0
        marks = [self._marks_of[shelf] for shelf in self._scope(scope).shelves]
        index = max(map(self._marks.rfind, marks), default=-1)
        return self._low + index if index >= 0 else 0

    def ids(self, scope: str = "") -> Iterator[int]:
        """All of them, lowest first."""
        index = self._find(scope, 0)
        while index >= 0:
            yield self._low + index
            index = self._find(scope, index + 1)

    def next_after(self, picture_id: int, scope: str = "") -> int | None:
        """The lowest id above this one."""
        # mostly there is none, and then a scope with few pictures would be looked for among all the others
        if picture_id >= max([self._highest[shelf] for shelf in self._scope(scope).shelves], default=0):
            return None
        index = self._find(scope, max(picture_id + 1 - self._low, 0))
        return self._low + index if index >= 0 else None

    def _find(self, scope: str, start: int) -> int:
        """The place of the first mark from `start` on, -1 when there is none."""
        found = self._scope(scope).pattern.search(self._marks, start)
        return found.start() if found else -1

    def _scope(self, name: str) -> _Scope:
        scope = self._scopes.get(name)
        if scope is None:
            shelves = [shelf for shelf in self._marks_of if shelf.is_in(name)]
            pattern = _pattern_of([self._marks_of[shelf] for shelf in shelves]) if name else _ANY
            scope = self._scopes[name] = _Scope(shelves, pattern)
        return scope

    def _mark(self, shelf: _Shelf) -> int:
        mark = self._marks_of.get(shelf)
        if mark is None:
            mark = self._marks_of[shelf] = len(self._marks_of) + 1  # a byte holds more than there are providers
            self._counts[shelf] = self._highest[shelf] = 0
            self._scopes = {}  # a scope that was asked for before may have this shelf in it
        return mark


def _pattern_of(marks: list[int]) -> re.Pattern[bytes]:
    return re.compile(b"[" + re.escape(bytes(marks)) + b"]") if marks else _NONE
