"""What the server hands to every object that a plugin brings, when it builds it."""

from __future__ import annotations

import logging
import random
import stat
from pathlib import Path
from typing import Any

from attrs import define, field

from imageserver.answers import Answers
from imageserver.calls import Caller, Mask
from imageserver.clock import Clock
from imageserver.config.schema import secrets_in
from imageserver.errors import Unreachable


@define(kw_only=True)
class PluginContext:
    """The owner's settings, and the means to work with them."""

    settings: Any = field(repr=False)  # an instance of the object's `settings_class`, already validated
    clock: Clock
    random: random.Random
    log: logging.Logger  # named after the object
    data_folder: Path  # a folder of the object's own; make it when you need it
    answers: Answers = field(factory=lambda: Answers(Path("answers")), repr=False)
    http: Caller = field(init=False, repr=False)  # `call` and `download` raise ProviderErrors only
    _warned: set[Path] = field(factory=set, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.http = Caller(clock=self.clock, answers=self.answers, mask=Mask(secrets_in(self.settings)))

    @property
    def mask(self) -> Mask:
        """Takes the owner's secrets out of a text: `context.mask(text)`. `mask.add(secret)` makes one known."""
        return self.http.mask

    def secret(self, name: str) -> str | None:
        """A secret setting: the field `name`, or what stands in the file that the field `name_file` points to.

        None where the owner gave neither. Raises Unreachable, with a sentence for the owner, for a file that cannot be
        used. Read anew each time, so that a corrected file counts at once.
        """
        file = getattr(self.settings, f"{name}_file", None)
        if file is None:
            return getattr(self.settings, name, None) or None
        try:
            text = file.read_text("utf-8").strip()
            if stat.S_IMODE(file.stat().st_mode) & 0o077 and file not in self._warned:
                self._warned.add(file)
                self.log.warning("%s holds a secret and others can read it: chmod 600 %s", file, file)
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            raise Unreachable(f"{name}_file: {file} cannot be read: {why}") from None
        if not text or not text.isprintable():
            raise Unreachable(f"{name}_file: {file} must hold the {name} and nothing else, on one line")
        self.mask.add(text)
        return str(text)

    async def close(self) -> None:
        """Called by the server when the object ends."""
        await self.http.close()
