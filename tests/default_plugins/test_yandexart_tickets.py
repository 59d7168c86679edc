"""The asynchronous interface: a ticket is money, so it is given up only when there is nothing left to wait for."""

from __future__ import annotations

from pathlib import Path

import pytest

from default_plugins.running_out import run_out
from default_plugins.yandexart_room import a_wish, room, write_keys
from imageserver import (
    AuthError,
    BadResult,
    DeadlineExceeded,
    ModerationRefused,
    ProviderError,
    RateLimited,
    TransientError,
    Unreachable,
)

ENDS: list[tuple[str, type[ProviderError], str]] = [
    ("operation_error", ModerationRefused, "another"),
    ("operation_error_early", ModerationRefused, "another"),
    ("operation_internal", BadResult, "gave the picture up"),
    ("done_without_image", BadResult, "without a picture"),
    ("bad_base64", BadResult, "base64"),
    ("operation_gone", BadResult, "3 days"),
    ("huge_body", BadResult, "16 MiB"),
    ("gzip_bomb", BadResult, "16 MiB"),
    ("wrong_key", AuthError, "yc.ai.imageGeneration.execute"),
]
PASSES: list[tuple[str, type[ProviderError]]] = [
    ("html", TransientError),
    ("cut_text", TransientError),
    ("empty", TransientError),
    ("wrong_id", TransientError),
    ("redirect", TransientError),
    ("reset", TransientError),
    ("reset_mid_body", TransientError),
    ("length_too_large", TransientError),
    ("length_too_small", TransientError),
    ("garbage", TransientError),
    ("status_502", TransientError),
    ("status_503", TransientError),
    ("status_504", TransientError),
    ("rate_limited", RateLimited),
    ("never_accepts", Unreachable),
]


@pytest.mark.parametrize(("mode", "kind", "word"), ENDS, ids=[case[0] for case in ENDS])
async def test_the_end_of_a_ticket(tmp_path: Path, mode: str, kind: type[ProviderError], word: str) -> None:
    """What is final has a class that ends the ticket, a reason, and counts as paid, for the picture was ordered."""
    async with room(tmp_path, transport="async") as it:
        ticket = await it.ticket(a_wish())
        await it.fake.become(mode)
        with pytest.raises(ProviderError, match=word) as raised:
            await it.provider.poll(ticket)
        assert isinstance(raised.value, kind)
        assert not isinstance(raised.value, TransientError | RateLimited | Unreachable)
        assert raised.value.charged is True
        assert len(it.fake.ledger.charges) == 1


@pytest.mark.parametrize(("mode", "kind"), PASSES, ids=[case[0] for case in PASSES])
async def test_what_passes_keeps_the_ticket(tmp_path: Path, mode: str, kind: type[ProviderError]) -> None:
    """A question that goes wrong is of a class that keeps the ticket, and the next question brings the picture."""
    async with room(tmp_path, transport="async") as it:
        ticket = await it.ticket(a_wish())
        await it.fake.become(mode)
        question = it.provider.poll(ticket)
        with pytest.raises(ProviderError) as raised:
            await (run_out(question, it.fake) if mode == "never_accepts" else question)
        assert type(raised.value) is kind
        assert raised.value.charged is True
        await it.fake.become("good")
        assert await it.provider.poll(ticket) is not None
        assert len(it.fake.ledger.charges) == 1


async def test_never_done(tmp_path: Path) -> None:
    """An operation that is never done gives None, as often as it is asked about."""
    async with room(tmp_path, "never_done", transport="async") as it:
        ticket = await it.ticket(a_wish())
        assert [await it.provider.poll(ticket) for _ in range(5)] == [None] * 5


async def test_an_error_with_code_0_is_none(tmp_path: Path) -> None:
    """A finished operation with a picture and an error of code 0 has succeeded."""
    async with room(tmp_path, "operation_error_code_0", transport="async") as it:
        made = await it.provider.poll(await it.ticket(a_wish()))
        assert made is not None
        assert made.data.startswith(b"\xff\xd8\xff")


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("id_missing", BadResult), ("html", BadResult), ("reset", TransientError), ("status_502", TransientError)],
)
async def test_a_lost_ticket_counts_as_paid(tmp_path: Path, mode: str, kind: type[ProviderError]) -> None:
    """When the ticket does not arrive the picture may have been ordered all the same."""
    async with room(tmp_path, mode, transport="async") as it:
        with pytest.raises(kind) as raised:
            await it.provider.submit(a_wish())
        assert raised.value.charged is True
        assert len(it.fake.ledger.charges) == 1


async def test_a_silent_service_is_not_waited_for(tmp_path: Path) -> None:
    """A question without an answer ends with the time for a call."""
    async with room(tmp_path, transport="async") as it:
        ticket = await it.ticket(a_wish())
        await it.fake.become("silent")
        with pytest.raises(DeadlineExceeded):
            await run_out(it.provider.poll(ticket), it.fake)


async def test_a_key_that_is_gone_for_a_while_keeps_the_ticket(tmp_path: Path) -> None:
    """While the key file is away the ticket waits; with the file back the picture comes."""
    async with room(tmp_path, transport="async") as it:
        ticket = await it.ticket(a_wish())
        (tmp_path / "ydart-options.json").unlink()
        with pytest.raises(Unreachable, match=r"ydart-options\.json"):
            await it.provider.poll(ticket)
        write_keys(tmp_path)
        assert await it.provider.poll(ticket) is not None
