"""What goes wrong at OpenAI and those who answer as it does: its class, its words, and what the free check finds."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from fakes.openai import KEY, MODEL, SHUTDOWN

from default_plugins.openai_room import a_wish, room
from default_plugins.running_out import run_out
from imageserver import (
    AuthError,
    BadProviderRequest,
    BadResult,
    DeadlineExceeded,
    ModelGone,
    ModerationRefused,
    PaymentRequired,
    PermissionDenied,
    ProviderError,
    RateLimited,
    TransientError,
    Unreachable,
    UnreadableAnswer,
)
from imageserver.testing import NEVER_ACCEPTS

# Mode of the fake, class, whether it may have cost something, what the owner must read
REFUSED: list[tuple[str, type[ProviderError], bool, list[str]]] = [
    ("wrong_key", AuthError, False, ["does not know the API key", "Incorrect API key provided."]),
    ("wrong_key_400", AuthError, False, ["does not know the API key"]),
    ("xai_key", AuthError, False, ["does not know the API key", "Incorrect API key provided"]),
    ("unverified", PermissionDenied, False, ["verified first", "in the settings of your account"]),
    ("region", PermissionDenied, False, ["does not allow this", "territory not supported"]),
    ("quota", PaymentRequired, False, ["no money or quota is left"]),
    ("quota_by_type", PaymentRequired, False, ["no money or quota is left"]),
    ("hard_limit", PaymentRequired, False, ["has reached its spending limit"]),
    ("no_money", PaymentRequired, False, ["wants to be paid", "Insufficient credits"]),
    ("rate_limited", RateLimited, False, ["asked too often"]),
    ("rate", RateLimited, False, ["asked too often", "Rate limit reached"]),
    ("moderation", ModerationRefused, False, ["will not draw this prompt", "safety system"]),
    ("moderation_dalle", ModerationRefused, False, ["will not draw this prompt"]),
    ("moderation_words", ModerationRefused, False, ["will not draw this prompt"]),
    ("model_gone", ModelGone, False, ["change model"]),
    ("model_words", ModelGone, False, ["change model", "does not exist"]),
    ("model_param", ModelGone, False, ["change model"]),
    ("bad_size", BadProviderRequest, False, ["send_size: false", "Invalid size."]),
    ("xai_size", BadProviderRequest, False, ["send_size: false", "Argument not supported: size"]),
    ("bad_quality", BadProviderRequest, False, ["change quality"]),
    ("other_400", BadProviderRequest, False, ["did not understand the request", "Prompt is too long."]),
    ("no_route", BadProviderRequest, False, ["check base_url", "Not Found"]),
    ("unprocessable", BadProviderRequest, True, ["Field required"]),
    ("int_code", TransientError, True, ["in trouble", "could not load model"]),
    ("status_502", TransientError, True, ["in trouble (HTTP 502)"]),
    ("status_503_html", TransientError, True, ["in trouble (HTTP 503)"]),
    ("reset", TransientError, True, ["broke off"]),
    ("reset_mid_body", TransientError, True, ["broke off"]),
    ("html", UnreadableAnswer, True, ["is no JSON but text/html"]),
    ("empty", UnreadableAnswer, True, ["is no JSON"]),
    ("cut_text", UnreadableAnswer, True, ["is no JSON"]),
    ("empty_data", BadResult, True, ["holds no picture"]),
    ("null_picture", BadResult, True, ["holds no picture"]),
    ("no_data", BadResult, True, ["holds no picture"]),
    ("a_list", UnreadableAnswer, True, ["is no JSON object"]),
    ("bad_base64", BadResult, True, ["no base64"]),
    ("error_in_200", BadResult, True, ["gave no picture", "upstream timed out"]),
    ("url_expired", BadResult, True, ["does not give the picture that was painted (HTTP 403)"]),
    ("url_gone", BadResult, True, ["does not give the picture that was painted (HTTP 404)"]),
    ("by_foreign_url", BadResult, True, ["neither public https nor ours", "send_response_format: true may help"]),
    ("by_no_url", BadResult, True, ["cannot be fetched"]),
]


@pytest.mark.parametrize(
    ("mode", "kind", "charged", "words"), REFUSED, ids=lambda value: value if isinstance(value, str) else ""
)
async def test_each_failure_has_its_class_and_its_words(
    mode: str, kind: type[ProviderError], charged: bool, words: list[str], tmp_path: Path
) -> None:
    """The class decides what the server does; `charged` is False only where nothing was begun for certain."""
    async with room(tmp_path, mode) as (provider, fake):
        with pytest.raises(ProviderError) as caught:
            await provider.generate(a_wish())
        if fake.ledger.charges:
            assert charged, "the fake has charged, so the error must count as paid for"
    assert type(caught.value) is kind
    assert caught.value.charged is charged
    for word in words:
        assert word in str(caught.value)


async def test_how_long_to_wait_is_taken_from_either_header(tmp_path: Path) -> None:
    """OpenAI's own header in milliseconds is the more exact one."""
    waits = []
    for mode in ("rate", "rate_ms"):
        async with room(tmp_path, mode) as (provider, _fake):
            with pytest.raises(RateLimited) as caught:
                await provider.generate(a_wish())
            waits.append(caught.value.retry_after)
    assert waits == [9.0, 8.2]


async def test_a_silent_service_ends_with_the_timeout(tmp_path: Path) -> None:
    """It may have painted, so it counts as paid for."""
    async with room(tmp_path, "silent") as (provider, fake):
        with pytest.raises(DeadlineExceeded) as caught:
            await run_out(provider.generate(a_wish()), fake)
    assert caught.value.charged


async def test_a_service_that_is_off_was_not_paid(tmp_path: Path) -> None:
    """Not a byte was sent: somebody else may be asked."""
    async with room(tmp_path, NEVER_ACCEPTS) as (provider, fake):
        with pytest.raises(Unreachable) as caught:
            await run_out(provider.generate(a_wish()), fake)
    assert not caught.value.charged


async def test_the_key_is_in_no_message_and_no_repr(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Also where the service repeats the key, or its beginning only."""
    caplog.set_level(logging.DEBUG)
    async with room(tmp_path, "key_echo") as (provider, _fake):
        with pytest.raises(AuthError) as caught:
            await provider.generate(a_wish())
        missing = await provider.check()
        texts = f"{caught.value} {missing} {provider.context!r} {provider.context.settings!r} {caplog.text}"
    assert "***" in str(caught.value)
    assert "***" in str(missing)
    assert KEY[:8] not in texts
    assert KEY[-8:] not in texts


@pytest.mark.parametrize("mode", ["good", "models_missing", "models_empty"])
async def test_the_check_is_free_and_content(mode: str, tmp_path: Path) -> None:
    """The model is listed; a service that lists nothing, or has no list, cannot be checked further."""
    async with room(tmp_path, mode) as (provider, fake):
        assert await provider.check() is None
        assert [entry["path"] for entry in fake.ledger.requests] == ["/v1/models"]
        assert fake.ledger.charges == []


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("models_short", [f'does not list the model "{MODEL}"', "gpt-image-1-mini"]),
        ("wrong_key", ["does not know the API key"]),
        ("status_502", ["in trouble"]),
        ("html", ["is no JSON but text/html"]),
        (NEVER_ACCEPTS, ["no connection"]),
    ],
)
async def test_the_check_tells_the_step_that_is_missing(mode: str, words: list[str], tmp_path: Path) -> None:
    """One sentence, never an exception."""
    async with room(tmp_path, mode) as (provider, fake):
        missing = await (run_out(provider.check(), fake) if mode == NEVER_ACCEPTS else provider.check())
    for word in words:
        assert word in str(missing)


@pytest.mark.parametrize("mode", ["models_end", "models_end_seconds"])
async def test_the_end_of_a_model_is_told_before_it_comes(
    mode: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The model still serves, so all is well; the log has the day."""
    async with room(tmp_path, mode) as (provider, _fake):
        assert await provider.check() is None
    assert f"{MODEL} is to be shut down on {SHUTDOWN}" in caplog.text
