"""Templates: texts with placeholders, as in `a [[color]] fox`, and what they can become.

A placeholder stands for one value out of a list; a value may hold placeholders itself. Everything here is pure, and
takes lists that `template_check` has found good: no way through them leads back to itself.
"""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from collections.abc import Mapping
from functools import cache

from attrs import field, frozen

# Latin letters, digits, "_", "-", and Cyrillic letters of all languages; the gap holds signs that are no letters.
_NAME = re.compile("[A-Za-z0-9_\u0400-\u0481\u048a-\u052f-]+")
# The outer brackets of [[[color]]] are plain text, and so is [[ without its end.
_PLACEHOLDER = re.compile(r"\[\[(?!\[)((?:(?!\[\[|\]\]).)*)\]\]", re.DOTALL)


@frozen(kw_only=True)
class Value:
    """One value of a list."""

    text: str  # may be empty, and may hold placeholders
    weight: float = 1.0  # how often it comes, beside the others of its list
    translations: Mapping[str, str] = field(factory=dict, hash=False)  # language → what stands for it in that language
    line: int = field(default=0, eq=False)  # in the file, from 1

    def in_(self, language: str | None) -> str:
        """The text in a language, en for en-gb too; its own where it has no other. None asks for its own."""
        if language is None:
            return self.text
        return self.translations.get(language, self.translations.get(language.partition("-")[0], self.text))

    @property
    def texts(self) -> list[str]:
        """The text in every language."""
        return [self.text, *self.translations.values()]


Lists = Mapping[str, tuple[Value, ...]]  # name of a placeholder → its values


def is_name(text: str) -> bool:
    """Whether a placeholder may be called this."""
    return _NAME.fullmatch(text) is not None


def split(text: str) -> tuple[list[str], list[str]]:
    """The plain pieces of a text, and what stands in the double brackets between them, of which there is one fewer."""
    parts = _PLACEHOLDER.split(text)
    return parts[::2], parts[1::2]


def inside(text: str) -> list[str]:
    """What stands in the double brackets of a text, in its order; names, where the text is a good one."""
    return split(text)[1]


class Draw:
    """One drawing of lots for a text: a value for each of its placeholders.

    The text can then be written in several languages, and the n-th [[color]] of each has the same value.
    """

    def __init__(self, lists: Lists, random: random.Random) -> None:
        self._lists = lists
        self._random = random
        self._drawn: dict[str, list[tuple[Value, Draw]]] = {}  # by name, in the order of the text

    def write(self, text: str, language: str | None = None) -> str:
        """The text with its placeholders replaced. What no list is there for stays as it is written."""
        plain, names = split(text)
        written = [plain[0]]
        seen: Counter[str] = Counter()
        for name, after in zip(names, plain[1:], strict=True):
            if name in self._lists:
                value, deeper = self._nth(name, seen[name])
                seen[name] += 1
                written.append(deeper.write(value.in_(language), language))
            else:
                written.append(f"[[{name}]]")
            written.append(after)
        return "".join(written)

    def _nth(self, name: str, position: int) -> tuple[Value, Draw]:
        drawn = self._drawn.setdefault(name, [])
        if position == len(drawn):
            values = self._lists[name]
            (value,) = self._random.choices(values, [value.weight for value in values])
            drawn.append((value, Draw(self._lists, self._random)))
        return drawn[position]


class Measure:
    """What texts can become with these lists, without drawing them."""

    def __init__(self, lists: Lists) -> None:
        self._lists = lists
        # a name that stands in a thousand texts is looked through once
        self._longest_of = cache(self._measure_longest)
        self._empty_of = cache(self._measure_empty)
        self._count_of = cache(self._measure_count)

    def longest(self, text: str, language: str | None = None) -> int:
        """Characters of the longest text that it can become. A placeholder counts as one at the least.

        So the bound on the length is a bound on the work too.
        """
        plain, names = split(text)
        return sum(map(len, plain)) + sum(
            max(1, self._longest_of(name, language)) if name in self._lists else len(name) + 4 for name in names
        )

    def may_be_empty(self, text: str, language: str | None = None) -> bool:
        """Whether nothing but white space may come out."""
        plain, names = split(text)
        return not any(piece.strip() for piece in plain) and all(
            name in self._lists and self._empty_of(name, language) for name in names
        )

    def count(self, text: str) -> int:
        """How many combinations of values there are. Equal values of one list count as one."""
        return math.prod(self._count_of(name) for name in inside(text) if name in self._lists)

    def _measure_longest(self, name: str, language: str | None) -> int:
        return max(self.longest(value.in_(language), language) for value in self._lists[name])

    def _measure_empty(self, name: str, language: str | None) -> bool:
        return any(self.may_be_empty(value.in_(language), language) for value in self._lists[name])

    def _measure_count(self, name: str) -> int:
        return sum(self.count(text) for text in {value.text for value in self._lists[name]})
