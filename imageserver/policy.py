"""Where a picture comes from: a pure function of what was asked and how things stand."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from enum import Enum, auto

from attrs import frozen

from imageserver.jobs import Kind
from imageserver.provider_host import ProviderState
from imageserver.sleeping import BY_HAND, FrameSleepWindow
from imageserver.troubles import OWNERS_BUSINESS, Trouble


class Source(Enum):
    """Who gives the picture."""

    PROVIDER = auto()  # one of the decision's candidates, in their order
    STORED = auto()
    CARD = auto()  # nobody can: a drawn card says what is missing


@frozen(kw_only=True)
class Wish:
    """What was asked for."""

    kind: Kind
    provider: str | None = None  # with Kind.PROVIDER
    prompt: str | None = None  # used once, not saved
    negative: str | None = None


@frozen(kw_only=True)
class Standing:
    """How things stand at the moment of a wish."""

    now: float
    auto_asked: float | None  # when `auto` last asked a provider
    threshold: float  # seconds
    providers: Sequence[ProviderState]
    stored: int
    refused: Mapping[str, str]  # providers that may not be asked: a cap is reached, the clock is wrong, the disk full
    stored_in: dict[str, int]  # by library
    has_room: bool  # fewer unfinished jobs than queue_size
    is_choosy: bool = False  # the frame shows some providers' pictures only, and the last resort's are not among them
    asleep: FrameSleepWindow | None = None  # the window that the frame sleeps in
    may_tell: bool = True  # the frame may be shown what is wrong: it has not been told lately


@frozen(kw_only=True)
class Decision:
    """Who gives the picture, and why."""

    source: Source
    why: str
    candidates: tuple[str, ...] = ()
    scope: str = ""  # a library whose pictures alone count
    card: str = "nothing_stored"  # which card, and with Source.CARD only
    reasons: tuple[tuple[str, str], ...] = ()  # provider and why, for the card


def decide(wish: Wish, standing: Standing, rng: random.Random) -> Decision:
    """Where the picture comes from."""
    match wish.kind:
        case Kind.OLD:
            return _stored_or_card(standing, "asked for a stored picture")
        case Kind.AUTO:
            return _auto(wish, standing, rng)
        case Kind.PROVIDER:
            return _this_one(wish, standing)
        case Kind.TEST:
            return Decision(source=Source.CARD, why="asked for the test card", card="test")
        case Kind.ANY | Kind.STARTER:
            return _any(wish, standing, rng)


def last_resort(standing: Standing) -> str | None:
    """The provider that stands at the end of every chain, when it is ready."""
    return next((state.code for state in standing.providers if state.role == "last_resort" and state.ready), None)


def _auto(wish: Wish, standing: Standing, rng: random.Random) -> Decision:
    if standing.asleep is not None and standing.asleep.black_image_mode:
        return Decision(source=Source.CARD, why=_sleeps(standing.asleep), card="black")
    candidates = _choose(wish, standing, rng)
    remaining = _threshold_left(standing)
    if candidates and remaining <= 0 and standing.has_room and standing.asleep is None:
        return Decision(source=Source.PROVIDER, candidates=candidates, why="the threshold has passed")
    if standing.asleep is not None:
        why = _sleeps(standing.asleep)
    elif not candidates:
        why = "no provider that paints is ready"
    elif remaining > 0:
        why = f"the threshold has {_minutes(remaining)} left"
    else:
        why = "too many jobs wait"
    if standing.stored:
        return Decision(source=Source.STORED, why=why)
    # An empty store: a provider that is free may paint however short ago it was asked.
    free = tuple(state.code for state in standing.providers if state.code in candidates and not state.paid)
    if standing.is_choosy and not free and standing.may_tell and _is_owners_business(standing):
        return Decision(source=Source.CARD, why=f"{why}, its own have nothing stored, and the owner can mend that")
    final = last_resort(standing)
    painters = free or ((final,) if final else ())
    if painters and standing.has_room:
        return Decision(source=Source.PROVIDER, candidates=painters, why=f"{why}, and nothing is stored")
    return Decision(source=Source.CARD, why=f"{why}, and nothing is stored")


def _any(wish: Wish, standing: Standing, rng: random.Random) -> Decision:
    candidates = _choose(wish, standing, rng)
    if candidates:
        why = "nothing was stored" if wish.kind is Kind.STARTER else "asked for any provider"
        return Decision(source=Source.PROVIDER, candidates=candidates, why=why)
    libraries = [
        state.code
        for state in standing.providers
        if state.is_library and state.ready and standing.stored_in.get(state.code)
    ]
    if libraries and wish.prompt is None:
        code = rng.choice(libraries)
        return Decision(source=Source.STORED, scope=code, why=f"asked for any provider, {code} has pictures")
    refused = _refused(wish, standing)
    if refused:
        return _cap_card(refused, standing)
    final = last_resort(standing)
    if final and not (standing.is_choosy and standing.stored):
        why = "no other provider is ready" if wish.prompt is None else "no other provider is ready for a prompt"
        return Decision(source=Source.PROVIDER, candidates=(final,), why=why)
    return _stored_or_card(standing, "no provider is ready")


def _this_one(wish: Wish, standing: Standing) -> Decision:
    state = next((state for state in standing.providers if state.code == wish.provider), None)
    if state is None:  # the intake has refused unknown codes already
        return _stored_or_card(standing, f"{wish.provider} is not there")
    if state.is_library:
        if standing.stored_in.get(state.code):
            return Decision(source=Source.STORED, scope=state.code, why=f"asked for {state.code}")
        return _stored_or_card(standing, f"{state.code} has no pictures")
    if not state.ready:
        return _stored_or_card(standing, f"{state.code} is {state.health}: {state.reason}")
    if state.code in standing.refused:
        return _cap_card(((state.code, standing.refused[state.code]),), standing)
    ignored = wish.prompt is not None and not state.takes_prompt
    why = f"asked for {state.code}, which takes no prompt" if ignored else f"asked for {state.code}"
    return Decision(source=Source.PROVIDER, candidates=(state.code,), why=why)


def _choose(wish: Wish, standing: Standing, rng: random.Random) -> tuple[str, ...]:
    """The providers that can be asked, in an order drawn by their weights."""
    ready = [
        state
        for state in _able(wish, standing)
        if state.code not in standing.refused and (wish.kind is not Kind.AUTO or _own_threshold_passed(state, standing))
    ]
    # Efraimidis and Spirakis: sorted by u^(1/weight) each comes first as often as its weight says
    drawn = {state.code: rng.random() ** (1 / state.weight) if state.weight else -rng.random() for state in ready}
    return tuple(sorted(drawn, key=lambda code: drawn[code], reverse=True))


def _able(wish: Wish, standing: Standing) -> list[ProviderState]:
    return [
        state
        for state in standing.providers
        if state.role == "chosen"
        and state.ready
        and not state.is_library
        and (state.takes_prompt or wish.prompt is None)
    ]


def _own_threshold_passed(state: ProviderState, standing: Standing) -> bool:
    return state.asked_at is None or not state.threshold or standing.now - state.asked_at >= state.threshold


def _refused(wish: Wish, standing: Standing) -> tuple[tuple[str, str], ...]:
    able = {state.code for state in _able(wish, standing)}
    return tuple((code, why) for code, why in standing.refused.items() if code in able)


def _is_owners_business(standing: Standing) -> bool:
    """Whether a provider that the frame shows waits for something that only the owner can do."""
    mine = [state for state in standing.providers if state.role == "chosen"]
    troubles = [standing.refused.get(state.code) or state.reason for state in mine]
    return any(isinstance(trouble, Trouble) and trouble.label in OWNERS_BUSINESS for trouble in troubles)


def _cap_card(reasons: tuple[tuple[str, str], ...], standing: Standing) -> Decision:
    why = "; ".join(f"{code}: {reason}" for code, reason in reasons)
    if standing.stored and not standing.may_tell:
        return Decision(source=Source.STORED, why=f"{why}, as the frame has been told lately")
    return Decision(source=Source.CARD, why=why, card="cap_reached", reasons=reasons)


def _stored_or_card(standing: Standing, why: str) -> Decision:
    if standing.stored:
        return Decision(source=Source.STORED, why=why)
    return Decision(source=Source.CARD, why=f"{why}, and nothing is stored")


def _sleeps(window: FrameSleepWindow) -> str:
    return "its owner sent it to sleep" if window is BY_HAND else f"the frame sleeps until {window.time_range.end_time}"


def _threshold_left(standing: Standing) -> float:
    """Seconds until `auto` may ask a provider; 0 or less: it may."""
    if standing.auto_asked is None:
        return 0.0
    passed = standing.now - standing.auto_asked
    # A clock that was set back says nothing about what has passed; at most one whole threshold is waited for.
    return min(standing.threshold, standing.threshold - passed)


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
