"""Secrets that are long and random: how they are made, and what is kept of them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

_BYTES = 32  # 256 bits: nobody guesses one, so a plain hash of it gives nothing away


def new_secret(token: Callable[[int], bytes]) -> str:
    """43 letters for a cookie or a header. `token` gives so many random bytes."""
    return base64.urlsafe_b64encode(token(_BYTES)).rstrip(b"=").decode()


def digest(secret: str) -> str:
    """The SHA-256 of a secret, in hexadecimal digits. Of anything that a client sends, too."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
