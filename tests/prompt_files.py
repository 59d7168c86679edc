"""Prompts files for the tests of the library, and a quick way to a library that is open."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from ruamel.yaml import YAML

from imageserver.prompts import Prompt, PromptLibrary

LOG = logging.getLogger("test.prompts")

COMMENTED = """\
# the family's library
version: 3   # ours
prompts:
  # the youngest stands first
  - idx: 3
    prompt: "a fox"   # Anna's
    mood: calm

  # about two
  - idx: 2
    negative: 'rain'
    prompt: >
      a lake
      # no comment, but a part of the text

  # about one
  - {idx: 1, prompt: a mill}   # the mill
# after the list
global_placeholders: {season: [winter, summer]}
# the end
"""

# Every kind of placeholder, with comments in all the places where an owner puts them.
TEMPLATED = """\
# ours
global_placeholders:   # for all
  color:   # the first list
    - red   # one
    # between
    - {value: gold, weight: 2.50, en: or}
    - 3
  sky: ["[[color]] sky", '', "[[season]]"]

prompts:
  # about one
  - idx: 1
    prompt: a [[color]] [[animal]]   # each anew
    negative: "[[color]]"
    placeholders:
      # his own
      animal: [fox, "hare #2"]   # two
  # about two
  - idx: 2   # second
    prompt: a lake, [[sky]]
    translations: {en: "[[sky]] on a lake"}
    placeholders: {color: [blue]}   # wins
# the end
"""


def opened(folder: Path, amount: int = 10, **files: str) -> PromptLibrary:
    """A library that was opened in `folder` after `yaml="…"` or `json="…"` was written there."""
    for ending, text in files.items():
        (folder / f"prompts.{ending}").write_text(text, encoding="utf-8")
    library = PromptLibrary(folder, amount, LOG)
    library.open()
    return library


def as_json(*texts: str) -> str:
    """A good prompts.json with these texts, the oldest first."""
    return json.dumps({"prompts": [{"idx": idx, "prompt": text} for idx, text in enumerate(texts, 1)]})


def texts(library: PromptLibrary) -> list[str]:
    """The texts in use, the oldest first."""
    return [prompt.text for prompt in library.all()]


def oldest_first(*texts: str) -> tuple[Prompt, ...]:
    """Prompts with these texts and no negative."""
    return tuple(Prompt(text=text, idx=idx) for idx, text in enumerate(texts, 1))


def as_templated_json() -> str:
    """The same as TEMPLATED, in JSON."""
    document = YAML(typ="safe").load(TEMPLATED)
    return json.dumps(document, ensure_ascii=False, indent=1)
