"""What a prompt asks for: colours, a mood, light or dark, and a style."""

from __future__ import annotations

import re
from collections import Counter

from attrs import frozen

from imageserver.default_plugins.atelier import vocabulary

_ENDINGS = {
    "*": "[а-я]*",
    "+": "(?:ый|ой|ая|ое|ые|ого|ому|ым|ом|ую|ых|ыми|ою|о|еньк[а-я]+|оват[а-я]+)",
    "~": "(?:ий|яя|ее|ие|его|ему|им|ем|юю|их|ими|ею|еньк[а-я]+|еват[а-я]+)",
}
_MOST_WORDS = 400  # a prompt of ten thousand characters says what it wants long before its end
_DARK_MOODS = ("night", "fire")
_BRIGHT_MOODS = ("winter", "spring", "summer")


def _pattern(entries: str) -> re.Pattern[str]:
    words = (entry[:-1] + _ENDINGS[entry[-1]] if entry[-1] in _ENDINGS else entry for entry in entries.split())
    return re.compile("|".join(words))


_COLOURS = {name: _pattern(entries) for name, entries in vocabulary.COLOURS.items()}
_MOODS = {name: _pattern(entries) for name, entries in vocabulary.MOODS.items()}
_STYLES = {name: _pattern(entries) for name, entries in vocabulary.STYLES.items()}
_DARK, _BRIGHT = _pattern(vocabulary.DARK), _pattern(vocabulary.BRIGHT)


@frozen(kw_only=True)
class Wishes:
    """What was found in a prompt."""

    colours: tuple[str, ...]  # in the order in which they are named, each once, at most three
    mood: str | None
    dark: bool | None  # None: the prompt does not say
    styles: tuple[str, ...]  # those that the most words ask for, else those that suit the mood; may be empty


def wishes_of(prompt: str) -> Wishes:
    """Read a prompt. Never fails: a prompt that says nothing gives empty wishes."""
    plain = prompt.lower().replace("ё", "е").replace("sky blue", "azure").replace("sky-blue", "azure")
    words = re.findall(r"[a-zа-я]+", plain)[:_MOST_WORDS]
    colours = dict.fromkeys(name for word in words for name, known in _COLOURS.items() if known.fullmatch(word))
    mood = next((name for name, known in _MOODS.items() if _any(known, words)), None)
    votes = Counter(name for word in words for name, known in _STYLES.items() if known.fullmatch(word))
    most = max(votes.values(), default=0)
    return Wishes(
        colours=tuple(colours)[:3],
        mood=mood,
        dark=_dark(words, mood),
        styles=tuple(name for name in _STYLES if votes[name] == most)
        if most
        else vocabulary.SUITING.get(mood or "", ()),
    )


def _any(known: re.Pattern[str], words: list[str]) -> bool:
    return any(known.fullmatch(word) for word in words)


def _dark(words: list[str], mood: str | None) -> bool | None:
    if _any(_DARK, words):
        return True
    if _any(_BRIGHT, words):
        return False
    return True if mood in _DARK_MOODS else False if mood in _BRIGHT_MOODS else None
