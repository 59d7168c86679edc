from __future__ import annotations

from typing import Literal

import pytest

from imageserver.language import owners_language

RUSSIAN, ENGLISH = ["a cat", "Ёлка в снегу"], ["a cat", "naïve café"]


@pytest.mark.parametrize(
    ("option", "environment", "prompts", "expected"),
    [
        ("ru", {"LANG": "en_US.UTF-8"}, ENGLISH, "ru"),
        ("en", {"LANG": "ru_RU.UTF-8"}, RUSSIAN, "en"),
        ("auto", {"LANG": "ru_RU.UTF-8"}, ENGLISH, "ru"),
        ("auto", {"LANG": "de_DE.UTF-8"}, RUSSIAN, "en"),
        ("auto", {"LC_ALL": "ru_RU", "LANG": "en_US"}, ENGLISH, "ru"),
        ("auto", {"LC_ALL": "", "LC_MESSAGES": "en_GB", "LANG": "ru_RU"}, RUSSIAN, "en"),
        ("auto", {"LANG": "C.UTF-8"}, RUSSIAN, "ru"),
        ("auto", {"LC_ALL": "POSIX", "LANG": "ru_RU"}, ENGLISH, "ru"),
        ("auto", {}, RUSSIAN, "ru"),
        ("auto", {}, ENGLISH, "en"),
        ("auto", {}, [], "en"),
    ],
)
def test_the_owners_language(
    option: Literal["auto", "ru", "en"], environment: dict[str, str], prompts: list[str], expected: str
) -> None:
    """The option wins, then the system's language, then the language of the prompts, then English."""
    assert owners_language(option, environment, prompts) == expected
