"""Errors on frames: in the owner's words, where nothing better is there, and seldom."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from live import Live, Painter, ShiftedClock, failing, live, refuse, until_noon
from test_money_end_to_end import varied

from imageserver import AuthError, PaymentRequired, cards, errors, image
from imageserver.card_words import TEXTS, in_words
from imageserver.cards import Card
from imageserver.error_cards import OF_TEN
from imageserver.frames import Frame
from imageserver.jobs import Kind
from imageserver.language import Language
from imageserver.policy import Wish
from imageserver.target import Target
from imageserver.troubles import Trouble
from imageserver.web import keys

QUIET = "disabled_providers: [atelier]\nimage_generate_threshold: 0\n"


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Card, Language]]:
    """Every card that is drawn, with its language."""
    seen: list[tuple[Card, Language]] = []
    draw = cards.draw_card

    def watched(card: Card, language: Language, width: int, height: int) -> bytes:
        seen.append((card, language))
        return draw(card, language, width, height)

    monkeypatch.setattr(cards, "draw_card", watched)
    return seen


def refused(**attributes: object) -> type[Painter]:
    """A provider that the owner knows by a title, whose key is refused in English."""
    error = refuse(AuthError, "Unknown api key 'ajeXYZ'")
    return failing(error, "painter", title="Живописец", paid=True, **attributes)


async def asked(server: Live, times: int, **body: object) -> Iterator[bool]:
    """Ask so often, read each answer to its end, and tell of each whether it was a card."""
    told = []
    for _ in range(times):
        operation = (await server.start(**body))["id"]
        said = await server.done(operation)
        assert said["status"] == "done"
        told.append((await server.job(operation)).picture is None)
    return iter(told)


async def test_a_stored_picture_beats_an_error(tmp_path: Path, drawn: list[tuple[Card, Language]]) -> None:
    """With pictures in the store, a refused key is no reason for a card: not for `auto`, not for `old`, not by name."""
    kind = refused()
    async with live(tmp_path, kind, options=QUIET, stored=2) as server:
        for body in ({"type": "auto"}, {"type": "old"}, {"type": "ydart"}, {"type": "provider", "provider": "painter"}):
            assert not any(await asked(server, 3, **body))
    assert len(kind.asked) == 1  # it did fail, and was left alone
    assert drawn == []


async def test_the_owner_reads_the_reason_in_the_owners_language(
    tmp_path: Path, drawn: list[tuple[Card, Language]]
) -> None:
    """An empty store and a refused key: the card says so in Russian, under the title that the owner knows."""
    async with live(tmp_path, refused(), options=QUIET + "language: ru\n") as server:
        assert list(await asked(server, 3, type="auto")) == [True] * 3  # there is nothing else
    assert {(card.kind, language) for card, language in drawn} == {("key_refused", "ru")}
    for card, _ in drawn:
        assert [(one.provider, one.reason) for one in card.reasons] == [("Живописец", "ключ не принят")]
        assert card.address == "http://192.168.1.5:8099"


@pytest.mark.parametrize("card", ["clock_wrong", "disk_full", "no_money"])
async def test_what_the_owner_can_mend_has_a_card_of_its_own(
    tmp_path: Path, drawn: list[tuple[Card, Language]], card: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock in 1970, a full disk and an empty account are no limit that the owner has set."""
    clock = ShiftedClock()
    kind = varied()
    if card == "no_money":
        kind = failing(refuse(PaymentRequired, "balance exhausted"), "paid", paid=True)
    elif card == "clock_wrong":
        clock.shift = -1_700_000_000.0
    else:
        monkeypatch.setattr("imageserver.till.free_bytes", lambda _folder: 12 * 1024 * 1024)
    async with live(tmp_path, kind, options=QUIET, clock=clock) as server:
        await asked(server, 2, type="ydart")
    assert drawn[-1][0].kind == card
    assert len(drawn[-1][0].reasons) == 1
    if card == "disk_full":
        assert drawn[-1][0].reasons[0].reason == "12 MB are left on the disk"


async def test_at_most_one_in_ten_also_across_a_restart(tmp_path: Path, drawn: list[tuple[Card, Language]]) -> None:
    """A frame that always asks explicitly, with its cap reached: one card, nine stored pictures, whatever restarts."""
    kind = varied()
    options = QUIET + "providers: {paid: {max_per_day: 1}}\n"
    told: list[bool] = []
    clock = ShiftedClock(shift=until_noon())  # a cap is for a day
    for times in (13, 4, 9):
        async with live(tmp_path, kind, options=options, stored=3, clock=clock) as server:
            told += await asked(server, times, type="ydart")
    assert len(kind.asked) == 1
    places = [place for place, is_card in enumerate(told) if is_card]
    assert places == [1, 1 + OF_TEN, 1 + 2 * OF_TEN]  # the first was bought; and it does say so, as often as it may
    assert {card.reasons[0].reason for card, _ in drawn} == {"1 pictures today, no more than 1"}


async def test_another_frame_is_told_for_itself(tmp_path: Path) -> None:
    """What one frame was told does not silence the next, and who asks for no frame hears it always."""
    options = QUIET + "providers: {paid: {max_per_day: 0}}\nframes: {hall: {address: 10.0.0.9}}\n"
    async with live(tmp_path, varied(), options=options, stored=3) as server:
        intake, target = server.app[keys.INTAKE], Target(width=320, height=480)
        told = {}
        for key in ("hall", "kitchen", ""):
            receipts = [await intake.take(Wish(kind=Kind.ANY), Frame(key=key, target=target)) for _ in range(12)]
            told[key] = [number for number, receipt in enumerate(receipts) if receipt.picture is None]
        assert told == {"hall": [0, OF_TEN], "kitchen": [0, OF_TEN], "": list(range(12))}


async def test_a_frame_for_one_provider_is_told_before_the_painter_steps_in(
    tmp_path: Path, drawn: list[tuple[Card, Language]]
) -> None:
    """Nothing of its provider is stored, and only the owner can mend that: one card, and then the built-in painter."""
    options = "image_generate_threshold: 0\nframes: {hall: {address: 127.0.0.1, providers: [painter]}}\n"
    async with live(tmp_path, refused(), options=options) as server:
        # the first finds out; from the second on it is known
        assert list(await asked(server, 3, type="auto")) == [False, True, False]
    assert [card.kind for card, _ in drawn] == ["key_refused"]


async def test_switched_off_the_sky_is_silent(tmp_path: Path, drawn: list[tuple[Card, Language]]) -> None:
    """No word on any frame: stored pictures where there are some, and a sky where there are none."""
    options = QUIET + "error_cards: false\nproviders: {paid: {max_per_day: 0}}\n"
    (tmp_path / "some").mkdir()
    async with live(tmp_path / "some", varied(), options=options, stored=2) as server:
        assert not any(await asked(server, 3, type="ydart"))
    async with live(tmp_path, varied(), options=options) as server:
        said = await server.done((await server.start(type="ydart"))["id"])
        sky = image.render(cards.draw_sky(320, 480), Target(width=320, height=480))
        assert said["response"] == {"image": base64.b64encode(sky).decode()}
    assert drawn == []


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.168.1.7:8099", "http://192.168.1.7:8099"),
        ("nas.local:8099", "http://nas.local:8099"),
        ("127.0.0.1:8099", ""),
        ("api-key.fusionbrain.ai", ""),
        ("evil.example.org", ""),
    ],
)
async def test_in_a_container_the_frame_says_where_the_page_is(
    tmp_path: Path, drawn: list[tuple[Card, Language]], host: str, address: str
) -> None:
    """Where the server cannot know its address, a card repeats the one that this very frame has found it under."""
    asking = {"Host": host}
    async with (
        live(tmp_path, options=QUIET, page="") as server,
        server.http.get("/frame.jpg", headers=asking) as answer,
    ):
        assert answer.status == 200
    assert {card.address for card, _ in drawn} == {address}  # where it is slow, one that says so comes first


CLASSES = [kind for kind in vars(errors).values() if isinstance(kind, type)]
LABELS = {kind.reason for kind in CLASSES if issubclass(kind, errors.ProviderError)}


@pytest.mark.parametrize("label", sorted(LABELS - {"provider"}))
def test_every_failure_of_a_provider_can_be_said(label: str) -> None:
    """Each has a line of its own in both languages, and the Russian one holds no Latin letter."""
    trouble = Trouble("in English", label)
    lines = [in_words(trouble, language) for language in ("en", "ru")]
    assert len({*lines, in_words(Trouble("", "nobody knows it"), "en")}) == 3
    assert not any("a" <= letter.lower() <= "z" for letter in lines[1])


def test_a_trouble_without_its_numbers_is_still_said() -> None:
    """What an older version wrote into the journal holds fewer facts."""
    assert in_words(Trouble("", "cap_day"), "ru") == "сейчас картин не даёт"
    assert len(TEXTS) == 2 * len({kind for kind, _ in TEXTS})
