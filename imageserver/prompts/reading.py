"""The text of a prompts file → its prompts, or everything that is wrong with it, each with its line."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from imageserver.errors import Problem
from imageserver.prompts import json_text, yaml_text
from imageserver.prompts.entries import Contents, Entry, Unreadable
from imageserver.prompts.placeholders import ListReader, is_language
from imageserver.prompts.template_check import TemplateRules, Written
from imageserver.prompts.templates import Lists
from imageserver.prompts.texts import shown, why_no_text

KNOWN_KEYS = ("idx", "prompt", "negative", "translations", "placeholders")
MOST = 1_000_000  # entries: keeps a number typed by a cat out of our messages
_NO_NUMBER = 0  # the idx of an entry whose number cannot be read


@frozen(kw_only=True)
class Prompt:
    """One entry of the library. `idx` is its age: 1 is the oldest.

    In the library its texts may be templates. In one that was drawn they are what is to be painted.
    """

    text: str
    negative: str | None = None  # what must not be in the picture
    translations: Mapping[str, str] = field(factory=dict, hash=False)  # language → the same prompt in it
    placeholders: Lists = field(factory=dict, hash=False)  # the prompt's own; they win over the file's
    template: str | None = None  # of one that was drawn: its text in the library, where that holds placeholders
    idx: int


@frozen(kw_only=True)
class Reading:
    """What a prompts file says: prompts from the oldest to the newest; nothing is given where there is a problem."""

    prompts: tuple[Prompt, ...] = ()
    placeholders: Lists = field(factory=dict, hash=False)  # those for all prompts
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
        found = yaml_text.contents(text) if is_yaml(name) else json_text.contents(text)
    except Unreadable as broken:
        return unreadable(name, broken.line, str(broken))
    return _Check(name).run(found)


@frozen
class _Check:
    """The rules for entries, the same in both formats."""

    name: str
    problems: list[Problem] = field(factory=list)

    def run(self, found: Contents) -> Reading:
        common = ListReader("global_placeholders", self._say).read(found.lists)
        rules = TemplateRules(common, self._say)
        prompts = []
        first_line: dict[int, int] = {}
        numbers = []
        for placed in found.entries:
            if not isinstance(placed.value, Entry):
                self._say(placed.line, 'expected an entry with "idx" and "prompt"')
                continue
            entry = placed.value
            prompt = self._prompt(entry, rules)
            numbers.append(prompt.idx)
            if prompt.idx in first_line:
                self._say(
                    entry.line_of("idx"), f"idx {prompt.idx} is used twice: first on line {first_line[prompt.idx]}"
                )
            elif prompt.idx:
                first_line[prompt.idx] = entry.line_of("idx")
                prompts.append(prompt)
        before = 0
        # a gap may be the entry whose number cannot be read
        is_numbered = all(isinstance(placed.value, Entry) for placed in found.entries) and _NO_NUMBER not in numbers
        for idx in sorted(first_line) if is_numbered else ():
            if idx != before + 1:
                self._say(first_line[idx], f"idx {idx} follows {before}: numbers go from 1 without gaps")
            before = idx
        if self.problems:
            return Reading(problems=tuple(sorted(self.problems, key=_line_of)))
        return Reading(prompts=tuple(sorted(prompts, key=lambda prompt: prompt.idx)), placeholders=common)

    def _prompt(self, entry: Entry, rules: TemplateRules) -> Prompt:
        """The entry as a prompt, good only where nothing was said about it."""
        prompt = Prompt(
            idx=self._idx(entry) or _NO_NUMBER,
            text=self._text(entry) or "",
            negative=self._negative(entry),
            translations=self._translations(entry),
            placeholders=ListReader("placeholders", self._say).read(entry.keys.get("placeholders")),
        )
        texts = [Written(field="prompt", text=prompt.text, line=entry.line_of("prompt"))] if prompt.text else []
        if prompt.negative:
            line = entry.line_of("negative")
            texts.append(Written(field="negative", text=prompt.negative, line=line, may_be_empty=True))
        line = entry.line_of("translations")
        texts += [
            Written(field=f"translations: {language}", text=text, line=line, language=language)
            for language, text in prompt.translations.items()
            if text
        ]
        rules.check(prompt.placeholders, texts)
        return prompt

    def _say(self, line: int, message: str) -> None:
        self.problems.append(Problem(f"{self.name}:{line}", message))

    def _idx(self, entry: Entry) -> int | None:
        value = self._required(entry, "idx")
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST:
            self._say(entry.line_of("idx"), f"idx must be a whole number from 1, not {shown(value)}")
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
            if not is_language(language):
                self._say(placed.line, f"translations: {shown(language)} is no language in small letters, such as en")
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
            self._say(entry.line_of(key), f"{key} must be text, not {shown(value)}: put it in quotes")
            return None
        text = str(value).strip()
        wrong = why_no_text(text)
        if wrong:
            self._say(entry.line_of(key), f"{key} {wrong}")
            return None
        return text


def _line_of(problem: Problem) -> int:
    return int(problem.where.rpartition(":")[2])
