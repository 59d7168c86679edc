"""Which file of a folder is the library, and what it says."""

from __future__ import annotations

from pathlib import Path

from imageserver.prompts import file
from imageserver.prompts.reading import Reading, read_text, unreadable

NAMES = ("prompts.yaml", "prompts.json")  # the first that exists wins


def find(folder: Path) -> Path | None:
    """The prompts file that counts; None where there is none."""
    return next((folder / name for name in NAMES if file.exists(folder / name)), None)


def read(path: Path) -> tuple[str, Reading]:
    """The text of a prompts file and what it says. Never raises."""
    try:
        text = file.read(path)
    except OSError as error:
        return "", unreadable(path.name, 1, f"cannot be read: {error.strerror or error}")
    except file.NotText as error:
        return "", unreadable(path.name, error.line, str(error))
    return text, read_text(text, path.name)
