"""What a card can tell at this moment: who gives no picture and why, in whose language, and where a person looks."""

from __future__ import annotations

from attrs import define

from imageserver.error_cards import ErrorCards
from imageserver.errors import JournalUnavailable
from imageserver.language import Language
from imageserver.pictures.cards import CardFacts
from imageserver.pictures.store import PictureStore
from imageserver.registry import Registry
from imageserver.till import Till
from imageserver.troubles import Trouble

_NO_NEWS = frozenset({"asleep", "starting"})  # as the owner wants it, or over in a moment


@define(kw_only=True, eq=False)
class CardFactsNow:
    """Gathers the facts each time that a card is asked for. Asks no provider for anything."""

    _registry: Registry
    _store: PictureStore
    _till: Till
    _error_cards: ErrorCards
    _language: Language
    _page: str

    async def gather(self) -> CardFacts:
        """The facts. Never raises for a journal or a disk that does not answer."""
        troubles: dict[str, Trouble] = {}
        for host in list(self._registry.hosts.values()):
            state = host.state
            trouble: str | None = state.reason
            if state.ready:
                try:
                    trouble = await self._till.why_not(host)
                except (JournalUnavailable, OSError) as error:
                    trouble = Trouble(str(error), "journal")
            if isinstance(trouble, Trouble) and trouble.label not in _NO_NEWS:
                troubles[state.code] = trouble
        for code, why in self._store.absent.items():
            troubles[code] = Trouble(why, "absent")
        return CardFacts(
            language=self._language,
            page=self._page,
            troubles=troubles,
            titles={code: host.provider_class.title or code for code, host in self._registry.hosts.items()},
            tells_errors=self._error_cards.are_wanted,
        )
