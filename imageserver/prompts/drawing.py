"""A prompt of the library → the prompt that is painted."""

from __future__ import annotations

import random

from attrs import evolve

from imageserver.prompts.reading import Prompt
from imageserver.prompts.templates import Draw, Lists, inside


def drawn(prompt: Prompt, lists: Lists, random: random.Random) -> Prompt:
    """The prompt with its placeholders replaced: out of its own lists, else out of `lists`.

    In the translations the n-th placeholder of a name has the value that the n-th in the text has. A negative is
    drawn for itself; None where nothing is left of it.
    """
    scope = {**lists, **prompt.placeholders}
    draw = Draw(scope, random)
    text = draw.write(prompt.text).strip()  # before the translations: its placeholders are the first to be drawn
    negative = Draw(scope, random).write(prompt.negative or "").strip()
    return evolve(
        prompt,
        text=text,
        negative=negative or None,
        translations={
            language: draw.write(translation, language).strip() for language, translation in prompt.translations.items()
        },
        placeholders={},
        template=prompt.text if inside(prompt.text) else None,
    )
