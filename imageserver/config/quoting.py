"""Which texts may stand in a YAML file without quotes."""

from __future__ import annotations

import re

_BARE = re.compile(r"[A-Za-z/][A-Za-z0-9_./-]*|\d{1,3}(\.\d{1,3}){3}", re.ASCII)  # a word, a path, an IPv4 address
_WORDS = re.compile(r"y|n|yes|no|on|off|true|false|null|nan|inf", re.IGNORECASE)  # in some version of YAML no texts


def needs_no_quotes(text: str) -> bool:
    """Whether every version of YAML takes these bare letters for this very text."""
    return _BARE.fullmatch(text) is not None and _WORDS.fullmatch(text) is None
