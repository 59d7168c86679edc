from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from imageserver.jobs import Kind
from imageserver.policy import Decision, Source, Standing, Wish, decide
from imageserver.provider_host import Health, ProviderState

FREE, PAID, MUTE, LIBRARY, FINAL = "free", "paid", "mute", "library", "final"


def provider(code: str, *, ready: bool = True) -> ProviderState:
    return ProviderState(
        code=code,
        title=code,
        role="last_resort" if code == FINAL else "chosen",
        health=Health.READY if ready else Health.NOT_READY,
        reason="" if ready else "no key",
        takes_prompt=code != MUTE,
        paid=code == PAID,
        is_library=code == LIBRARY,
    )


def standing(providers: str = "", *, stored: int = 5, asked: float | None = None, **facts: Any) -> Standing:
    """`providers` are codes with spaces between them; a "-" in front: not ready."""
    states = [provider(word.removeprefix("-"), ready=not word.startswith("-")) for word in providers.split()]
    plain: dict[str, Any] = {"stored_in": {}, "has_room": True, "now": 10_000.0, "threshold": 600.0, "refused": {}}
    plain |= facts
    return Standing(providers=states, stored=stored, auto_asked=asked, **plain)


AUTO, OLD, ANY = Wish(kind=Kind.AUTO), Wish(kind=Kind.OLD), Wish(kind=Kind.ANY)
ANY_WITH_PROMPT = Wish(kind=Kind.ANY, prompt="a cat")


def this(code: str) -> Wish:
    return Wish(kind=Kind.PROVIDER, provider=code)


IN_LIBRARY = {LIBRARY: 3}

CASES: list[tuple[str, Wish, Standing, str]] = [
    # what is said of the case, the wish, how things stand → who gives the picture
    ("old: always the store", OLD, standing("free"), "STORED"),
    ("old: nothing stored", OLD, standing("free", stored=0), "CARD"),
    # auto
    ("auto: never asked before", AUTO, standing("free"), "PROVIDER free"),
    ("auto: the threshold has passed", AUTO, standing("free", asked=9400.0), "PROVIDER free"),
    ("auto: one second of it is left", AUTO, standing("free", asked=9401.0), "STORED"),
    ("auto: a threshold of 0", AUTO, standing("free", asked=10_000.0, threshold=0.0), "PROVIDER free"),
    ("auto: asked in the future", AUTO, standing("free", asked=99_000.0), "STORED"),
    ("auto: nobody ready", AUTO, standing("-free"), "STORED"),
    ("auto: only the last resort ready", AUTO, standing("-free final"), "STORED"),
    ("auto: the last resort is no choice", AUTO, standing("free final"), "PROVIDER free"),
    ("auto: too many jobs wait", AUTO, standing("free", has_room=False), "STORED"),
    ("auto: a library is stored pictures", AUTO, standing("library", stored_in=IN_LIBRARY), "STORED"),
    ("auto: nothing stored, nobody ready", AUTO, standing("-free", stored=0), "CARD"),
    ("auto: nothing stored, last resort", AUTO, standing("-free final", stored=0), "PROVIDER final"),
    ("auto: nothing stored, too soon, free", AUTO, standing("free final", stored=0, asked=9999.0), "PROVIDER free"),
    ("auto: nothing stored, too soon, paid", AUTO, standing("paid", stored=0, asked=9999.0), "CARD"),
    ("auto: the same with a last resort", AUTO, standing("paid final", stored=0, asked=9999.0), "PROVIDER final"),
    ("auto: nothing stored, no room", AUTO, standing("free final", stored=0, has_room=False), "CARD"),
    # any provider, now
    ("any: the threshold does not count", ANY, standing("paid", asked=9999.0), "PROVIDER paid"),
    ("any: nor does room; the journal refuses", ANY, standing("free", has_room=False), "PROVIDER free"),
    ("any: a library's pictures", ANY, standing("-free library final", stored_in=IN_LIBRARY), "STORED library"),
    ("any: an empty library", ANY, standing("library final"), "PROVIDER final"),
    ("any: nobody", ANY, standing("-free"), "STORED"),
    ("any: nobody and nothing", ANY, standing("-free", stored=0), "CARD"),
    ("any with prompt: who takes none is out", ANY_WITH_PROMPT, standing("mute final"), "PROVIDER final"),
    ("any with prompt: who takes one", ANY_WITH_PROMPT, standing("mute free"), "PROVIDER free"),
    ("any with prompt: no library", ANY_WITH_PROMPT, standing("library", stored_in=IN_LIBRARY), "STORED"),
    # this one
    ("this: ready", this(PAID), standing("paid free", asked=9999.0), "PROVIDER paid"),
    ("this: the last resort by name", this(FINAL), standing("free final"), "PROVIDER final"),
    ("this: not ready", this(PAID), standing("-paid free"), "STORED"),
    ("this: not ready, nothing stored", this(PAID), standing("-paid free", stored=0), "CARD"),
    ("this: a library", this(LIBRARY), standing("library", stored_in=IN_LIBRARY), "STORED library"),
    ("this: an empty library", this(LIBRARY), standing("library"), "STORED"),
    # the server itself
    ("starter: who is chosen", Wish(kind=Kind.STARTER), standing("free", stored=0), "PROVIDER free"),
]


@pytest.mark.parametrize(("wish", "stands", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_who_gives_the_picture(wish: Wish, stands: Standing, expected: str) -> None:
    """Each line of the table: the source, the candidates or the scope, and always a reason."""
    decision = decide(wish, stands, random.Random(1))
    said = " ".join([decision.source.name, *decision.candidates, *filter(None, [decision.scope])])
    assert said == expected
    assert decision.why
    if decision.source is Source.CARD:
        assert "nothing is stored" in decision.why


def test_the_first_candidate_is_drawn_evenly() -> None:
    """Of three ready providers each comes first about as often, and all are candidates."""
    rng = random.Random(5)
    decisions = [decide(AUTO, standing("free paid mute -other"), rng) for _ in range(3000)]
    assert {frozenset(decision.candidates) for decision in decisions} == {frozenset({FREE, PAID, MUTE})}
    firsts = Counter(decision.candidates[0] for decision in decisions)
    assert all(count > 850 for count in firsts.values())


def test_why_is_said() -> None:
    """The reason names what was missing: how long, or which provider and what it lacks."""

    def why(wish: Wish, stands: Standing) -> str:
        return decide(wish, stands, random.Random(1)).why

    assert why(AUTO, standing("free", asked=9_990.0)) == "the threshold has 10 min left"
    assert why(AUTO, standing("free", asked=9_500.0)) == "the threshold has 100 s left"
    assert why(this(PAID), standing("-paid")) == "paid is not ready: no key"
    assert decide(OLD, standing(stored=0), random.Random(1)) == Decision(
        source=Source.CARD, why="asked for a stored picture, and nothing is stored"
    )
