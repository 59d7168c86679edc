"""Why something hangs on a wall is told in the reader's language; what nobody knows stays as it was said."""

from __future__ import annotations

import random
import re
from decimal import Decimal
from pathlib import Path

import pytest
from live import live, painter
from test_policy import CASES

from imageserver import ProviderError, errors
from imageserver.errors import CapReached
from imageserver.money import Caps
from imageserver.policy import Standing, Wish, decide
from imageserver.web import whys
from imageserver.web.whys import parts_of, why_as_markup, why_as_text

QUIET = "disabled_providers: [atelier]\n"


@pytest.mark.parametrize(
    ("english", "russian"),
    [
        ("the threshold has passed; yandexart painted", "пора рисовать новую; нарисовал yandexart"),
        ("the threshold has 8 min left; next in the lap", "до новой ещё 8 мин; следующая по кругу"),
        ("the threshold has 90 s left, and nothing is stored", "до новой ещё 90 с, а в хранилище пусто"),
        ("the frame sleeps until 07:30; new", "рамка спит до 07:30; новая"),
        (
            "asked for any provider; openai: unreachable; yandexart painted picture 12 once more",
            "просили любого провайдера; openai: недоступен; yandexart нарисовал картинку 12 ещё раз",
        ),
        (
            "not configured: write providers: {folder: …} into options.yml",
            "не настроен: впишите providers: {folder: …} в options.yml",
        ),
        (
            "dear: 5 pictures were bought today, and max_per_day is 5",
            "dear: сегодня куплено картинок: 5, а max_per_day — 5",
        ),
    ],
)
def test_known_sentences(english: str, russian: str) -> None:
    """Each piece is known, and English stays what it was, letter for letter."""
    assert why_as_text("ru", english) == russian
    assert why_as_text("en", english) == english
    assert "lang=" not in why_as_markup("ru", english)


def test_what_is_not_known_stays_and_says_that_it_is_english() -> None:
    """A stranger's words are passed on, marked for screen readers, and are never taken for HTML."""
    why = "asked for mine; <b>strange</b> words"
    assert why_as_text("ru", why) == "просили mine; <b>strange</b> words"
    assert why_as_markup("ru", why) == 'просили mine; <span lang="en">&lt;b&gt;strange&lt;/b&gt; words</span>'
    assert why_as_markup("en", why) == "asked for mine; &lt;b&gt;strange&lt;/b&gt; words"
    assert parts_of("ru", "") == ()


def test_a_pause_keeps_the_services_own_words() -> None:
    """What the service said stands inside of our sentence, whatever signs it has."""
    said = "3 failures in a row, the last: HTTP 503; try later. It is asked again in 24 h"
    assert why_as_text("ru", said) == "неудач подряд: 3, последняя: HTTP 503; try later. Снова спросим через 24 ч"


@pytest.mark.parametrize("case", [case for case in CASES if not case[2].refused], ids=lambda case: case[0])
def test_every_decision_is_known(case: tuple[str, Wish, Standing, str]) -> None:
    """Whatever the policy says in its own tests has its words; a sentence that changes there is not forgotten here."""
    _, wish, standing, _ = case
    parts = parts_of("ru", decide(wish, standing, random.Random(3)).why)
    assert parts
    assert [part.text for part in parts if part.is_english] == []
    assert all(re.search("[а-я]", part.text) for part in parts)


def test_every_label_of_a_failure_is_known() -> None:
    """Whatever a provider may fail with has its words."""
    kinds: list[type[ProviderError]] = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ProviderError)
    ]
    assert len(kinds) > 10
    assert {CapReached.reason} | {kind.reason for kind in kinds} == set(whys._LABELS)


def test_every_cap_is_known() -> None:
    """Each sentence about a cap that is reached has its words."""
    for caps in (
        Caps(price=Decimal(2), per_day=1, per_month=None, cost_per_month=None),
        Caps(price=Decimal(2), per_day=None, per_month=1, cost_per_month=None),
        Caps(price=Decimal(2), per_day=None, per_month=None, cost_per_month=Decimal(3)),
    ):
        why = caps.reached(1, 1, Decimal(2))
        assert why is not None
        assert [part.text for part in parts_of("ru", f"dear: {why}") if part.is_english] == []


async def test_pages_and_labels_tell_it(tmp_path: Path) -> None:
    """Who reads Russian has it on the first page, among the jobs and in a picture's label; programs have English."""
    async with live(tmp_path, painter(), options=QUIET) as server:
        await server.done((await server.start(type="ydart", prompt="a fox"))["id"])
        russian = {"Accept-Language": "ru"}
        told = "просили любого провайдера; нарисовал painter"
        for path in ("/", "/providers"):
            async with server.http.get(path, headers=russian) as answer:
                assert told in await answer.text(), path
        async with server.http.get("/api/v1/pictures/1", headers=russian) as answer:
            assert (await answer.json())["why"] == told
        async with server.http.get("/api/v1/pictures/1") as answer:
            assert (await answer.json())["why"] == "asked for any provider; painter painted"
