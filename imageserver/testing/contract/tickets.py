"""The contract about tickets: the picture is behind them after a restart too, and whatever the wire does."""

from __future__ import annotations

from pathlib import Path

from imageserver.errors import (
    BadResult,
    DeadlineExceeded,
    ProviderError,
    RateLimited,
    TransientError,
    Unreachable,
    UnreadableAnswer,
)
from imageserver.testing.contract.base import ContractBase, a_wish, check, gives_tickets, speaks
from imageserver.testing.contract.modes import EACH_WIRE, TOO_LARGE, deadline_in
from imageserver.testing.contract.room import PATIENT, Room, room, serving
from imageserver.testing.contract.words import assert_picture, assert_sentence
from imageserver.testing.service import GOOD

# the server keeps the ticket for these
_ASKED_AGAIN = (TransientError, Unreachable, RateLimited, DeadlineExceeded, UnreadableAnswer)


class TicketChecks(ContractBase):
    """A ticket is as good as the picture."""

    @check(gives_tickets)
    async def test_a_ticket_leads_to_the_picture(self, tmp_path: Path) -> None:
        """submit() gives a text, and poll() gives None until it gives the picture."""
        async with room(self, tmp_path) as it:
            assert_picture(await it.fetched(await _ticket(it)))

    @check(gives_tickets)
    async def test_a_ticket_outlives_a_restart(self, tmp_path: Path) -> None:
        """A new instance, which remembers nothing, finds the picture of an old ticket."""
        async with serving(self) as fake:
            async with room(self, tmp_path, fake) as it:
                ticket = await _ticket(it)
            async with room(self, tmp_path, fake) as it:
                assert_picture(await it.fetched(ticket))

    @check(gives_tickets)
    async def test_an_unknown_ticket_is_an_error(self, tmp_path: Path) -> None:
        """A ticket that the service never gave, of any form, ends in a ProviderError with a sentence."""
        async with room(self, tmp_path) as it:
            for ticket in ("no-such-ticket", "../../x?y=1#z", "билет", "{}"):
                error = await _asked(it, ticket)
                assert error is not None, (
                    f'poll("{ticket}") raised nothing: a service, and its fake, refuse such tickets'
                )
                assert_sentence(str(error), it.secrets)

    @check(gives_tickets, speaks, each=EACH_WIRE)
    async def test_a_bad_wire_leaves_the_ticket_good(self, tmp_path: Path, wire: str) -> None:
        """A question that goes wrong is one that is asked again, and then the picture is there.

        An answer that is too large may be BadResult: it would be as large the next time.
        """
        async with room(self, tmp_path) as it:
            ticket = await _ticket(it)
            it.host.deadline = deadline_in(wire)
            await it.fake.become(wire)
            error = await _asked(it, ticket)
            if error is not None:
                kind = type(error).__name__
                good = isinstance(error, _ASKED_AGAIN) or (wire in TOO_LARGE and isinstance(error, BadResult))
                assert good, f"{wire} became {kind}, which gives the ticket up: {error}"
                assert_sentence(str(error), it.secrets)
            it.host.deadline = PATIENT
            await it.fake.become(GOOD)
            assert_picture(await it.fetched(ticket))


async def _asked(it: Room, ticket: str) -> ProviderError | None:
    """The error that a question about a ticket ended in, if it did."""
    try:
        await it.poll(ticket)
    except ProviderError as error:
        return error
    return None


async def _ticket(it: Room) -> str:
    ticket = await it.submit(a_wish())
    assert isinstance(ticket, str), "submit() gave the picture itself; gives_tickets = False where it always does"
    return ticket
