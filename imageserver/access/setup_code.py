"""The code with which the first password is set: who can read the log, or the terminal, is the owner."""

from __future__ import annotations

import hmac
from collections.abc import Callable

from attrs import define, field

# 32 letters that nobody mistakes for one another on a phone: five random bits each.
_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_LENGTH = 8


@define(kw_only=True, eq=False)
class SetupCode:
    """One code, in memory only; it is good once."""

    _token: Callable[[int], bytes]  # so many random bytes
    _code: str = field(init=False, default="", repr=False)

    def make(self) -> str:
        """A new code, as it is printed: `ABCD-2345`."""
        self._code = "".join(_LETTERS[byte % len(_LETTERS)] for byte in self._token(_LENGTH))
        half = _LENGTH // 2
        return f"{self._code[:half]}-{self._code[half:]}"

    def matches(self, said: str) -> bool:
        """Whether somebody typed the code, in letters of any size, with or without dashes and spaces."""
        typed = "".join(letter for letter in said.upper() if letter.isalnum())
        return bool(self._code) and hmac.compare_digest(typed.encode("utf-8", "replace"), self._code.encode())

    def forget(self) -> None:
        """It was used, or is not needed: no code is good any more."""
        self._code = ""
