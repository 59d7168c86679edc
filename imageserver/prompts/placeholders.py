"""The lists of placeholders as a file has them → lists to draw from. Wrong ones are said, each with its line."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

from imageserver.prompts.entries import Placed
from imageserver.prompts.templates import Lists, Value, is_name
from imageserver.prompts.texts import shown, why_no_text

HEAVIEST = 1_000_000  # keeps the sum of weights a number
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", re.ASCII)


def is_language(text: object) -> bool:
    """Whether this names a language, in small letters: en, pt-br."""
    return isinstance(text, str) and _LANGUAGE.fullmatch(text) is not None


@frozen
class ListReader:
    """Reads one mapping of lists. `say` takes the line and the sentence of every problem."""

    key: str  # what the mapping is called in the file
    say: Callable[[int, str], None]

    def read(self, placed: Placed | None) -> Lists:
        """The lists. One with a problem is among them with the values that are good, so that its name is known."""
        if placed is None or placed.value is None:
            return {}
        if not isinstance(placed.value, Mapping):
            self.say(placed.line, f"{self.key} must be names with lists, such as color: [red, gold]")
            return {}
        lists = {}
        for key, values in placed.value.items():
            name = str(key) if isinstance(key, int) and not isinstance(key, bool) else key
            if not isinstance(name, str) or not is_name(name):
                self._say(values, f'{shown(key)} is no name: letters, digits, "_" and "-" make one')
            else:
                lists[str(name)] = self._values(str(name), values)
        return lists

    def _say(self, placed: Placed, message: str) -> None:
        self.say(placed.line, f"{self.key}: {message}")

    def _values(self, name: str, placed: Placed) -> tuple[Value, ...]:
        if not isinstance(placed.value, list):
            self._say(placed, f"{name} must be a list of values, such as [red, gold]")
            return ()
        if not placed.value:
            self._say(placed, f"{name} is empty: a list has at least one value")
        values = (self._value(name, item) for item in placed.value)
        return tuple(value for value in values if value is not None)

    def _value(self, name: str, placed: Placed) -> Value | None:
        if not isinstance(placed.value, Mapping):
            text = self._text(name, placed)
            return None if text is None else Value(text=text, line=placed.line)
        keys: dict[Any, Placed] = dict(placed.value)
        written, weight = keys.pop("value", None), keys.pop("weight", None)
        translations = {}
        for key, translation in keys.items():
            if not is_language(key):
                self._say(translation, f"{name}: {_unknown_key(key)}")
                continue
            translated = self._text(name, translation)
            if translated is not None:
                translations[str(key)] = translated
        heaviness = 1.0 if weight is None else self._weight(name, weight)
        if written is None:
            self._say(placed, f"{name}: value is missing, such as in {{value: gold, weight: 3}}")
            return None
        text = self._text(name, written)
        if text is None or heaviness is None:
            return None
        return Value(text=text, weight=heaviness, translations=translations, line=placed.line)

    def _text(self, name: str, placed: Placed) -> str | None:
        value = placed.value
        if value is None:
            self._say(placed, f'{name} has a value without text: write "" where nothing is meant')
            return None
        if _is_number(value):
            value = str(value)
        if not isinstance(value, str):
            self._say(placed, f"{name}: a value must be text or a number, not {shown(value)}: put it in quotes")
            return None
        wrong = why_no_text(value)
        if wrong:
            self._say(placed, f"{name}: a value {wrong}")
            return None
        return str(value)

    def _weight(self, name: str, placed: Placed) -> float | None:
        value = placed.value
        if _is_number(value) and 0 < value <= HEAVIEST:
            return float(value)
        self._say(placed, f"{name}: weight must be a number above 0, at most {HEAVIEST}, not {shown(value)}")
        return None


def _is_number(value: object) -> bool:
    if isinstance(value, int):
        return not isinstance(value, bool) and value.bit_length() < 1000  # longer ones cannot always be printed
    return isinstance(value, float) and math.isfinite(value)


def _unknown_key(key: object) -> str:
    near = difflib.get_close_matches(str(key), ("value", "weight"), n=1)
    if near:
        return f'unknown key {shown(key)}: did you mean "{near[0]}"?'
    return f"{shown(key)} is neither value nor weight, and no language in small letters, such as en"
