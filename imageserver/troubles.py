"""What keeps pictures from coming: a sentence for the owner, with a label by which cards translate it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# What nobody but the owner can mend. What passes by itself (a cap, a pause, a sleep window) is not among them.
OWNERS_BUSINESS: Final = frozenset(
    {"auth", "permission", "model_gone", "payment", "not_ready", "broken", "hung", "absent", "clock", "disk"}
)


class Trouble(str):
    """The sentence, in English. `label` is one of those in card_words.py, or a ProviderError's `reason`."""

    __slots__ = ("facts", "label")

    label: str
    facts: Mapping[str, str]  # what a sentence in another language repeats: numbers, dates

    def __new__(cls, sentence: str, label: str, **facts: object) -> Trouble:
        """`facts` become texts."""
        made = super().__new__(cls, sentence)
        made.label = label
        made.facts = {name: str(value) for name, value in facts.items()}
        return made
