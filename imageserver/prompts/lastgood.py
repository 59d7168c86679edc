"""A copy of the last prompts file that was good, for a start at which the owner's file is broken."""

from __future__ import annotations

import logging
from pathlib import Path

from imageserver.prompts import file
from imageserver.prompts.reading import Reading, is_yaml, read_text


class LastGood:
    """The copy in `folder`, word for word, comments included, so that an owner may take his text back from it."""

    def __init__(self, folder: Path, log: logging.Logger) -> None:
        self._log = log
        self._yaml = folder / ".prompts-last-good.yaml"
        self._json = folder / ".prompts-last-good.json"

    def sweep(self) -> None:
        """Remove what a killed writer left."""
        file.sweep(self._yaml)
        file.sweep(self._json)

    def read(self) -> Reading | None:
        """What the newest good copy says; None when there is none."""
        copies = [
            (signature.modified, path) for path in (self._yaml, self._json) if (signature := file.signature(path))
        ]
        for _, path in sorted(copies, reverse=True):
            try:
                text = file.read(path)
            except (OSError, file.NotText):
                continue
            reading = read_text(text, path.name)
            if not reading.problems:
                return reading
        return None

    def keep(self, name: str, text: str) -> None:
        """Put the text of the good file `name` aside. A full disk is said and forgiven: the copy is a second chance."""
        path, other = (self._yaml, self._json) if is_yaml(name) else (self._json, self._yaml)
        try:
            if not _holds(path, text):
                file.write(path, text)
            other.unlink(missing_ok=True)
        except OSError as error:
            self._log.warning("%s cannot be written: %s", path.name, error.strerror or error)


def _holds(path: Path, text: str) -> bool:
    try:
        return file.read(path) == text
    except (OSError, file.NotText):
        return False
