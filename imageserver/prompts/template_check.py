"""Whether templates can be drawn from: every placeholder has its list, no way through the lists is endless or too long.

Messages are for the owner and go behind the name of a field.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from attrs import frozen

from imageserver.prompts import moments
from imageserver.prompts.templates import Lists, Measure, inside, is_name
from imageserver.prompts.texts import LONGEST

DEEPEST = 8  # lists one within the other; nobody follows more of them by eye
_SHOWN = 60  # characters of what stands in brackets
_NAMED = 12  # names of a long way
# Cyrillic letters that look like Latin ones: the keyboard was in the other layout for one letter, and no eye sees it.
_ALIKE = str.maketrans("аеорсухкіјѕАВЕКМНОРСТУХІЈЅ", "aeopcyxkijsABEKMHOPCTYXIJS")


def unknown(text: str, names: Collection[str]) -> list[str]:
    """A sentence for each placeholder of a text that is none, or that is not among the names."""
    return [_unknown(name, names) for name in dict.fromkeys(inside(text)) if name not in names]


def _unknown(name: str, names: Collection[str]) -> str:
    written = f"[[{name if len(name) <= _SHOWN else name[:_SHOWN] + '…'}]]"
    if is_name(name.strip()) and name != name.strip():
        return f"{written} has white space in its brackets: write [[{name.strip()}]]"
    if not is_name(name):
        return f'{written} is no placeholder: a name has letters, digits, "_" and "-" (plain brackets stand alone: [ ])'
    near = _near(name, names)
    if near is None:
        return f"there is no list for {written}: add one to placeholders or global_placeholders"
    alphabets = " (one of the two mixes Latin and Cyrillic letters)" if _is_mixed(name) or _is_mixed(near) else ""
    return f"there is no list for {written}: did you mean [[{near}]]?{alphabets}"


def _near(name: str, names: Collection[str]) -> str | None:
    same = (known for known in names if _folded(known) == _folded(name))
    return next(same, None) or next(iter(difflib.get_close_matches(name, names, n=1)), None)


def _folded(name: str) -> str:
    return name.translate(_ALIKE).casefold()


def _is_mixed(name: str) -> bool:
    return bool(re.search("[A-Za-z]", name) and re.search("[\u0400-\u052f]", name))


def uses(lists: Lists, begin: Iterable[str]) -> dict[str, list[str]]:
    """The names that can be reached from those to begin with, and for each the names that its values use."""
    found: dict[str, list[str]] = {}
    waiting = [name for name in begin if name in lists]
    while waiting:
        name = waiting.pop()
        if name not in found:
            used = dict.fromkeys(
                other for value in lists[name] for text in value.texts for other in inside(text) if other in lists
            )
            found[name] = list(used)
            waiting += used
    return {name: found[name] for name in lists if name in found}  # in the file's order


def bad_ways(used: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    """Sentences about ways through the lists that lead back to themselves or go too deep → the names on the way."""
    cycles = {f"{_arrows(way)} leads back to itself": way for way in _cycles(used)}
    if cycles:
        return cycles
    return {f"{_arrows(way)} is more than {DEEPEST} lists deep": way for way in _too_deep(used)}


def _cycles(used: Mapping[str, list[str]]) -> Iterator[tuple[str, ...]]:
    left = dict(used)
    place = {name: number for number, name in enumerate(used)}
    while True:
        try:
            TopologicalSorter({name: [other for other in left[name] if other in left] for name in left}).prepare()
        except CycleError as error:
            found = list(reversed(error.args[1][1:]))  # it begins and ends with the same name
            first = found.index(min(found, key=place.__getitem__))
            yield (*found[first:], *found[: first + 1])
            for name in found:
                del left[name]
        else:
            return


def _too_deep(used: Mapping[str, list[str]]) -> Iterator[tuple[str, ...]]:
    longest: dict[str, tuple[str, ...]] = {}  # the longest way from each name, as far as it is of interest
    for name in TopologicalSorter(used).static_order():
        deepest = max((longest[other] for other in used[name]), key=len, default=())
        longest[name] = (name, *deepest)[: DEEPEST + 2]
        if len(longest[name]) == DEEPEST + 1:
            yield longest[name]


def _arrows(way: Sequence[str]) -> str:
    return " → ".join(way if len(way) <= _NAMED else (*way[: _NAMED - 2], "…", way[-1]))


def unfit(text: str, measure: Measure, language: str | None = None, *, may_be_empty: bool = False) -> list[str]:
    """What a good template may become and must not, as sentences that begin with the name of its field."""
    found = []
    longest = measure.longest(text, language)
    if longest > LONGEST:
        found.append(f"may become {longest} characters long, and {LONGEST} is the most")
    if not may_be_empty and measure.may_be_empty(text, language):
        found.append("may come out empty: let something stand beside the placeholders")
    return found


@frozen(kw_only=True)
class Written:
    """A text of the file that may be a template, and where it stands."""

    field: str  # what it is called in messages
    text: str
    line: int
    language: str | None = None  # of a translation
    may_be_empty: bool = False


class TemplateRules:
    """The rules for all templates of one file. `say` takes the line and the sentence of every problem."""

    def __init__(self, common: Lists, say: Callable[[int, str], None]) -> None:
        """`common` are the lists under global_placeholders; they must do without those of single prompts."""
        self._say = say
        self._scope: Lists = {**moments.EVER, **common}
        self._measure = Measure(self._scope)
        self._check_names("global_placeholders", common, self._scope)
        self._is_sound = self._check_ways("global_placeholders", common, self._scope, common) and all(common.values())

    def check(self, own: Lists, texts: Iterable[Written]) -> None:
        """Look at the texts of one prompt and at the lists under its placeholders."""
        scope = {**own, **self._scope, **own} if own else self._scope  # own ones win, and ways begin with them
        self._check_names("placeholders", own, scope)
        begin = [name for written in texts for name in inside(written.text)]
        is_sound = self._check_ways("placeholders", own, scope, [*own, *begin]) and all(own.values())
        measure = Measure(scope) if own else self._measure
        for written in texts:
            for sentence in unknown(written.text, scope):
                self._say(written.line, f"{written.field}: {sentence}")
            if is_sound and self._is_sound:
                for sentence in unfit(written.text, measure, written.language, may_be_empty=written.may_be_empty):
                    self._say(written.line, f"{written.field} {sentence}")

    def _check_names(self, key: str, lists: Lists, scope: Lists) -> None:
        for name, values in lists.items():
            for value in values:
                for text in value.texts:
                    for sentence in unknown(text, scope):
                        self._say(value.line, f"{key}: {name}: {sentence}")

    def _check_ways(self, key: str, lists: Lists, scope: Lists, begin: Iterable[str]) -> bool:
        """Whether all ways are good. Only those are said that go through `lists`; the others were said before."""
        if not lists:
            return True
        ways = bad_ways(uses(scope, begin))
        for sentence, way in ways.items():
            ours = [name for name in way if name in lists]
            if ours:
                self._say(lists[ours[0]][0].line, f"{key}: {sentence}")
        return not ways
