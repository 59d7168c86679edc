"""The text of a prompts file → its prompts, or everything that is wrong with it, each with its line."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from imageserver.errors import Problem
from imageserver.prompts import json_text, yaml_text
from imageserver.prompts.entries import Entry, Placed, Unreadable

# Remote services stop far below this; a longer text is a file pasted by mistake.
LONGEST = 10_000  # characters
KNOWN_KEYS = ("idx", "prompt", "negative", "translations")
MOST = 1_000_000  # entries: keeps a number typed by a cat out of our messages


@frozen(kw_only=True)
class Prompt:
    """One entry of the library. `idx` is its age: 1 is the oldest."""

    text: str
    negative: str | None = None  # what must not be in the picture
    translations: Mapping[str, str] = field(factory=dict, hash=False)  # language → the same prompt in it
    idx: int


@frozen(kw_only=True)
class Reading:
    """What a prompts file says: prompts from the oldest to the newest; none are given where there is a problem."""

    prompts: tuple[Prompt, ...] = ()
    problems: tuple[Problem, ...] = ()


def is_yaml(name: str) -> bool:
    """Whether a prompts file of this name is YAML; JSON otherwise."""
    return name.endswith(".yaml")


def unreadable(name: str, line: int, message: str) -> Reading:
    """The reading of a file that cannot be read at all."""
    return Reading(problems=(Problem(f"{name}:{line}", message),))


def read_text(text: str, name: str) -> Reading:
    """Read the text of the file `name`. Never raises: whatever is wrong is in the reading's problems."""
    try:
        found = yaml_text.entries(text) if is_yaml(name) else json_text.entries(text)
    except Unreadable as broken:
        return unreadable(name, broken.line, str(broken))
    return _Check(name).run(found)


@frozen
class _Check:
    """The rules for entries, the same in both formats."""

    name: str
    problems: list[Problem] = field(factory=list)

    def run(self, found: list[Placed]) -> Reading:
        prompts = []
        first_line: dict[int, int] = {}
        numbers = []
        for placed in found:
            if not isinstance(placed.value, Entry):
                self._say(placed.line, 'expected an entry with "idx" and "prompt"')
                continue
            entry = placed.value
            idx, text, negative = self._idx(entry), self._text(entry), self._negative(entry)
            numbers.append(idx)
            if idx is not None and idx in first_line:
                self._say(entry.line_of("idx"), f"idx {idx} is used twice: first on line {first_line[idx]}")
                continue
            if idx is not None:
                first_line[idx] = entry.line_of("idx")
                prompts.append(
                    Prompt(text=text or "", negative=negative, translations=self._translations(entry), idx=idx)
                )
        before = 0
        numbered = all(isinstance(placed.value, Entry) for placed in found) and None not in numbers
        for idx in sorted(first_line) if numbered else ():  # a gap may be the entry whose number cannot be read
            if idx != before + 1:
                self._say(first_line[idx], f"idx {idx} follows {before}: numbers go from 1 without gaps")
            before = idx
        if self.problems:
            return Reading(problems=tuple(sorted(self.problems, key=_line_of)))
        return Reading(prompts=tuple(sorted(prompts, key=lambda prompt: prompt.idx)))

    def _say(self, line: int, message: str) -> None:
        self.problems.append(Problem(f"{self.name}:{line}", message))

    def _idx(self, entry: Entry) -> int | None:
        value = self._required(entry, "idx")
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST:
            self._say(entry.line_of("idx"), f"idx must be a whole number from 1, not {_shown(value)}")
            return None
        return int(value)

    def _text(self, entry: Entry) -> str | None:
        value = self._required(entry, "prompt")
        if value is None:
            return None
        text = self._checked(entry, "prompt", value)
        if text == "":
            self._say(entry.line_of("prompt"), "prompt is empty")
        return text

    def _negative(self, entry: Entry) -> str | None:
        placed = entry.keys.get("negative")
        if placed is None or placed.value is None:
            return None
        return self._checked(entry, "negative", placed.value) or None

    def _translations(self, entry: Entry) -> dict[str, str]:
        placed = entry.keys.get("translations")
        if placed is None or placed.value is None:
            return {}
        if not isinstance(placed.value, Mapping):
            self._say(placed.line, "translations must be languages with texts, such as en: a fox in the snow")
            return {}
        texts = {}
        for language, value in placed.value.items():
            if not re.fullmatch(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", str(language), re.ASCII):
                self._say(placed.line, f"translations: {_shown(language)} is no language in small letters, such as en")
                continue
            text = self._checked(entry, "translations", value)
            if text == "":
                self._say(placed.line, f"translations: the text for {language} is empty")
            texts[str(language)] = text or ""
        return texts

    def _required(self, entry: Entry, key: str) -> Any:
        placed = entry.keys.get(key)
        if placed is not None and placed.value is not None:
            return placed.value
        unknown = [name for name in entry.keys if name not in KNOWN_KEYS]
        near = difflib.get_close_matches(key, unknown, n=1)
        if near:
            self._say(entry.line_of(near[0]), f'unknown key "{near[0]}" where {key} is missing: did you mean "{key}"?')
        else:
            self._say(entry.line_of(key), f"{key} is missing")
        return None

    def _checked(self, entry: Entry, key: str, value: Any) -> str | None:
        if not isinstance(value, str):
            self._say(entry.line_of(key), f"{key} must be text, not {_shown(value)}: put it in quotes")
            return None
        text = str(value).strip()
        wrong = why_no_text(text)
        if wrong:
            self._say(entry.line_of(key), f"{key} {wrong}")
            return None
        return text


def why_no_text(text: str) -> str | None:
    """Why a text cannot be a prompt, to follow the name of the field; None when it can (or is empty)."""
    if len(text) > LONGEST:
        return f"is longer than {LONGEST} characters"
    if any("\ud800" <= character <= "\udfff" or character == "\0" for character in text):
        return "holds a character that is no text (half of a surrogate pair, or a zero)"
    return None


def _line_of(problem: Problem) -> int:
    return int(problem.where.rpartition(":")[2])


def _shown(value: object) -> str:
    if isinstance(value, Mapping | list):
        return "a list or mapping"
    try:
        return repr(value)[:40]
    except (ValueError, RecursionError):  # more digits than Python prints; a list that holds itself
        return "this"
