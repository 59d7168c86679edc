"""Prompts that do not stand in the library but may use its placeholders: those of a frame, those of a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from imageserver.errors import Problem
from imageserver.prompts import moments, source
from imageserver.prompts.reading import Reading
from imageserver.prompts.template_check import unfit, unknown
from imageserver.prompts.templates import Lists, Measure


def lists_for_all(reading: Reading) -> Lists:
    """The lists for all prompts, with whatever any moment may bring."""
    return {**moments.EVER, **reading.placeholders}


def wrong_placeholders(text: str, reading: Reading) -> list[str]:
    """Sentences about what is wrong with the placeholders of a text beside this library; empty when they are right."""
    scope = lists_for_all(reading)
    return [*unknown(text, scope), *(f"the prompt {sentence}" for sentence in unfit(text, Measure(scope)))]


def check_prompts(folder: Path, prompts_of_frames: Mapping[str, Iterable[str]]) -> list[Problem]:
    """What is wrong with the library in `folder`, or with the prompts of frames beside it. Changes nothing."""
    path = source.find(folder)
    reading = Reading() if path is None else source.read(path)[1]
    if reading.problems:  # nobody knows which placeholders there will be
        return list(reading.problems)
    return [
        Problem(f"frames.{name}.prompts", sentence)
        for name, texts in prompts_of_frames.items()
        for text in texts
        for sentence in wrong_placeholders(text, reading)
    ]
