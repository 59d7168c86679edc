"""Why something hangs on a wall or a provider rests, in the reader's language.

Other rooms say it in English, for the journal, the log and programs. Here their sentences are known again, and what was
filled into them is filled into the translation. What is not known stays as it is.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from attrs import frozen
from markupsafe import Markup

from imageserver.language import Language
from imageserver.web.words import N_, translations

_SENTENCES = (
    # the policy
    N_("asked for a stored picture"),
    N_("asked for the test card"),
    N_("the threshold has passed"),
    N_("the threshold has %(left)s left"),
    N_("no provider that paints is ready"),
    N_("too many jobs wait"),
    N_("the frame sleeps until %(hour)s"),
    N_("its owner sent it to sleep"),
    N_("nothing was stored"),
    N_("asked for any provider"),
    N_("asked for any provider, %(code)s has pictures"),
    N_("no other provider is ready"),
    N_("no other provider is ready for a prompt"),
    N_("no provider is ready"),
    N_("%(code)s is not there"),
    N_("%(code)s has no pictures"),
    N_("%(code)s is starting: %(reason)s"),
    N_("%(code)s is not ready: %(reason)s"),
    N_("%(code)s is paused: %(reason)s"),
    N_("%(code)s is hung: %(reason)s"),
    N_("%(code)s is broken: %(reason)s"),
    N_("asked for %(code)s, which takes no prompt"),
    N_("asked for %(code)s"),
    N_("the owner chose it"),
    N_("the journal cannot be written"),
    # the lap
    N_("new"),
    N_("next in the lap"),
    N_("first of a new lap"),
    N_("nothing is stored"),
    # the job
    N_("%(code)s painted"),
    N_("%(code)s painted picture %(picture)s once more"),
    N_("a stored picture"),
    # what is off
    N_("disabled_providers names it"),
    N_("not configured: write providers: {%(code)s: …} into options.yml"),
    N_("not configured: write extensions: {%(code)s: …} into options.yml"),
    # money and pauses
    N_("%(count)s pictures were bought today, and max_per_day is %(most)s"),
    N_("%(count)s pictures were bought this month, and max_per_month is %(most)s"),
    N_("%(cost)s was spent this month, and max_cost_per_month is %(most)s"),
    N_("%(count)s failures in a row, the last: %(error)s. It is asked again in %(left)s"),
    N_("%(error)s. It is asked again in %(left)s"),
    N_(
        "the journal is a copy, and what was bought may be missing from its counters: confirm them first, "
        "on the page Numbers or by `imageserver spending --confirm`"
    ),
    N_("%(error)s. It is not asked again before you say `imageserver plugins reload`"),
)
# Why a provider gave nothing, by the labels of errors.py.
_LABELS = (
    N_("provider"),
    N_("auth"),
    N_("permission"),
    N_("model_gone"),
    N_("payment"),
    N_("rate_limit"),
    N_("moderation"),
    N_("bad_request"),
    N_("unreachable"),
    N_("transient"),
    N_("deadline"),
    N_("bad_result"),
    N_("cap_reached"),
)
_NOTHING = ", and nothing is stored"
_ALSO_NOTHING = N_("%(why)s, and nothing is stored")
_UNITS = {"s": N_("%(n)s s"), "min": N_("%(n)s min"), "h": N_("%(n)s h")}
_HOLDS = {"code": r"[\w-]+", "left": r"\d+ (?:s|min|h)", "hour": r"[\d:]+", "count": r"\d+", "picture": r"\d+"}
_PLACE = re.compile(r"%\((\w+)\)s")


@frozen
class Part:
    """A piece of a reason."""

    text: str
    is_english: bool  # it is not known here, and stands as another room said it


def why_as_markup(language: Language, why: str) -> Markup:
    """For a template: what stays English says so, for those who listen."""
    return Markup("; ").join(
        Markup('<span lang="en">{}</span>').format(part.text)
        if part.is_english and language != "en"
        else Markup("{}").format(part.text)
        for part in parts_of(language, why)
    )


def why_as_text(language: Language, why: str) -> str:
    """For an answer to a program."""
    return "; ".join(part.text for part in parts_of(language, why))


@lru_cache(maxsize=1024)
def parts_of(language: Language, why: str) -> tuple[Part, ...]:
    """A reason in its pieces, each in the reader's language where it is known."""
    whole = _known(language, why)
    if whole is not None:
        return (Part(whole, is_english=False),)
    return tuple(_part(language, piece) for piece in why.split("; ")) if why else ()


def _part(language: Language, piece: str) -> Part:
    found = _known(language, piece)
    return Part(piece, is_english=True) if found is None else Part(found, is_english=False)


def _known(language: Language, sentence: str) -> str | None:
    words = translations(language)
    if sentence.endswith(_NOTHING):
        inner = _known(language, sentence.removesuffix(_NOTHING))
        return None if inner is None else words.gettext(_ALSO_NOTHING) % {"why": inner}
    for message, pattern in _patterns():
        found = pattern.fullmatch(sentence)
        if found is not None:
            return words.gettext(message) % {name: _filled(language, *one) for name, one in _groups(found)}
    code, colon, rest = sentence.partition(": ")
    if not colon or not re.fullmatch(_HOLDS["code"], code):
        return None
    inner = words.gettext(rest) if rest in _LABELS else _known(language, rest)
    return None if inner is None else f"{code}: {inner}"


def _groups(found: re.Match[str]) -> list[tuple[str, tuple[str, str]]]:
    return [(name, (name, value)) for name, value in found.groupdict().items()]


def _filled(language: Language, name: str, value: str) -> str:
    """What was filled in; a span of time has its unit's word."""
    if name != "left":
        return value
    number, unit = value.split(" ")
    return translations(language).gettext(_UNITS[unit]) % {"n": number}


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((sentence, re.compile(_as_pattern(sentence), re.DOTALL)) for sentence in _SENTENCES)


def _as_pattern(sentence: str) -> str:
    texts, places = _PLACE.split(sentence)[::2], _PLACE.findall(sentence)
    pieces = [f"(?P<{name}>{_HOLDS.get(name, '.+?')})" for name in places]
    return "".join(re.escape(text) + piece for text, piece in zip(texts, [*pieces, ""], strict=True))
