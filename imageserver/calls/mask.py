"""Takes secrets out of texts that others will read."""

from __future__ import annotations

import re
from collections.abc import Iterable

_ECHO = 8  # letters of a secret in a row that count as a part of it
_MASKED = "***"
_SHOWN = 300  # letters of a service's own words


class Mask:
    """Knows the secrets of one provider. Called with a text it returns the text without them."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: set[str] = set()
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """One more text that nobody may read."""
        if secret:
            self._secrets.add(secret)

    def __call__(self, text: str) -> str:
        """`text` without any secret, also where a service echoes only a part of one."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            # One of a few letters is masked as a word only, or every "a" of the sentence would go.
            edge = r"\b" if len(secret) < 4 else ""
            text = re.sub(edge + re.escape(secret) + edge, _MASKED, text)
        return re.sub(rf"[\w+/=-]{{{_ECHO},}}", self._echo, text)

    def line(self, text: str, most: int = _SHOWN) -> str:
        """A service's own words as they can be shown: masked, on one line, at most so many letters of them."""
        text = self(text)  # before it is cut: half a key is a key's half
        text = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
        return text if len(text) <= most else text[:most] + "…"

    def _echo(self, word: re.Match[str]) -> str:
        pieces = (word[0][start : start + _ECHO] for start in range(len(word[0]) - _ECHO + 1))
        return _MASKED if any(piece in secret for piece in pieces for secret in self._secrets) else word[0]
