"""Every failure of the AI Horde that is known: its class, its sentence, and what becomes of the ticket."""

from __future__ import annotations

from pathlib import Path

import pytest

from default_plugins.aihorde_room import a_wish, room
from default_plugins.running_out import run_out
from imageserver import (
    AuthError,
    BadProviderRequest,
    BadResult,
    DeadlineExceeded,
    ModerationRefused,
    PaymentRequired,
    PermissionDenied,
    ProviderError,
    RateLimited,
    TransientError,
    Unreachable,
    UnreadableAnswer,
)

REFUSED: list[tuple[str, type[ProviderError], str]] = [
    ("wrong_key", AuthError, "api_key"),
    ("kudos", PaymentRequired, "allow_downgrade"),
    ("ip_timeout", RateLimited, "shut out"),
    ("client_agent", PermissionDenied, "contact"),
    ("corrupt_prompt", ModerationRefused, "another"),
    ("size_refused", BadProviderRequest, "pixels"),
    ("unheard_of", BadProviderRequest, "Flow shift"),
    ("too_many", RateLimited, "key of your own"),
    ("maintenance", TransientError, "maintenance"),
    ("ticket_missing", BadResult, "no ticket"),
    ("rate_limited", RateLimited, "too often"),
    ("redirect", TransientError, "not followed"),
    ("status_502", TransientError, "502"),
    ("html", UnreadableAnswer, "no JSON"),
    ("reset", TransientError, "broke off"),
]


@pytest.mark.parametrize(("mode", "kind", "word"), REFUSED, ids=[case[0] for case in REFUSED])
async def test_a_refused_order(tmp_path: Path, mode: str, kind: type[ProviderError], word: str) -> None:
    """Each refusal has its class, and a sentence with what to do."""
    async with room(tmp_path, mode) as it:
        with pytest.raises(ProviderError, match=word) as raised:
            await it.provider.submit(a_wish())
        assert type(raised.value) is kind


async def test_how_long_an_address_is_shut_out(tmp_path: Path) -> None:
    """The seconds that are told in words only are read from them."""
    async with room(tmp_path, "ip_timeout") as it:
        with pytest.raises(RateLimited) as raised:
            await it.provider.submit(a_wish())
        assert raised.value.retry_after == 43


FINAL: list[tuple[str, type[ProviderError], str]] = [
    ("impossible", BadProviderRequest, "models"),
    ("faulted", BadResult, "failed"),
    ("censored", ModerationRefused, "withheld"),
    ("censored_told_by_metadata", ModerationRefused, "withheld"),
    ("done_without_picture", BadResult, "without a picture"),
    ("bad_base64", BadResult, "base64"),
    ("wrong_key", AuthError, "api_key"),
]


@pytest.mark.parametrize(("mode", "kind", "word"), FINAL, ids=[case[0] for case in FINAL])
async def test_a_ticket_that_is_given_up_is_cancelled(
    tmp_path: Path, mode: str, kind: type[ProviderError], word: str
) -> None:
    """What ends a ticket here ends the order there too: no volunteer paints for nobody."""
    async with room(tmp_path) as it:
        ticket = await it.provider.submit(a_wish())
        await it.fake.become(mode)
        with pytest.raises(ProviderError, match=word) as raised:
            await it.provider.poll(ticket)
        assert type(raised.value) is kind
        assert it.fake.cancelled == [ticket]


async def test_cancelling_may_fail(tmp_path: Path) -> None:
    """When the service does not take the order back, the reason is still the one that counts."""
    async with room(tmp_path, "faulted_not_cancelled") as it:
        ticket = await it.provider.submit(a_wish())
        with pytest.raises(BadResult, match="failed"):
            await it.provider.poll(ticket)
        assert it.questions[-1] == "DELETE"


PASSING: list[tuple[str, type[ProviderError]]] = [
    ("html", TransientError),
    ("cut_text", TransientError),
    ("empty", TransientError),
    ("redirect", TransientError),
    ("reset", TransientError),
    ("garbage", TransientError),
    ("huge_body", TransientError),
    ("status_502", TransientError),
    ("maintenance", TransientError),
    ("link_expired", TransientError),
    ("link_elsewhere", TransientError),
    ("ip_timeout", RateLimited),
    ("too_many", RateLimited),
    ("never_accepts", Unreachable),
    ("silent", DeadlineExceeded),
]


@pytest.mark.parametrize(("mode", "kind"), PASSING, ids=[case[0] for case in PASSING])
async def test_what_passes_keeps_the_ticket(tmp_path: Path, mode: str, kind: type[ProviderError]) -> None:
    """After a question that went wrong the next one brings the picture, and nothing was cancelled."""
    async with room(tmp_path) as it:
        ticket = await it.provider.submit(a_wish())
        await it.fake.become(mode)
        question = it.provider.poll(ticket)
        with pytest.raises(ProviderError) as raised:
            await (run_out(question, it.fake) if mode in ("never_accepts", "silent") else question)
        assert type(raised.value) is kind
        await it.fake.become("good")
        assert await it.poll_later(ticket) is not None
        assert it.fake.cancelled == []


async def test_an_expired_order(tmp_path: Path) -> None:
    """The service forgot the order: that is final, and there is nothing left to cancel."""
    async with room(tmp_path) as it:
        ticket = await it.provider.submit(a_wish())
        await it.fake.become("expired")
        with pytest.raises(BadResult, match="expired"):
            await it.provider.poll(ticket)
        assert "DELETE" not in it.questions
