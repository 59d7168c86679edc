"""What the good answers of the AI Horde say. Anything may be missing from them or of another kind than promised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from imageserver import BadResult


@frozen(kw_only=True)
class Progress:
    """How far an order is."""

    done: bool
    faulted: bool  # it failed at every volunteer
    possible: bool  # there is a volunteer who could paint it
    kudos: str  # what it cost so far; empty where nothing was said


@frozen(kw_only=True)
class Painted:
    """A finished picture, or the placeholder that stands for a censored one."""

    picture: str = field(repr=False)  # an address, or base64
    censored: bool
    model: str
    worker: str
    seed: int | None


def read_progress(answer: Mapping[str, Any]) -> Progress:
    """The answer of /generate/check, and the head of that of /generate/status."""
    kudos = answer.get("kudos")
    return Progress(
        done=answer.get("done") is True,
        faulted=answer.get("faulted") is True,
        possible=answer.get("is_possible") is not False,
        kudos=f"{kudos:g}" if isinstance(kudos, int | float) else "",
    )


def read_painted(answer: Mapping[str, Any]) -> Painted:
    """The first picture in an answer of /generate/status. Raises BadResult when there is none."""
    pictures = answer.get("generations")
    first = pictures[0] if isinstance(pictures, list) and pictures else None
    if not isinstance(first, dict) or not isinstance(first.get("img"), str) or not first["img"]:
        raise BadResult("the AI Horde finished the order without a picture")
    return Painted(
        picture=first["img"],
        censored=first.get("censored") is True or first.get("state") == "censored" or _tells_of_censorship(first),
        model=_text(first.get("model")),
        worker=_text(first.get("worker_name")),
        seed=_seed(first.get("seed")),
    )


def warnings(answer: Mapping[str, Any]) -> list[str]:
    """Sentences that came with a ticket: no volunteer is there at the moment, and the like."""
    said = answer.get("warnings")
    messages = [one.get("message") for one in said if isinstance(one, dict)] if isinstance(said, list) else []
    return [text for message in (*messages, answer.get("message")) if (text := _text(message))]


def _tells_of_censorship(generation: Mapping[str, Any]) -> bool:
    told = generation.get("gen_metadata")
    return isinstance(told, list) and any(isinstance(one, dict) and one.get("type") == "censorship" for one in told)


def _text(value: object) -> str:
    return " ".join(value.split())[:200] if isinstance(value, str) else ""


def _seed(value: object) -> int | None:
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 20 else None
