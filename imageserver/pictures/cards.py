"""Cards at a frame's size, drawn when they are asked for and kept while they say the same."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Executor
from typing import cast, get_args

from attrs import define, field, frozen

from imageserver.language import Language
from imageserver.pictures.renditions import Rendition
from imageserver.target import Target

_MOST_KEPT = 64

_log = logging.getLogger(__name__)


@frozen(kw_only=True)
class CardFacts:
    """What a card can tell at the moment it is drawn."""

    language: Language
    page: str  # where a person looks
    providers: tuple[tuple[str, str], ...]  # code and what is missing


@define(kw_only=True, eq=False)
class CardRenditions:
    """Draws cards in a thread."""

    _facts: Callable[[], CardFacts]
    _executor: Executor
    _kept: OrderedDict[str, Rendition] = field(init=False, factory=OrderedDict)

    async def get(self, kind: str, target: Target, reasons: tuple[tuple[str, str], ...] = ()) -> Rendition:
        """The card of this kind, in the owner's language.

        `reasons` are (provider, what went wrong) of this very card; without any it says what is missing everywhere.
        """
        facts = self._facts()
        reasons = reasons or facts.providers
        said = repr((kind, reasons, target.key, facts.language, facts.page)).encode()
        key = f"card/{hashlib.sha256(said).hexdigest()[:16]}"
        kept = self._kept.get(key)
        if kept is None:
            jpeg = await asyncio.get_running_loop().run_in_executor(self._executor, _draw, kind, reasons, target, facts)
            kept = Rendition(key=key, size=len(jpeg), path=None, base64=base64.b64encode(jpeg))
            self._kept[key] = kept
            if len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return kept


def _draw(kind: str, reasons: tuple[tuple[str, str], ...], target: Target, facts: CardFacts) -> bytes:
    from imageserver import cards, image  # they bring Pillow with them

    card = cards.Card(
        # a journal may hold a kind of card that this version does not draw
        kind=cast(cards.Kind, kind) if kind in get_args(cards.Kind) else "provider_failed",
        address=facts.page,
        reasons=tuple(cards.Reason(provider=code, reason=reason) for code, reason in reasons),
    )
    try:
        return image.render(cards.draw_card(card, facts.language, target.width, target.height), target)
    except Exception:
        _log.exception("the card %s cannot be drawn; the frame gets a black picture", kind)
        return image.black(target)
