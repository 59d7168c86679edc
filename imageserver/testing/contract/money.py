"""The contract about money: what was charged is never denied, and what was paid for is found again."""

from __future__ import annotations

from pathlib import Path

from imageserver.errors import ProviderError
from imageserver.providers import GeneratedImage
from imageserver.testing.contract.base import ContractBase, a_wish, check, is_paid, recovers, speaks
from imageserver.testing.contract.modes import EACH_FAILURE_AND_WIRE, deadline_in
from imageserver.testing.contract.room import alone, room, serving

_TORN = (b"", b"{", b"{}", b"[]", b"null", b"\x00\xff\xfe", b'{"data": [{"b64_json": "%"}]}', b"<html></html>")


class MoneyChecks(ContractBase):
    """The owner pays once for a picture."""

    @check(speaks, is_paid, each=EACH_FAILURE_AND_WIRE)
    async def test_what_was_charged_is_not_denied(self, tmp_path: Path, mode: str) -> None:
        """An error after the fake noted a charge says charged=True, or the picture would be bought again."""
        async with room(self, tmp_path, deadline=deadline_in(mode)) as it:
            await it.fake.become(mode)
            outcome = await it.outcome(a_wish())
            if isinstance(outcome, ProviderError) and it.fake.ledger.charges:
                assert outcome.charged, f"it was charged, and {type(outcome).__name__} denies it: {outcome}"

    @check(speaks, recovers)
    async def test_a_kept_answer_is_recovered(self, tmp_path: Path) -> None:
        """recover() gives the picture of an answer that was kept, and asks the service nothing."""
        async with room(self, tmp_path) as it:
            wish = a_wish()
            image = await it.picture(wish)
            kept = it.answers.read(wish.job)
            if kept is None:
                return  # it keeps none: a ticket, mostly, by which the picture is found again
            asked = len(it.fake.ledger.requests)
            found = await it.host.recover(wish, kept)
            assert isinstance(found, GeneratedImage), "recover() finds no picture in a whole answer"
            assert found.data == image.data
            assert len(it.fake.ledger.requests) == asked, "recover() called the service"

    @check(speaks, recovers)
    async def test_a_torn_answer_raises_nothing_strange(self, tmp_path: Path) -> None:
        """An answer that was cut off anywhere ends in None, in a ProviderError, or in what there is of the picture."""
        wish = a_wish()
        async with serving(self) as fake:
            async with room(self, tmp_path, fake) as it:
                await it.picture(wish)
                kept = it.answers.read(wish.job) or b""
            async with alone(self, tmp_path, fake) as it_alone:
                for torn in (*_TORN, kept[:1], kept[: len(kept) // 2], kept[:-1]):
                    try:
                        found = await it_alone.do(lambda torn=torn: it_alone.provider.recover(wish, torn))  # type: ignore[misc]  # mypy cannot type a lambda's default
                    except ProviderError:
                        continue
                    assert found is None or found.data, f"recover() made an empty picture of {torn[:40]!r}"
