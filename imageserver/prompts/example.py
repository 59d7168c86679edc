"""prompts_example.yaml: everything that a prompts file can say, to copy from. The server never reads it."""

from __future__ import annotations

import importlib.resources
import logging
from pathlib import Path

from imageserver.language import Language
from imageserver.prompts import file

NAME = "prompts_example.yaml"


def text(language: Language) -> str:
    """The example with comments in this language."""
    return importlib.resources.files("imageserver.prompts").joinpath(f"example.{language}.yaml").read_text("utf-8")


def put(folder: Path, language: Language, log: logging.Logger) -> None:
    """Write the example where there is none. What stands there is the owner's; a full disk is said and forgiven."""
    path = folder / NAME
    file.sweep(path)
    if file.exists(path):
        return
    try:
        file.write(path, text(language))
    except OSError as error:
        log.warning("%s cannot be written: %s", NAME, error.strerror or error)
