"""Cards at a frame's size, drawn when they are asked for and kept while they say the same."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import Executor
from functools import partial
from typing import cast, get_args

from attrs import define, field, frozen

from imageserver.card_words import Kind, in_words
from imageserver.language import Language
from imageserver.pictures.rendition import Rendition
from imageserver.target import Target
from imageserver.troubles import Trouble

_MOST_KEPT = 64

_log = logging.getLogger(__name__)


@frozen(kw_only=True)
class CardFacts:
    """What a card can tell at the moment it is drawn."""

    language: Language
    page: str  # where a person looks; empty where that is not known
    troubles: Mapping[str, Trouble] = field(factory=dict)  # by provider, what keeps its pictures from coming
    titles: Mapping[str, str] = field(factory=dict)  # by provider, what people call it
    tells_errors: bool = True


# Kinds that say one thing, and the labels of the troubles that they are about, the gravest first.
_ABOUT: tuple[tuple[str, frozenset[str]], ...] = (
    ("clock_wrong", frozenset({"clock"})),
    ("disk_full", frozenset({"disk"})),
    ("key_refused", frozenset({"auth", "permission"})),
    ("no_money", frozenset({"payment"})),
    ("needs_setup", frozenset({"not_ready"})),
)
_OPEN = {"nothing_stored", "provider_failed", "cap_reached"}  # kinds that a trouble may say better
_GRAVE = {"clock_wrong", "disk_full"}  # these alone say better why nothing may be bought


@define(kw_only=True, eq=False)
class CardRenditions:
    """Draws cards in a thread."""

    _facts: Callable[[], Awaitable[CardFacts]]
    _executor: Executor
    _kept: OrderedDict[str, Rendition] = field(init=False, factory=OrderedDict)
    _drawing: dict[str, asyncio.Task[Rendition]] = field(init=False, factory=dict)

    async def get(
        self, kind: str, target: Target, about: tuple[str, Trouble] | None = None, address: str = ""
    ) -> Rendition:
        """The card of this kind, in the owner's language.

        `about` is the provider that this very card is about, and what went wrong; without it the card says what is
        missing everywhere. `address` is where a person looks, where the server itself cannot know.
        """
        if kind == "black":
            return await self._drawn(("black", target.key), partial(_black, target))
        facts = await self._facts()
        if not facts.tells_errors and kind != "painting":
            return await self._drawn(("quiet", target.key), partial(_quiet, target))
        troubles = dict(facts.troubles)
        if about is not None:
            code, trouble = about
            # What a job wrote down of a limit has no numbers; how it stands now has.
            now = troubles.get(code)
            troubles = {code: now if now is not None and trouble.label == "cap_reached" else trouble}
        reasons = tuple(
            (facts.titles.get(code, code), in_words(trouble, facts.language)) for code, trouble in troubles.items()
        )
        kind = _foremost(kind, troubles.values())
        said = (kind, reasons, target.key, facts.language, facts.page or address)
        return await self._drawn(said, partial(_draw, kind, reasons, target, facts.language, facts.page or address))

    async def test(self, number: int, name: str, target: Target) -> Rendition:
        """The test card of one frame: what its panel does to edges, directions, colours and greys."""
        return await self._drawn(("test", number, name, target.key), partial(_test_card, number, name, target))

    async def close(self) -> None:
        """Let cards that are being drawn come to their end."""
        if self._drawing:
            await asyncio.wait(self._drawing.values())

    async def _drawn(self, said: tuple[object, ...], draw: Callable[[], bytes]) -> Rendition:
        key = f"card/{hashlib.sha256(repr(said).encode()).hexdigest()[:16]}"
        kept = self._kept.get(key)
        if kept is not None:
            return kept
        drawing = self._drawing.get(key)
        if drawing is None:
            # The task, not the caller, owns the work: who gives up meanwhile finds the card at the next question.
            drawing = self._drawing[key] = asyncio.create_task(self._made(key, draw), name=f"drawing {key}")
            drawing.add_done_callback(partial(self._ended, key))
        return await asyncio.shield(drawing)

    async def _made(self, key: str, draw: Callable[[], bytes]) -> Rendition:
        jpeg = await asyncio.get_running_loop().run_in_executor(self._executor, draw)
        made = self._kept[key] = Rendition(key=key, size=len(jpeg), path=None, base64=base64.b64encode(jpeg))
        if len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return made

    def _ended(self, key: str, done: asyncio.Task[Rendition]) -> None:
        del self._drawing[key]
        if not done.cancelled():
            done.exception()  # every caller may have gone; the error was theirs


def _black(target: Target) -> bytes:
    from imageserver import image

    return image.black(target)


def _test_card(number: int, name: str, target: Target) -> bytes:
    from imageserver import image, testcard

    return image.encoded(testcard.draw_test_card(number, name, *target.upright), target)


def _quiet(target: Target) -> bytes:
    from imageserver import cards, image

    return image.render(cards.draw_sky(*target.upright), target)


def _foremost(kind: str, troubles: Iterable[Trouble]) -> str:
    """The kind that names the gravest of the troubles, where the one that was asked for says less."""
    labels = {trouble.label for trouble in troubles}
    if kind in _OPEN:
        for better, about in _ABOUT:
            if labels & about and (kind != "cap_reached" or better in _GRAVE):
                return better
    return kind


def _draw(kind: str, reasons: tuple[tuple[str, str], ...], target: Target, language: Language, address: str) -> bytes:
    from imageserver import cards, image  # they bring Pillow with them

    card = cards.Card(
        # a journal may hold a kind of card that this version does not draw
        kind=cast(Kind, kind) if kind in get_args(Kind) else "provider_failed",
        address=address,
        reasons=tuple(cards.Reason(provider=code, reason=reason) for code, reason in reasons),
    )
    try:
        return image.render(cards.draw_card(card, language, *target.upright), target)
    except Exception:
        _log.exception("the card %s cannot be drawn; the frame gets a black picture", kind)
        return image.black(target)
