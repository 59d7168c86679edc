"""Which language the owner reads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal

Language = Literal["ru", "en"]


def owners_language(
    option: Literal["auto", "ru", "en"], environment: Mapping[str, str], prompts: Iterable[str]
) -> Language:
    """The option's word; else the system's; else, where the system says nothing, the language of the prompts."""
    if option != "auto":
        return option
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        said = environment.get(name, "")
        if said.startswith("ru"):
            return "ru"
        if said and not re.match(r"(C|POSIX)\b", said):
            return "en"
    return "ru" if any(re.search("[а-яё]", prompt, re.IGNORECASE) for prompt in prompts) else "en"
