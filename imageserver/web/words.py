"""What pages say, in the language of whoever reads them.

English stands in the templates and in the code; `locale/` has the other languages. `make words` takes new messages
there.
"""

from __future__ import annotations

import gettext
import re
from functools import cache
from pathlib import Path

from aiohttp import web

from imageserver.language import Language
from imageserver.web.catalogue import read_catalogue

LANGUAGES: dict[Language, str] = {"en": "English", "ru": "Русский"}  # each as its readers call it
COOKIE = "imageserver_language"
_LOCALE = Path(__file__).parent / "locale"
_LONGEST = 200  # characters of a header that are looked at
_RANGE = re.compile(r"\s*([A-Za-z]{1,8})(?:-[A-Za-z0-9-]+)?\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*)?")


def N_(message: str) -> str:  # noqa: N802 - gettext's own name for it
    """Marks a message that is translated where it is shown."""
    return message


# States that other rooms tell; each is one word on the page.
_STATES = (
    N_("starting"),
    N_("ready"),
    N_("not ready"),
    N_("paused"),
    N_("hung"),
    N_("broken"),
    N_("last resort"),
    N_("off"),
    N_("queued"),
    N_("calling"),
    N_("waiting"),
    N_("done"),
    N_("failed"),
    N_("unknown"),
    N_("auto"),
    N_("old"),
    N_("any"),
    N_("provider"),
    N_("test"),
    N_("starter"),
)


@cache
def translations(language: Language) -> gettext.NullTranslations:
    """The catalogue of a language; English is its own."""
    if language == "en":
        return gettext.NullTranslations()
    return read_catalogue(_LOCALE / language / "LC_MESSAGES" / "messages.po")


def state_in(language: Language, state: str) -> str:
    """A state's word; one that is not known stays as it is."""
    return translations(language).gettext(state) if state in _STATES else state


def language_of(request: web.Request) -> Language:
    """What the reader chose by the link, else what their browser asks for, else English."""
    chosen = request.cookies.get(COOKIE)
    for language in LANGUAGES:
        if language == chosen:
            return language
    return preferred(request.headers.get("Accept-Language", ""))


def preferred(accepted: str) -> Language:
    """The best of our languages for an `Accept-Language` header (RFC 9110, 12.5.4); English where none fits."""
    best: Language = "en"
    most = 0.0
    for part in accepted[:_LONGEST].split(","):
        found = _RANGE.fullmatch(part)
        if found is None:
            continue
        weight = float(found[2] or 1)
        for language in LANGUAGES:
            if found[1].lower() == language and weight > most:
                best, most = language, weight
    return best


def load_words() -> None:
    """Read the catalogues before the loop runs."""
    for language in LANGUAGES:
        translations(language)
