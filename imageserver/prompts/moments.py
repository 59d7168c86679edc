"""The placeholders that need no list: [[season]], [[month]], [[weekday]] and [[time_of_day]], by the owner's clock."""

from __future__ import annotations

from datetime import datetime

from imageserver.language import Language
from imageserver.prompts.templates import Lists, Value

# English and Russian. Seasons are those of the northern half of the world, from January.
_SEASONS = (("winter", "зима"), ("spring", "весна"), ("summer", "лето"), ("autumn", "осень"))
_MONTHS = (
    ("January", "январь"),
    ("February", "февраль"),
    ("March", "март"),
    ("April", "апрель"),
    ("May", "май"),
    ("June", "июнь"),
    ("July", "июль"),
    ("August", "август"),
    ("September", "сентябрь"),
    ("October", "октябрь"),
    ("November", "ноябрь"),
    ("December", "декабрь"),
)
_WEEKDAYS = (
    ("Monday", "понедельник"),
    ("Tuesday", "вторник"),
    ("Wednesday", "среда"),
    ("Thursday", "четверг"),
    ("Friday", "пятница"),
    ("Saturday", "суббота"),
    ("Sunday", "воскресенье"),
)
_NIGHT = ("night", "ночь")
_TIMES_OF_DAY = ((5, _NIGHT), (12, ("morning", "утро")), (18, ("afternoon", "день")), (23, ("evening", "вечер")))


def now(moment: datetime, language: Language) -> Lists:
    """What the four stand for at a moment of the owner's local time: one value each."""
    words = {
        "season": _SEASONS[moment.month % 12 // 3],
        "month": _MONTHS[moment.month - 1],
        "weekday": _WEEKDAYS[moment.weekday()],
        "time_of_day": next((word for until, word in _TIMES_OF_DAY if moment.hour < until), _NIGHT),
    }
    return {name: (_value(word, language),) for name, word in words.items()}


def _value(word: tuple[str, str], language: Language) -> Value:
    english, russian = word
    return Value(text=russian if language == "ru" else english, translations={"en": english, "ru": russian})


def _ever(*words: tuple[str, str]) -> tuple[Value, ...]:
    return tuple(_value(word, language) for word in words for language in ("en", "ru"))


# Whatever the four may ever stand for: what a file must be good for at any moment.
EVER: Lists = {
    "season": _ever(*_SEASONS),
    "month": _ever(*_MONTHS),
    "weekday": _ever(*_WEEKDAYS),
    "time_of_day": _ever(*(word for _, word in _TIMES_OF_DAY)),
}
